# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features and matches from files of hloc, in place of extraction and matching.

A file of matches has a group `name0/name1` for each pair, slashes in the names replaced by `-`, with `matches0` (N,):
for each keypoint of the first image the index of a keypoint of the second, -1 for none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from sfd2_ros.core.errors import FeatureFileError
from sfd2_ros.features.feature_file import read_extraction, read_features
from sfd2_ros.geometry.ideal import ideal_features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features, PosedImage


@dataclass(frozen=True, eq=False)
class GivenMatches:
    """Features and matches that were computed elsewhere.

    Attributes:
        features: of each image, in order; keypoints are those of `geometry.ideal.ideal_camera`.
        matches: (M, 2) uint32 keypoint indices by pair (i, j) of images.
        extraction: settings of the extractor; of a file that does not name them, the number of keypoints alone; empty
            where they are those of the builder.
    """

    features: list[Features]
    matches: dict[tuple[int, int], NDArray[np.uint32]]
    extraction: dict[str, Any] = field(default_factory=dict)


def read_given(
    features_path: Path, matches_path: Path, images: Sequence[PosedImage], *, weights_id: str
) -> GivenMatches:
    """Read the features and matches of images; pairs with other images are left out.

    Args:
        features_path: of `sfd2 extract`, or of hloc with the features of this package.
        matches_path: of hloc.
        images: that are mapped.
        weights_id: of the extractor that is to localize in the map.

    Raises:
        FeatureFileError: a file is missing or damaged, lacks an image, was made with other weights or at another image
            size, or matches and features do not belong together.
    """
    by_name = read_features_of(features_path, images, weights_id=weights_id)
    matches = _read_matches(matches_path, by_name)
    extraction = read_extraction(features_path)
    if extraction is None:
        extraction = {"max_keypoints": max(1, *map(len, by_name.values()))}
    features = [ideal_features(by_name[image.name], image.camera) for image in images]
    return GivenMatches(features, matches, extraction)


def read_features_of(path: Path, images: Sequence[PosedImage], *, weights_id: str) -> dict[str, Features]:
    """Read the features of images by their names.

    Args:
        path: of `sfd2 extract`, or of hloc with the features of this package.
        images: of a map or for one.
        weights_id: of the map.

    Raises:
        FeatureFileError: the file is missing or damaged, lacks an image, or was made with other weights or at another
            image size.
    """
    by_name = read_features(path, [image.name for image in images])
    for image in images:
        _check(by_name[image.name], image, weights_id, path)
    return by_name


def _check(features: Features, image: PosedImage, weights_id: str, path: Path) -> None:
    if features.weights_id != weights_id:
        raise FeatureFileError(
            f"features in {str(path)!r} are of weights {features.weights_id!r}, the map is for {weights_id!r}; the "
            "localizer must extract the same features: extract them again with `sfd2 extract`, or name --weights"
        )
    size, camera = features.image_size, image.camera
    if size != (camera.height, camera.width):
        raise FeatureFileError(
            f"features of {image.name!r} in {str(path)!r} are of a {size[1]}x{size[0]} image, its camera is "
            f"{camera.width}x{camera.height}; extract at the size of the camera"
        )


def _read_matches(path: Path, features: Mapping[str, Features]) -> dict[tuple[int, int], NDArray[np.uint32]]:
    index_of = _index_of(list(features), path)
    counts = [len(one) for one in features.values()]
    matches: dict[tuple[int, int], NDArray[np.uint32]] = {}
    try:
        with h5py.File(path, "r") as file:
            for first in file.keys() & index_of.keys():
                for second in file[first].keys() & index_of.keys():
                    pair = index_of[first], index_of[second]
                    where = f"matches of {first}/{second} in {str(path)!r}"
                    if pair[::-1] in matches or pair[0] == pair[1]:
                        raise FeatureFileError(f"{where} are there twice or of one image; one group a pair is allowed")
                    matches[pair] = _pairs_of(file[first][second]["matches0"][()], counts, pair, where)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise FeatureFileError(
            f"matches {str(path)!r} are missing, damaged or in another layout: {err}; a group name0/name1 with "
            "matches0 is needed, as hloc's match_features writes it"
        ) from err
    if not matches:
        raise FeatureFileError(f"matches {str(path)!r} have no pair of the mapped images; match these images")
    return dict(sorted(matches.items()))


def _index_of(names: list[str], path: Path) -> dict[str, int]:
    """Return the index of each image by its name as hloc writes it."""
    index_of: dict[str, int] = {}
    for index, name in enumerate(names):
        other = index_of.setdefault(name.replace("/", "-"), index)
        if other != index:
            raise FeatureFileError(
                f"images {names[other]!r} and {name!r} have one name in {str(path)!r}: hloc replaces / by -; rename one"
            )
    return index_of


def _pairs_of(
    matches0: NDArray[np.integer], counts: Sequence[int], pair: tuple[int, int], where: str
) -> NDArray[np.uint32]:
    target = np.asarray(matches0)
    first, second = counts[pair[0]], counts[pair[1]]
    if target.shape != (first,) or not np.issubdtype(target.dtype, np.integer):
        raise FeatureFileError(
            f"{where} have shape {target.shape} and type {target.dtype}, whole numbers for the {first} keypoints of "
            "the first image are needed; match the same features again"
        )
    if len(target) and not -1 <= int(target.min()) <= int(target.max()) < second:
        raise FeatureFileError(
            f"{where} have indices from {target.min()} to {target.max()}, the second image has {second} keypoints; "
            "match the same features again"
        )
    query = np.flatnonzero(target >= 0)
    return np.column_stack([query, target[query]]).astype(np.uint32)
