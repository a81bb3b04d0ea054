# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the matches of a picture contradict the focal length that its camera is said to have.

With a wrong focal length many matches still agree on a pose, metres away: the camera seems to stand nearer, or farther
off. What gives it away: with the focal length free they agree far better, on one that lies many standard deviations
from what was said. Before a single plane, or from afar, every focal length fits as well, and nothing is contradicted.
Asked of matches that were made without knowing a pose: those near a pose fit its focal length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.geometry.refine import (
    ahead_of,
    moved_body,
    robust_weights,
    squared_residuals,
    well_posed,
    whitened,
)
from sfd2_ros.localization.measure import observed_in
from sfd2_ros.localization.pnp import reprojection_errors_px, solve_pnp_free_focal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.geometry.refine import Observations
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.search import Hypothesis

_ROUNDS = 15
_CONVERGED_DEVIATIONS = 0.01
_FEWEST = 4
SURE_DEVIATIONS = 10.0
ANY_FOCAL_LENGTH = 1e6
"""As `max_focal_error`: nothing is refused."""


@dataclass(frozen=True)
class FocalFit:
    """The focal length that matches fit best.

    Attributes:
        scale: its ratio to the one that was said.
        deviation: standard deviation of the logarithm of `scale`.
        num_inliers: matches that agree with it.
        gain: how much likelier it makes the matches than the one that was said, as a logarithm.
    """

    scale: float
    deviation: float
    num_inliers: int
    gain: float

    def contradicts(self, tolerance: float) -> bool:
        """Return whether it surely differs by more than a share of what was said."""
        off = abs(float(np.log(self.scale)))
        is_sure = off > SURE_DEVIATIONS * self.deviation and self.gain > SURE_DEVIATIONS**2 / 2
        return is_sure and off > np.log1p(tolerance)


@dataclass(frozen=True, eq=False)
class _Fit:
    """A pose and focal length, refined.

    Attributes:
        scale: of the focal length.
        variance: of the logarithm of `scale`.
        num_inliers: matches within reach.
        likelihood: of all matches, as a logarithm, but for a constant.
    """

    scale: float
    variance: float
    num_inliers: int
    likelihood: float


def focal_contradiction(found: Hypothesis, query: Query, context: MapContext) -> str | None:
    """Return which focal length the distinct ones among matches fit, where that contradicts a camera; else None."""
    config = context.config
    for view in observed_in(query, context, found.matches.where(found.matches.is_distinct)):
        fit = fit_focal(view, view.cam_from_body @ found.body_from_map, max_error_px=config.max_error_px)
        if fit is None or fit.num_inliers < config.min_inliers or not fit.contradicts(config.max_focal_error):
            continue
        said_px = (view.camera.fx + view.camera.fy) / 2
        return (
            f"the matches fit a focal length of {said_px * fit.scale:.0f} px, camera_info says {said_px:.0f} px; "
            "calibrate the camera"
        )
    return None


def fit_focal(observed: Observations, cam_from_map: NDArray[np.float64], *, max_error_px: float) -> FocalFit | None:
    """Find the focal length that most matches agree on a pose with.

    Args:
        observed: matches of one camera, made without knowing its pose; wrong ones among them.
        cam_from_map: (4, 4) the pose that they agree on with the focal length that was said.
        max_error_px: largest reprojection error of an inlier.

    Returns:
        The focal length, or None when the matches do not determine it.
    """
    start = solve_pnp_free_focal(observed.keypoints, observed.positions, observed.camera, max_error_px=max_error_px)
    if start is None:
        return None
    view = replace(observed, cam_from_body=np.eye(4))
    said = _refined(view, cam_from_map, 1.0, max_error_px, freedom=6)
    free = _refined(view, *start, max_error_px, freedom=7)
    if said is None or free is None:
        return None
    gain = free.likelihood - said.likelihood
    return FocalFit(free.scale, float(np.sqrt(free.variance)), free.num_inliers, gain)


def _refined(
    view: Observations, pose: NDArray[np.float64], scale: float, max_error_px: float, *, freedom: int
) -> _Fit | None:
    """Refine a pose, and with 7 degrees of freedom the focal length; None when the matches do not determine them."""
    for _ in range(_ROUNDS):
        motion, residual, information = _linearise(pose, _scaled(view, scale), max_error_px)
        squares = squared_residuals(residual, information)
        pulled = information @ motion[:, :, :freedom] * robust_weights(squares)[:, None, None]
        normal = np.einsum("nki,nkj->ij", motion[:, :, :freedom], pulled)
        if len(residual) < _FEWEST or not well_posed(normal):
            return None
        step = np.zeros(7)
        step[:freedom] = np.linalg.solve(normal, np.einsum("nki,nk->i", pulled, residual))
        pose, scale = moved_body(pose, step[:6]), float(scale * np.exp(step[6]))
        if step[:freedom] @ normal @ step[:freedom] < _CONVERGED_DEVIATIONS**2:
            break
    noise = max(1.0, float(squares.sum()) / (2 * len(residual) - freedom))
    errors = reprojection_errors_px(pose, view.keypoints, view.positions, _scaled(view, scale).camera)
    reached = np.minimum(errors, max_error_px) / view.sigma_px
    # Cauchy's weights belong to a Student distribution of two degrees of freedom, whose density is their square.
    likelihood = 2 * float(np.log(robust_weights(reached**2)).sum())
    return _Fit(scale, float(np.linalg.inv(normal)[-1, -1]) * noise, len(residual), likelihood)


def _scaled(view: Observations, scale: float) -> Observations:
    """Return observations by a camera with another focal length."""
    camera = view.camera
    return replace(view, camera=replace(camera, fx=camera.fx * scale, fy=camera.fy * scale))


def _linearise(
    pose: NDArray[np.float64], view: Observations, max_error_px: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return motion (M, 2, 7) with the body and the logarithm of the focal length, residuals, their information."""
    view = ahead_of(pose, view)
    motion, residual, information = whitened(pose, view)
    near = np.linalg.norm(residual, axis=1) <= max_error_px
    from_centre = view.keypoints - residual - [view.camera.cx, view.camera.cy]
    motion = np.concatenate([motion, from_centre[:, :, None]], axis=2)
    return motion[near], residual[near], information[near]
