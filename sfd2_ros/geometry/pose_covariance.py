# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Covariance of a pose that was measured from a mixture of inliers and outliers.

It is the larger, along each axis, of two. The first is the inverse of the observed information of the mixture's
likelihood: a match that may be an outlier has negative information. The second is a jackknife over the cells of the
image, which shows what the matches of one region have in common.

Source: Bell and McCaffrey, "Bias reduction in standard errors for linear regression with multi-stage samples", 2002
(jackknife).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.geometry.least_squares import Linearised

_MIN_PROBABILITY = 1e-12
"""Of an inlier; below, its negative information is 0 / 0."""
_MIN_INFORMATION_LEFT = 0.05
"""Of the information as if no match were off: where less is left along an axis, the likelihood is flat there. Not
tuned."""
_MAX_INFORMATION_OF_CELL = 0.75
"""Of the information along an axis: where one cell has more, the rest is too little to extrapolate from. Not tuned."""


def pose_covariance(
    linear: Linearised,
    weights: NDArray[np.float64],
    inlier_probability: NDArray[np.float64],
    cells: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the covariance (6, 6) of a pose.

    Args:
        linear: matches at the pose.
        weights: (M,) of their residuals.
        inlier_probability: (M,).
        cells: (M,) which cell of which image each lies in, numbered without gaps.
    """
    # Small matrices are multiplied with the number of the match as the last axis, which is several times as fast.
    jacobian = np.ascontiguousarray(linear.jacobian.transpose(1, 2, 0))
    weighted = np.ascontiguousarray(linear.weighted_jacobian.transpose(1, 2, 0)) * weights
    score = np.einsum("kin,nk->in", weighted, linear.residual)
    normal = np.einsum("kin,kjn->ijn", jacobian, weighted)
    # Second derivatives beyond Gauss-Newton's: 1/2 of the score's square for the tails of the Student distribution, and
    # 1 - p for the probability p of an inlier, which falls as the residual grows.
    lost = np.sqrt((1.5 - inlier_probability) / np.maximum(inlier_probability, _MIN_PROBABILITY)) * score
    information = _by_cell(cells, normal - lost[:, None] * lost)
    root = np.linalg.inv(np.linalg.cholesky(normal.sum(axis=2)))
    fractions, axes = np.linalg.eigh(root @ information.sum(axis=0) @ root.T)
    root = (axes / np.sqrt(np.maximum(fractions, _MIN_INFORMATION_LEFT))).T @ root
    spread = _jackknife(root @ information @ root.T, _by_cell(cells, score) @ root.T)
    sizes, axes = np.linalg.eigh(spread)
    enlarged = root.T @ axes
    covariance: NDArray[np.float64] = enlarged * np.maximum(sizes, 1.0) @ enlarged.T
    return (covariance + covariance.T) / 2


def _jackknife(information: NDArray[np.float64], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the spread (6, 6) of poses without one cell each, in units in which the information is the identity.

    Args:
        information: (C, 6, 6) of each cell.
        score: (C, 6) of each cell.
    """
    # Only where a cell may have more information than the limit are its axes needed; no axis has more than the norm.
    is_large = np.linalg.norm(information, axis=(1, 2)) > _MAX_INFORMATION_OF_CELL
    fractions, axes = np.linalg.eigh(information[is_large])
    limited = information.copy()
    limited[is_large] = axes * np.minimum(fractions, _MAX_INFORMATION_OF_CELL)[:, None] @ axes.transpose(0, 2, 1)
    shifts = np.linalg.solve(np.eye(6) - limited, score[:, :, None])[:, :, 0]
    count = len(score)
    spread: NDArray[np.float64] = shifts.T @ shifts * (count - 1) / count
    return spread


def _by_cell(cells: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums (C, ...) of values (..., M) of the same cell; cells are numbered without gaps."""
    order = np.argsort(cells, kind="stable")
    starts = np.searchsorted(cells[order], np.arange(cells.max() + 1))
    summed: NDArray[np.float64] = np.moveaxis(np.add.reduceat(values[..., order], starts, axis=-1), -1, 0)
    return summed
