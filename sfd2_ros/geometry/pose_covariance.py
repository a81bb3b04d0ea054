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
    weighted = linear.information @ linear.jacobian * weights[:, None, None]
    score = np.einsum("nki,nk->ni", weighted, linear.residual)
    normal = np.einsum("nki,nkj->nij", linear.jacobian, weighted)
    # Second derivatives beyond Gauss-Newton's: 1/2 of the score's square for the tails of the Student distribution, and
    # 1 - p for the probability p of an inlier, which falls as the residual grows.
    lost = np.sqrt((1.5 - inlier_probability) / np.maximum(inlier_probability, _MIN_PROBABILITY))[:, None] * score
    information = _by_cell(cells, normal - lost[:, :, None] * lost[:, None])
    root = np.linalg.inv(np.linalg.cholesky(normal.sum(axis=0)))
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
    fractions, axes = np.linalg.eigh(information)
    left = 1 - np.minimum(fractions, _MAX_INFORMATION_OF_CELL)
    shifts = np.einsum("cij,cj,ckj,ck->ci", axes, 1 / left, axes, score)
    count = len(score)
    spread: NDArray[np.float64] = shifts.T @ shifts * (count - 1) / count
    return spread


def _by_cell(cells: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum rows (M, ...) of the same cell."""
    summed = np.zeros((cells.max() + 1, *values.shape[1:]))
    np.add.at(summed, cells, values)
    return summed
