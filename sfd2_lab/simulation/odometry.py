# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Wheel odometry that drifts as real ones do: a wrong scale, a turning bias, noise at every step."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation.randomness import generator
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector, vector_from_rotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pose = NDArray[np.float64]

_SCALE_DEVIATION = 0.01
_YAW_BIAS_RAD_PER_M = 0.0006
_STEP_NOISE = 0.01
_YAW_NOISE_RAD_PER_SQRT_M = 0.0012


def between(poses: Sequence[Pose], stamps_ns: Sequence[int], parts: int) -> tuple[list[Pose], list[int]]:
    """Return a finer sequence with `parts` steps from each pose (4, 4) to the next; the given ones stay exact."""
    fine_poses, fine_stamps = [], []
    for first, second, start, end in zip(poses, poses[1:], stamps_ns, stamps_ns[1:], strict=False):
        turn = vector_from_rotation(inverse(first) @ second)
        for part in range(parts):
            share = part / parts
            pose = first.copy()
            if part:
                pose[:3, :3] = first[:3, :3] @ rotation_from_vector(turn * share)
                pose[:3, 3] = first[:3, 3] * (1 - share) + second[:3, 3] * share
            fine_poses.append(pose)
            fine_stamps.append(start + (end - start) * part // parts)
    return [*fine_poses, *poses[-1:]], [*fine_stamps, *stamps_ns[-1:]]


def drifting(
    poses: Sequence[Pose],
    seed: int,
    *,
    times: float = 1.0,
    scale_error: float | None = None,
    heading_rad_per_m: float | None = None,
) -> list[Pose]:
    """Return odom_from_base (4, 4) for a drive given by map_from_base; the first is the identity.

    Args:
        poses: (4, 4) each, metres.
        seed: decides scale, bias and noise.
        times: as much drift as a good odometry's.
        scale_error: fraction by which it measures all distances too long; None: drawn, with a deviation of 1 %.
        heading_rad_per_m: by which it turns left too far; None: drawn, with a deviation of 2 degrees in 60 m.
    """
    rng = generator(seed, "odometry")
    drawn_scale, drawn_bias = times * rng.normal(0, _SCALE_DEVIATION), times * rng.normal(0, _YAW_BIAS_RAD_PER_M)
    scale = 1 + (drawn_scale if scale_error is None else scale_error)
    bias = drawn_bias if heading_rad_per_m is None else heading_rad_per_m
    estimate = [np.eye(4)]
    for before, after in itertools.pairwise(poses):
        step = inverse(before) @ after
        way = float(np.linalg.norm(step[:3, 3]))
        step[:3, 3] *= scale * (1 + times * rng.normal(0, _STEP_NOISE))
        yaw = bias * way + times * rng.normal(0, _YAW_NOISE_RAD_PER_SQRT_M) * np.sqrt(way)
        step[:3, :3] = step[:3, :3] @ rotation_from_vector((0.0, 0.0, float(yaw)))
        estimate.append(estimate[-1] @ step)
    return estimate


def jumping(estimates: Sequence[Pose], at: int, left_m: float) -> list[Pose]:
    """Return poses (4, 4) of an odometry that jumps to its left, metres, with the step to the pose `at`."""
    step = rigid(np.eye(3), (0.0, left_m, 0.0))
    moved = estimates[at] @ step @ inverse(estimates[at]) if at < len(estimates) else np.eye(4)
    return [*estimates[:at], *(moved @ pose for pose in estimates[at:])]


def camera_moves(poses: Sequence[Pose], share: float) -> list[Pose]:
    """Return later_from_now (4, 4) of the vehicle for a fraction of the time from each pose to the next.

    Args:
        poses: (4, 4) map_from_base each.
        share: of the time between two poses; the last pose moves as the one before.
    """
    moves = []
    for before, after in itertools.pairwise(poses):
        step = inverse(before) @ after
        turn = rotation_from_vector(vector_from_rotation(step) * share)
        moves.append(inverse(rigid(turn, step[:3, 3] * share)))
    return [*moves, moves[-1] if moves else np.eye(4)]


def twists(poses: Sequence[Pose], stamps_ns: Sequence[int]) -> list[NDArray[np.float64]]:
    """Return (6,) velocities in the vehicle's frame, metres and radians a second; the last repeats."""
    velocities: list[NDArray[np.float64]] = []
    for before, after, start, end in zip(poses, poses[1:], stamps_ns, stamps_ns[1:], strict=False):
        step = inverse(before) @ after
        change = np.concatenate([step[:3, 3], vector_from_rotation(step)])
        velocities.append(change / ((end - start) * 1e-9))
    return [*velocities, velocities[-1] if velocities else np.zeros(6)]
