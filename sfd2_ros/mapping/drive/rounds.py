# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rounds of triangulation and optimisation: each from better poses, so that each trusts more matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfd2_ros.core.errors import MapBuildError
from sfd2_ros.mapping.drive.adjustment import Adjusted, Factors, adjust
from sfd2_ros.mapping.drive.rig_model import posed_images, poses_of, rig_model
from sfd2_ros.mapping.match_images import agreeing_matches
from sfd2_ros.mapping.reconstruct import triangulate
from sfd2_ros.mapping.work_folder import work_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.drive import Drive
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.match_images import PairMatches

    Poses = Sequence[NDArray[np.float64]]


def triangulated(
    drive: Drive,
    features: Sequence[Features],
    matches: PairMatches,
    poses: Poses,
    *,
    max_error_px: float,
    min_matches: int,
) -> Any:
    """Return the model of a drive with the landmarks that its poses allow.

    Args:
        drive: cameras and keyframes.
        features: of each image.
        matches: by pair of images; those that the poses contradict are left out.
        poses: map_from_base (4, 4) of each keyframe.
        max_error_px: largest distance of a match from where the poses allow it.
        min_matches: of a pair that counts.

    Raises:
        MapBuildError: no pair of images has enough matches that the poses allow.
    """
    images = posed_images(drive, poses)
    agreeing = agreeing_matches(matches, features, images, max_error_px=max_error_px, min_matches=min_matches)
    if not agreeing:
        raise MapBuildError(
            f"none of {len(matches)} image pairs has {min_matches} matches that odometry allows; are the intrinsics "
            "and the cameras' mounts on TF right?"
        )
    with work_folder() as folder:
        points = triangulate(
            images,
            features,
            agreeing,
            image_folder=folder,
            work_folder=folder,
            max_error_px=max_error_px,
            colours=False,
        )
    return rig_model(drive, poses, features, points)


def optimised(model: Any, factors: Factors, *, pixel_sigma_px: float) -> tuple[list[NDArray[np.float64]], Adjusted]:
    """Optimise a model in place; return its poses map_from_base (4, 4), and the optimisation."""
    adjusted = adjust(model, factors, pixel_sigma_px=pixel_sigma_px)
    return poses_of(model), adjusted
