# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A pose refined together with intrinsics of its camera, as matches fit them best."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.errors import CameraError
from sfd2_ros.geometry.least_squares import Cauchy, Linearised, cauchy_weights, minimise, normal_equations
from sfd2_ros.geometry.residuals import linearised, moved_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera
    from sfd2_ros.geometry.residuals import Observations

FOCAL_LENGTH, PRINCIPAL_POINT = (6,), (7, 8)
"""What may be free beside the pose, as columns of the Jacobian."""
SURE_DEVIATIONS = 10.0
"""An intrinsic contradicts its nominal value when both differ by as many standard deviations, and the matches are as
much likelier. Landmarks err together, so that 3 would reject right cameras. Not tuned beyond that."""


@dataclass(frozen=True, eq=False)
class IntrinsicsFit:
    """What a camera's intrinsics are if the matches are right.

    Attributes:
        scale: of the focal length, to the nominal one.
        centre_shift_px: (2,) of the principal point, from the nominal one.
        covariance: (K, K) of what was free: the logarithm of the scale, or the shift.
        num_inliers: matches within reach.
        likelihood: of all matches, as a logarithm, but for a constant.
    """

    scale: float
    centre_shift_px: NDArray[np.float64]
    covariance: NDArray[np.float64]
    num_inliers: int
    likelihood: float


@dataclass(frozen=True, eq=False)
class _Estimate:
    """A pose, and intrinsics relative to the nominal ones."""

    cam_from_map: NDArray[np.float64]
    scale: float = 1.0
    centre_shift_px: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def seen(self, view: Observations) -> Observations:
        """Return the observations of a camera with these intrinsics."""
        camera, (x, y) = view.camera, self.centre_shift_px
        fx, fy = camera.fx * self.scale, camera.fy * self.scale
        return replace(view, camera=replace(camera, fx=fx, fy=fy, cx=camera.cx + x, cy=camera.cy + y))

    def moved(self, step: NDArray[np.float64]) -> _Estimate:
        """Return the estimate after a step (9,) of the pose, the logarithm of the scale, and the shift."""
        return _Estimate(
            moved_body(self.cam_from_map, step[:6]),
            float(self.scale * np.exp(step[6])),
            self.centre_shift_px + step[7:],
        )


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
    if len(view) == 0:
        return None
    view, columns = replace(view, cam_from_body=np.eye(4)), [*range(6), *free]

    def linearise(estimate: _Estimate) -> Linearised:
        return _within_reach(estimate.cam_from_map, estimate.seen(view), columns, max_error_px)

    def move(estimate: _Estimate, step: NDArray[np.float64]) -> _Estimate:
        whole = np.zeros(9)
        whole[columns] = step
        return estimate.moved(whole)

    try:
        found = minimise(_Estimate(cam_from_map, scale), Cauchy(), linearise=linearise, move=move)
        if found is None:
            return None
        estimate, linear = found[0], linearise(found[0])
    except CameraError:
        # Before a plane every focal length fits, and the search may leave those that a camera can have.
        return None
    equations = normal_equations(linear, cauchy_weights(linear.squares))
    if equations is None:
        return None
    count = len(linear.residual)
    noise = max(1.0, float(linear.squares.sum()) / (2 * count - len(columns)))
    return IntrinsicsFit(
        scale=estimate.scale,
        centre_shift_px=estimate.centre_shift_px,
        covariance=(np.linalg.inv(equations[0])[6:, 6:] * noise).astype(np.float64),
        num_inliers=count,
        likelihood=_log_likelihood(linear.errors_px / view.sigma_px)
        + (len(view) - count) * _log_likelihood(np.array([max_error_px / view.sigma_px])),
    )


def focal_length_px(camera: Camera) -> float:
    """Return the mean of both focal lengths."""
    return (camera.fx + camera.fy) / 2


def _log_likelihood(deviations: NDArray[np.float64]) -> float:
    """Return the sum of the logarithms of the density that belongs to Cauchy's weights, which is their square."""
    return 2 * float(np.log(cauchy_weights(deviations**2)).sum())


def _within_reach(
    cam_from_map: NDArray[np.float64], view: Observations, columns: Sequence[int], max_error_px: float
) -> Linearised:
    """Linearise the matches within reach in the pose, the logarithm of the focal length, and the principal point."""
    view = view.in_front(cam_from_map)
    linear = linearised(cam_from_map, view)
    near = linear.errors_px <= max_error_px
    from_centre = view.keypoints - linear.residual - [view.camera.cx, view.camera.cy]
    shifted = np.broadcast_to(np.eye(2), (len(view), 2, 2))
    jacobian = np.concatenate([linear.jacobian, from_centre[:, :, None], shifted], axis=2)
    return Linearised(jacobian[near][:, :, columns], linear.residual[near], linear.information[near])
