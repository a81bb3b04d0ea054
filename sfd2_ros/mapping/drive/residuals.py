# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How well poses and landmarks agree with each kind of measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.transforms import inverse, rotation_angle_rad
from sfd2_ros.mapping.drive.rig_model import poses_of

if TYPE_CHECKING:
    from sfd2_ros.mapping.drive.adjustment import Factors


@dataclass(frozen=True)
class Residuals:
    """Medians of residuals after the optimisation; NaN where there is no such measurement.

    Attributes:
        image_px: mean reprojection error of the landmarks, pixels.
        odometry_m: of steps of odometry, metres.
        odometry_deg: of steps of odometry, degrees.
        level_deg: of roll and pitch against gravity, degrees.
        gnss_m: of GNSS fixes in the plane, metres.
        is_converged: whether the optimisation came to an end.
    """

    image_px: float
    odometry_m: float
    odometry_deg: float
    level_deg: float
    gnss_m: float
    is_converged: bool


def residuals_of(model: Any, factors: Factors, *, is_converged: bool) -> Residuals:
    """Return the residuals of a model that was optimised with factors."""
    poses = poses_of(model)
    missed = [
        inverse(step.first_from_second) @ inverse(poses[step.first]) @ poses[step.second] for step in factors.steps
    ]
    level = [
        np.arccos(np.clip(pose[2, :3] @ up / np.linalg.norm(up), -1, 1))
        for pose, up in zip(poses, factors.up, strict=True)
    ]
    gnss = [float(np.linalg.norm((poses[one.keyframe][:3, 3] - one.position_m)[:2])) for one in factors.positions]
    model.update_point_3d_errors()
    return Residuals(
        image_px=float(model.compute_mean_reprojection_error()),
        odometry_m=_median([float(np.linalg.norm(one[:3, 3])) for one in missed]),
        odometry_deg=float(np.degrees(_median([rotation_angle_rad(one) for one in missed]))),
        level_deg=float(np.degrees(_median(level))),
        gnss_m=_median(gnss),
        is_converged=is_converged,
    )


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else float("nan")
