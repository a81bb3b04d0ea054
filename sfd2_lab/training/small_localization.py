# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small localization during training: is a view found from one other view whose depth is known?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.training.data.posed_views import read_depth
from sfd2_ros.core.transforms import rotation_angle_rad
from sfd2_ros.core.types import Camera
from sfd2_ros.features.images import read_image
from sfd2_ros.localization.pnp import solve_pnp
from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.training.data.posed_views import PosedView
    from sfd2_lab.training.data.view_source import ViewSource
    from sfd2_ros.core.types import Features
    from sfd2_ros.features.extractor import Extractor

_WITHIN_M = 0.25
_WITHIN_RAD = float(np.radians(2.0))
_MAX_ERROR_PX = 8.0


def localization_recall(extractor: Extractor, source: ViewSource, *, count: int) -> float:
    """Return the share of views found within 0.25 m and 2 degrees from a neighbour under another condition.

    Args:
        extractor: of the weights to judge.
        source: views with depth; where none differ in condition, neighbours under the same one are taken.
        count: number of pairs, spread evenly over all there are.
    """
    across = [pair for pair in source.neighbours if _condition(source, pair[0]) != _condition(source, pair[1])]
    pairs = across or source.neighbours
    chosen = np.unique(np.linspace(0, len(pairs) - 1, count).round().astype(int))
    return float(np.mean([is_found(extractor, source, *pairs[index]) for index in chosen]))


def is_found(extractor: Extractor, source: ViewSource, known: int, query: int) -> bool:
    """Return whether a view is found from a known one, by index."""
    one, other = source.views[known], source.views[query]
    folder = source.folder / "images"
    there, here = (extractor(read_image(folder / f"{view.name}.png")) for view in (one, other))
    positions = lifted(there, one, read_depth(source.folder, one).numpy())
    matches = match_mutual(here.descriptors, there.descriptors)
    usable = np.isfinite(positions[matches.target]).all(1)
    fx, fy, cx, cy = other.intrinsics
    camera = Camera(here.image_size[1], here.image_size[0], fx, fy, cx, cy)
    solution = solve_pnp(
        here.keypoints[matches.query[usable]],
        positions[matches.target[usable]],
        camera,
        max_error_px=_MAX_ERROR_PX,
    )
    if solution is None:
        return False
    error = solution.cam_from_map @ other.map_from_cam  # of the pose, about the true camera
    return bool(np.linalg.norm(error[:3, 3]) <= _WITHIN_M and rotation_angle_rad(error) <= _WITHIN_RAD)


def lifted(features: Features, view: PosedView, depth_m: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the places (N, 3) of keypoints in the map; infinite in the sky."""
    x, y = np.rint(features.keypoints).astype(np.int64).T
    depth = depth_m[y.clip(0, depth_m.shape[0] - 1), x.clip(0, depth_m.shape[1] - 1)].astype(np.float64)
    fx, fy, cx, cy = view.intrinsics
    ray = np.stack([(features.keypoints[:, 0] - cx) / fx, (features.keypoints[:, 1] - cy) / fy, np.ones(len(depth))], 1)
    is_known = np.isfinite(depth)
    place = (ray * np.where(is_known, depth, 0.0)[:, None]) @ view.map_from_cam[:3, :3].T + view.map_from_cam[:3, 3]
    return np.where(is_known[:, None], place, np.inf)


def _condition(source: ViewSource, index: int) -> str:
    return source.views[index].condition
