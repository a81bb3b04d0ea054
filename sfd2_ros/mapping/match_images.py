# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features of the map's images, the pairs worth matching, and their matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sfd2_ros.core.errors import CameraError, MapBuildError
from sfd2_ros.features.images import read_image
from sfd2_ros.geometry.ideal import ideal_features
from sfd2_ros.mapping.pairs import exhaustive_pairs, near_pairs, similar_pairs
from sfd2_ros.mapping.two_view import bearings, sampson_error_px
from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features, PosedImage
    from sfd2_ros.mapping.map_config import MapConfig

    Progress = Callable[[str, int, int], None]
    PairMatches = dict[tuple[int, int], NDArray[np.uint32]]


class FeatureExtractor(Protocol):
    """What map building needs of `features.Extractor`."""

    @property
    def weights_id(self) -> str:
        """Identity of the weights."""
        ...

    @property
    def config(self) -> Any:
        """Settings of the extraction, a dataclass."""
        ...

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract features of an (H, W, 3) uint8 RGB image."""
        ...


def silent(step: str, done: int, total: int) -> None:
    """Report no progress."""
    del step, done, total


def extract_images(
    names: Sequence[str],
    image_folder: Path,
    cameras: Sequence[Camera | None],
    extractor: FeatureExtractor,
    progress: Progress,
) -> list[Features]:
    """Extract the features of every image, in order; their keypoints are those of `geometry.ideal.ideal_camera`.

    Raises:
        ImageError: an image cannot be read.
        CameraError: an image has another size than its camera.
    """
    extracted = []
    for index, (name, camera) in enumerate(zip(names, cameras, strict=True)):
        progress("extract", index, len(names))
        image = read_image(image_folder / name)
        height, width = image.shape[:2]
        if camera is not None and (camera.width, camera.height) != (width, height):
            raise CameraError(
                f"image {name!r} is {width}x{height}, its camera {camera.width}x{camera.height}; "
                "scale the intrinsics with the image, or name the right camera"
            )
        features = extractor(image)
        extracted.append(features if camera is None else ideal_features(features, camera))
    progress("extract", len(names), len(names))
    return extracted


def choose_pairs(
    aggregates: NDArray[np.float32], config: MapConfig, cam_from_world: Sequence[NDArray[np.float64]] | None
) -> list[tuple[int, int]]:
    """Return the pairs to match: all when few, else those that look alike and, where poses are known, lie near."""
    if len(aggregates) <= config.exhaustive_up_to:
        return exhaustive_pairs(len(aggregates))
    pairs = set(similar_pairs(aggregates, config.similar_per_image))
    if cam_from_world is not None and config.near_per_image > 0:
        pairs.update(near_pairs(cam_from_world, config.near_per_image))
    return sorted(pairs)


def match_pairs(
    pairs: Sequence[tuple[int, int]],
    features: Sequence[Features],
    config: MapConfig,
    progress: Progress,
    *,
    images: Sequence[PosedImage] | None = None,
) -> PairMatches:
    """Match pairs of images by mutual nearest neighbours; known poses drop what the geometry forbids.

    Args:
        pairs: (i, j) indices.
        features: of every image.
        config: settings.
        progress: called with step, done, total.
        images: poses and intrinsics; None when they are not known.

    Returns:
        (M, 2) uint32 keypoint indices by pair, pairs with enough matches only.

    Raises:
        MapBuildError: no pair has enough matches.
    """
    rays = None if images is None else [bearings(*each) for each in _cameras_and_keypoints(images, features)]
    matched: PairMatches = {}
    for done, (first, second) in enumerate(pairs):
        progress("match", done, len(pairs))
        found = match_mutual(
            features[first].descriptors, features[second].descriptors, min_similarity=config.min_similarity
        )
        pair = np.column_stack([found.query, found.target]).astype(np.uint32)
        if images is not None and rays is not None:
            error_px = sampson_error_px(
                images[first], images[second], rays[first][found.query], rays[second][found.target]
            )
            pair = pair[error_px <= config.max_epipolar_error_px]
        if len(pair) >= config.min_matches:
            matched[first, second] = pair
    progress("match", len(pairs), len(pairs))
    if not matched:
        raise MapBuildError(
            f"none of {len(pairs)} image pairs has {config.min_matches} matches; do the images show one place, and are "
            "their poses and intrinsics right?"
        )
    return matched


def agreeing_matches(
    matches: PairMatches,
    features: Sequence[Features],
    images: Sequence[PosedImage],
    *,
    max_error_px: float,
    min_matches: int,
) -> PairMatches:
    """Return given matches that known poses allow, of pairs that have enough."""
    rays = [bearings(*each) for each in _cameras_and_keypoints(images, features)]
    kept: PairMatches = {}
    for (first, second), pair in matches.items():
        error_px = sampson_error_px(images[first], images[second], rays[first][pair[:, 0]], rays[second][pair[:, 1]])
        agreeing = pair[error_px <= max_error_px]
        if len(agreeing) >= min_matches:
            kept[first, second] = agreeing
    return kept


def verify_given(
    matches: PairMatches, features: Sequence[Features], images: Sequence[PosedImage], config: MapConfig
) -> PairMatches:
    """Drop given matches that known poses forbid, and pairs with too few.

    Raises:
        MapBuildError: no pair has enough matches.
    """
    kept = agreeing_matches(
        matches, features, images, max_error_px=config.max_epipolar_error_px, min_matches=config.min_matches
    )
    if not kept:
        raise MapBuildError(
            f"none of {len(matches)} given pairs has {config.min_matches} matches that agree with the poses; are poses "
            "and intrinsics right, and do the matches belong to these features?"
        )
    return kept


def _cameras_and_keypoints(
    images: Sequence[PosedImage], features: Sequence[Features]
) -> list[tuple[Camera, NDArray[np.float32]]]:
    return [(image.camera, each.keypoints) for image, each in zip(images, features, strict=True)]
