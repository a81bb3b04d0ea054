# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure a pose and its uncertainty from all matches near their projections, of which some are wrong.

A match is right or wrong. Right ones scatter about their projections by a Student distribution of two degrees of
freedom; wrong ones fall anywhere in the window that they were looked for in. How wide the one is, and how many are
wrong, is estimated from the image itself: by night, and in snow, both are several times what they are by day. A match
that lies off pulls with the probability that it is right, and takes back information: a handful of wrong ones near the
camera, and so of much weight, else pulls a pose by decimetres and makes it look sure.

The covariance is the larger, along each axis, of two: the inverse of the observed information of that likelihood, in
which a match that may be wrong counts for less than nothing; and a jackknife over the cells of the image, which sees
what the matches of one region have in common.

Source: Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM algorithm", 1977; Bell and
McCaffrey, "Bias reduction in standard errors for linear regression with multi-stage samples", 2002 (jackknife).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.geometry.grid import GRID_CELLS, grid_cells
from sfd2_ros.geometry.refine import (
    RefinedPose,
    ahead_of,
    moved_body,
    squared_residuals,
    well_posed,
    whitened_where_likeliest,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.geometry.refine import Observations

MAX_ROUNDS = 30
_CONVERGED_DEVIATIONS = 0.03
_AGREEING, _DISAGREEING = 0.9, 0.2
_SMALLEST_SCALE = 0.5
"""Of the Student distribution to the noise assumed: keypoints are never taken for more exact than half of sigma_px."""
_RIGHT_AT_LEAST = 1e-12
_LEAST_INFORMATION = 0.05
"""Of what the matches would say if none were off: where less is left along an axis, the likelihood is flat there."""
_MOST_OF_ONE_CELL = 0.75
"""Of the information along an axis: where one cell has more, what is left is too little to extrapolate from."""


@dataclass(frozen=True, eq=False)
class MeasuredPose(RefinedPose):
    """A measured pose, and how much speaks for it.

    Attributes:
        log_likelihood: of the matches, less what it would be if all of them were wrong; natural logarithm.
        num_matches: that it is of.
    """

    log_likelihood: float = 0.0
    num_matches: int = 0

    @property
    def agreement(self) -> float:
        """How much nearer matches lie than chance would put them: the mean of their logarithms; NaN without any."""
        return self.log_likelihood / self.num_matches if self.num_matches else float("nan")


@dataclass(frozen=True, eq=False)
class _Linear:
    """All matches at one pose.

    Attributes:
        motion: (M, 2, 6) how keypoints move with the body.
        residual: (M, 2) pixels.
        information: (M, 2, 2) inverse of the noise assumed.
    """

    motion: NDArray[np.float64]
    residual: NDArray[np.float64]
    information: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Belief:
    """What is thought of each match.

    Attributes:
        right: (M,) probability that it is right.
        pull: (M,) weight of its residual.
        scale: variance of the Student distribution's core, relative to the noise assumed.
    """

    right: NDArray[np.float64]
    pull: NDArray[np.float64]
    scale: float


def measure_pose(
    body_from_map: NDArray[np.float64], views: Sequence[Observations], *, window_px: float
) -> MeasuredPose:
    """Find the most likely pose and its covariance, starting from a pose near it.

    Args:
        body_from_map: (4, 4) start.
        views: matches within the window of their projections, right and wrong ones, by camera.
        window_px: radius of the window.

    Returns:
        The pose; without covariance when the matches do not determine it.
    """
    undetermined = MeasuredPose(body_from_map, None)
    views = [ahead_of(body_from_map, view) for view in views if len(view.positions)]
    if not views:
        return undetermined
    pose, linear = body_from_map, _linearise(body_from_map, views)
    right = np.where(np.linalg.norm(linear.residual, axis=1) < window_px / 2, _AGREEING, _DISAGREEING)
    belief = _Belief(right, np.ones(len(right)), 2.0)
    for _ in range(MAX_ROUNDS):
        belief = _believe(linear, belief, window_px)
        normal, gradient = _normal_equations(linear, belief)
        if not well_posed(normal):
            return undetermined
        step = np.linalg.solve(normal, gradient).astype(np.float64)
        pose = moved_body(pose, step)
        linear = _linearise(pose, views)
        if not np.all(np.isfinite(linear.residual)):
            return undetermined
        if step @ normal @ step < _CONVERGED_DEVIATIONS**2:
            break
    belief = _believe(linear, belief, window_px)
    if not well_posed(_normal_equations(linear, belief)[0]):
        return undetermined
    covariance = _covariance(linear, belief, _cells(views))
    return MeasuredPose(pose, covariance, _log_likelihood(linear, belief, window_px), len(belief.right))


def _linearise(pose: NDArray[np.float64], views: Sequence[Observations]) -> _Linear:
    parts = zip(*(whitened_where_likeliest(pose, view) for view in views), strict=True)
    return _Linear(*(np.concatenate(part) for part in parts))


def _cells(views: Sequence[Observations]) -> NDArray[np.int64]:
    """Return (M,) which cell of which image each match lies in, numbered without gaps."""
    cells = [number * GRID_CELLS + grid_cells(view.keypoints, view.camera) for number, view in enumerate(views)]
    numbered: NDArray[np.int64] = np.unique(np.concatenate(cells), return_inverse=True)[1]
    return numbered


def _believe(linear: _Linear, before: _Belief, window_px: float) -> _Belief:
    """Return what the residuals say of each match, given how many are right and how far these scatter."""
    squares = squared_residuals(linear.residual, linear.information) / before.scale
    share = before.right.mean()
    likely = share * _density(linear, squares, before.scale)
    right = likely / (likely + (1 - share) / (np.pi * window_px**2))
    pull = 4 / (2 + squares)
    spread = before.scale * float((right * pull * squares).sum() / (2 * right.sum()))
    return _Belief(right, pull / before.scale, max(spread, _SMALLEST_SCALE))


def _density(linear: _Linear, squares: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Return (M,) densities, per square pixel, of residuals of right matches with scaled squares (M,)."""
    height = np.sqrt(np.linalg.det(linear.information)) / (2 * np.pi * scale)
    density: NDArray[np.float64] = height / (1 + squares / 2) ** 2
    return density


def _log_likelihood(linear: _Linear, belief: _Belief, window_px: float) -> float:
    """Return how much likelier the residuals are than if every match fell anywhere in its window, as a logarithm."""
    squares = squared_residuals(linear.residual, linear.information) / belief.scale
    share = belief.right.mean()
    ratio = share * _density(linear, squares, belief.scale) * np.pi * window_px**2 + (1 - share)
    return float(np.log(ratio).sum())


def _normal_equations(linear: _Linear, belief: _Belief) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pulled = _pulled(linear, belief)
    normal: NDArray[np.float64] = np.einsum("nki,nkj->ij", linear.motion, pulled)
    return normal, np.einsum("nki,nk->i", pulled, linear.residual)


def _pulled(linear: _Linear, belief: _Belief) -> NDArray[np.float64]:
    """Return (M, 2, 6) motions, weighed by their information and by what is thought of each match."""
    pulled: NDArray[np.float64] = linear.information @ linear.motion * (belief.right * belief.pull)[:, None, None]
    return pulled


def _covariance(linear: _Linear, belief: _Belief, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the (6, 6) covariance."""
    right, pulled = belief.right, _pulled(linear, belief)
    score = np.einsum("nki,nk->ni", pulled, linear.residual)
    normal = np.einsum("nki,nkj->nij", linear.motion, pulled)
    # What a match says less because it lies off: the tails of the Student distribution, and that it may be wrong.
    lost = np.sqrt((1.5 - right) / np.maximum(right, _RIGHT_AT_LEAST))[:, None] * score
    information = _by_cell(cells, normal - lost[:, :, None] * lost[:, None])
    root = np.linalg.inv(np.linalg.cholesky(normal.sum(axis=0)))
    shares, axes = np.linalg.eigh(root @ information.sum(axis=0) @ root.T)
    root = (axes / np.sqrt(np.maximum(shares, _LEAST_INFORMATION))).T @ root
    spread = _jackknife(root @ information @ root.T, _by_cell(cells, score) @ root.T)
    sizes, axes = np.linalg.eigh(spread)
    enlarged = root.T @ axes
    covariance: NDArray[np.float64] = enlarged * np.maximum(sizes, 1.0) @ enlarged.T
    return (covariance + covariance.T) / 2


def _jackknife(information: NDArray[np.float64], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how poses without one cell each spread, in units in which the whole information is the identity.

    Args:
        information: (C, 6, 6) of each cell.
        score: (C, 6) of each cell.
    """
    shares, axes = np.linalg.eigh(information)
    left = 1 - np.minimum(shares, _MOST_OF_ONE_CELL)
    shifts = np.einsum("cij,cj,ckj,ck->ci", axes, 1 / left, axes, score)
    count = len(score)
    spread: NDArray[np.float64] = shifts.T @ shifts * (count - 1) / count
    return spread


def _by_cell(cells: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum rows (M, ...) of the same cell."""
    summed = np.zeros((cells.max() + 1, *values.shape[1:]))
    np.add.at(summed, cells, values)
    return summed
