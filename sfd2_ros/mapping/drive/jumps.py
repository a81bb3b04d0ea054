# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Steps of odometry that images contradict: a reset, a slip, a robot that was carried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.transforms import inverse, rotation_angle_rad
from sfd2_ros.mapping.drive.loops import find_loops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.core.drive import Drive
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.drive.config import DriveConfig
    from sfd2_ros.mapping.drive.odometry import RelativePose
    from sfd2_ros.mapping.match_images import PairMatches

_MIN_SHARE = 0.4
"""Of the landmarks that must agree: those on one moving vehicle must not overrule odometry. Not tuned."""
_JUMP_SIGMAS = 5.0
"""Odometry's errors are not normal: more than usual outliers' three. Not tuned."""
_LEAST_JUMP_M, _LEAST_JUMP_RAD = 0.3, 0.05
"""Less is bridged by the robust loss of odometry. Not tuned."""


def without_jumps(
    drive: Drive,
    features: Sequence[Features],
    matches: PairMatches,
    model: Any,
    *,
    steps: Sequence[RelativePose],
    config: DriveConfig,
) -> tuple[list[RelativePose], list[int]]:
    """Return the steps of odometry, with those that images contradict replaced by what images measure.

    Args:
        drive: cameras and keyframes.
        features: of each image.
        matches: of neighbours.
        model: landmarks that odometry allows; those of the keyframes before a jump are right, and most.
        steps: of odometry.
        config: when a pose by images counts.

    Returns:
        The steps, and the earlier keyframe of each that was replaced.
    """
    images = drive.images
    across = {pair: rows for pair, rows in matches.items() if images[pair[1]][0] == images[pair[0]][0] + 1}
    seen = {one.first: one for one in find_loops(drive, features, across, model, config, min_share=_MIN_SHARE)}
    mended, jumps = [], []
    for step in steps:
        measured = seen.get(step.first)
        if measured is None or not _contradicts(step, measured):
            mended.append(step)
        else:
            mended.append(measured)
            jumps.append(step.first)
    return mended, jumps


def _contradicts(step: RelativePose, measured: RelativePose) -> bool:
    missed = inverse(step.first_from_second) @ measured.first_from_second
    far = np.linalg.norm(missed[:3, 3]) > max(_JUMP_SIGMAS * step.sigma_m, _LEAST_JUMP_M)
    return bool(far or rotation_angle_rad(missed) > max(_JUMP_SIGMAS * step.sigma_rad, _LEAST_JUMP_RAD))
