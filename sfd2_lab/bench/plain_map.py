# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map as plain hierarchical localization keeps it: the features of every image, and which of them are landmarks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.files import write_array
from sfd2_ros.mapping.colmap_io import write_model
from sfd2_ros.mapping.map_config import MapConfig
from sfd2_ros.mapping.match_images import choose_pairs, match_pairs, silent
from sfd2_ros.mapping.reconstruct import triangulate
from sfd2_ros.mapping.retrieval import aggregate, learn_centres
from sfd2_ros.mapping.work_folder import work_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features, PosedImage
    from sfd2_ros.mapping.match_images import Progress

NO_LANDMARK = -1


@dataclass(frozen=True, eq=False)
class PlainMap:
    """What plain hierarchical localization needs of a place.

    Attributes:
        features: of every map image, whole.
        landmark_of: of every image (N,) int64, the landmark of each keypoint, `NO_LANDMARK` for most.
        positions: (L, 3) float64 landmarks in metres.
        aggregates: (I, G) float32 global descriptors.
        centres: (K, D) float32 of the global descriptors.
    """

    features: list[Features]
    landmark_of: list[NDArray[np.int64]]
    positions: NDArray[np.float64]
    aggregates: NDArray[np.float32]
    centres: NDArray[np.float32]


def plain_map_config() -> MapConfig:
    """Return the settings of a plain map: pairs as ours, any similarity, matches verified by the known poses."""
    return dataclasses.replace(MapConfig(), min_similarity=-1.0)


def build_plain_map(
    images: Sequence[PosedImage],
    features: Sequence[Features],
    image_folder: Path,
    output: Path,
    *,
    progress: Progress = silent,
) -> PlainMap:
    """Match mutual nearest neighbours, triangulate under the known poses, and write what has to be kept.

    Args:
        images: names, intrinsics and poses.
        features: of each image.
        image_folder: what the names are relative to.
        output: folder that gets the files, descriptors in half precision as is customary.
        progress: called with step, done, total.

    Raises:
        MapBuildError: no pair has enough matches.
    """
    config = plain_map_config()
    centres = learn_centres(features, config.retrieval_centres)
    aggregates = np.array([aggregate(one, centres) for one in features])
    pairs = choose_pairs(aggregates, config, [one.cam_from_world for one in images])
    matches = match_pairs(pairs, features, config, progress, images=images)
    with work_folder() as folder:
        reconstruction = triangulate(images, features, matches, image_folder=image_folder, work_folder=folder)
    positions, landmark_of = _landmarks(reconstruction, len(images))
    made = PlainMap(list(features), landmark_of, positions, aggregates, centres)
    _write(made, reconstruction, output)
    return made


def _landmarks(reconstruction: Any, count: int) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """Return the points of a model, and of each image which keypoint is which of them."""
    row_of = {point_id: row for row, point_id in enumerate(sorted(reconstruction.points3D))}
    positions = np.array([reconstruction.point3D(point_id).xyz for point_id in row_of]).reshape(-1, 3)
    landmark_of = []
    for image_id in range(1, count + 1):
        points = reconstruction.image(image_id).points2D
        rows = [row_of[point.point3D_id] if point.has_point3D() else NO_LANDMARK for point in points]
        landmark_of.append(np.array(rows, np.int64))
    return positions, landmark_of


def _write(map_: PlainMap, reconstruction: Any, output: Path) -> None:
    output.mkdir(parents=True)
    write_model(reconstruction, output)
    for name, arrays in (
        ("keypoints", [one.keypoints for one in map_.features]),
        ("descriptors", [one.descriptors.astype(np.float16) for one in map_.features]),
    ):
        write_array(output / f"{name}.npy", np.concatenate(arrays))
    write_array(output / "counts.npy", np.array([len(one) for one in map_.features]))
    write_array(output / "aggregates.npy", map_.aggregates.astype(np.float16))
    write_array(output / "centres.npy", map_.centres)
