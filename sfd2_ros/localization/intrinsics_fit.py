# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A pose refined together with intrinsics of its camera, as matches fit them best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.geometry.refine import ahead_of, moved_body, robust_weights, squared_residuals, well_posed, whitened
from sfd2_ros.localization.pnp import reprojection_errors_px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera
    from sfd2_ros.geometry.refine import Observations

FOCAL_LENGTH, PRINCIPAL_POINT = (6,), (7, 8)
"""What may be free beside the pose, as columns of the motion."""
SURE_DEVIATIONS = 10.0
"""An intrinsic that differs by as many standard deviations, and makes the matches as much likelier, surely differs."""
_ROUNDS = 25
_CONVERGED_DEVIATIONS = 0.01
_FEWEST = 5
"""More residuals than unknowns, with the principal point free."""


@dataclass(frozen=True, eq=False)
class IntrinsicsFit:
    """What a camera's intrinsics are if the matches are right.

    Attributes:
        scale: of the focal length, to what was said.
        centre_shift_px: (2,) of the principal point, from what was said.
        covariance: (K, K) of what was free: the logarithm of the scale, or the shift.
        num_inliers: matches within reach.
        likelihood: of all matches, as a logarithm, but for a constant.
    """

    scale: float
    centre_shift_px: NDArray[np.float64]
    covariance: NDArray[np.float64]
    num_inliers: int
    likelihood: float


def fit_intrinsics(
    view: Observations,
    cam_from_map: NDArray[np.float64],
    *,
    free: Sequence[int] = (),
    scale: float = 1.0,
    max_error_px: float,
) -> IntrinsicsFit | None:
    """Refine a pose together with what is free of its camera's intrinsics.

    Args:
        view: matches of one camera, wrong ones among them.
        cam_from_map: (4, 4) start.
        free: `FOCAL_LENGTH`, `PRINCIPAL_POINT`, or nothing.
        scale: of the focal length, start.
        max_error_px: matches farther off do not count.

    Returns:
        What was found, or None when the matches do not determine it.
    """
    if len(view.positions) < _FEWEST:
        return None
    view, pose, centre = replace(view, cam_from_body=np.eye(4)), cam_from_map, np.zeros(2)
    columns = [*range(6), *free]
    for _ in range(_ROUNDS):
        motion, residual, information = _linearise(pose, _seen_by_another(view, scale, centre), max_error_px)
        squares = squared_residuals(residual, information)
        pulled = information @ motion[:, :, columns] * robust_weights(squares)[:, None, None]
        normal = np.einsum("nki,nkj->ij", motion[:, :, columns], pulled)
        if len(residual) < _FEWEST or not well_posed(normal):
            return None
        step = np.zeros(9)
        step[columns] = np.linalg.solve(normal, np.einsum("nki,nk->i", pulled, residual))
        pose, scale, centre = moved_body(pose, step[:6]), float(scale * np.exp(step[6])), centre + step[7:]
        if step[columns] @ normal @ step[columns] < _CONVERGED_DEVIATIONS**2:
            break
    noise = max(1.0, float(squares.sum()) / (2 * len(residual) - len(columns)))
    camera = _seen_by_another(view, scale, centre).camera
    errors = np.minimum(reprojection_errors_px(pose, view.keypoints, view.positions, camera), max_error_px)
    # Cauchy's weights belong to a Student distribution of two degrees of freedom, whose density is their square.
    likelihood = 2 * float(np.log(robust_weights((errors / view.sigma_px) ** 2)).sum())
    return IntrinsicsFit(scale, centre, np.linalg.inv(normal)[6:, 6:] * noise, len(residual), likelihood)


def focal_length_px(camera: Camera) -> float:
    """Return the mean of both focal lengths."""
    return (camera.fx + camera.fy) / 2


def _seen_by_another(view: Observations, scale: float, centre_shift_px: NDArray[np.float64]) -> Observations:
    """Return observations by a camera with another focal length and principal point."""
    camera, (x, y) = view.camera, centre_shift_px
    other = replace(camera, fx=camera.fx * scale, fy=camera.fy * scale, cx=camera.cx + x, cy=camera.cy + y)
    return replace(view, camera=other)


def _linearise(
    pose: NDArray[np.float64], view: Observations, max_error_px: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return how keypoints move with the body, the logarithm of the focal length, and the principal point.

    Of matches within reach: motion (M, 2, 9), residuals (M, 2), and their information (M, 2, 2).
    """
    view = ahead_of(pose, view)
    motion, residual, information = whitened(pose, view)
    near = np.linalg.norm(residual, axis=1) <= max_error_px
    from_centre = view.keypoints - residual - [view.camera.cx, view.camera.cy]
    shifted = np.broadcast_to(np.eye(2), (len(motion), 2, 2))
    motion = np.concatenate([motion, from_centre[:, :, None], shifted], axis=2)
    return motion[near], residual[near], information[near]
