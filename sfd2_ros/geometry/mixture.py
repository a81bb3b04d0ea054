# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure a pose and its covariance from all matches near their projections, inliers and outliers.

Inliers scatter about their projections by a Student distribution of two degrees of freedom. Outliers fall anywhere in
the window that the match was searched in. The scale of the one and the fraction of the other are estimated from the
image itself: by night, and in snow, both are several times what they are by day. Each match is weighted by the
probability that it is an inlier. Otherwise a handful of outliers near the camera, where a pixel determines the position
best, would move a pose by decimetres and make its covariance too small.

Source: Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM algorithm", 1977.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.geometry.grid import GRID_CELLS, grid_cells
from sfd2_ros.geometry.least_squares import minimise, normal_equations, stacked
from sfd2_ros.geometry.pose_covariance import pose_covariance
from sfd2_ros.geometry.residuals import linearised_with_landmarks, moved_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.geometry.least_squares import Linearised
    from sfd2_ros.geometry.residuals import Observations

_START_NEAR, _START_FAR = 0.9, 0.2
"""Inlier probabilities before the first step, in the inner half of the window and outside it. Not tuned."""
_START_SCALE = 2.0
"""That of Cauchy's weights, which have refined the pose."""
_STEPS_A_LINEARISATION = 10
"""The mixture settles in 12 to 16 steps, during which the pose moves by less than a pixel. Median errors on kitti_a and
on two towns by day and night differ by less than 0.1 mm from those with one step
(docs/reports/2026-11-28-performance.md)."""
_MIN_SCALE = 0.5
"""Of the Student distribution to the noise assumed: keypoints are never taken for more exact than half of sigma_px."""


@dataclass(frozen=True, eq=False)
class MeasuredPose:
    """A measured pose and the evidence for it.

    Attributes:
        body_from_map: (4, 4).
        covariance: (6, 6) in ROS order (x, y, z, rotX, rotY, rotZ), about the axes of the map; None when the matches
            do not determine the pose.
        log_likelihood: of the matches, less what it would be if all were outliers; natural logarithm.
        num_matches: that it is of.
    """

    body_from_map: NDArray[np.float64]
    covariance: NDArray[np.float64] | None
    log_likelihood: float = 0.0
    num_matches: int = 0

    @property
    def mean_log_likelihood_ratio(self) -> float:
        """Of a match, inlier or outlier against outlier alone; NaN without matches."""
        return self.log_likelihood / self.num_matches if self.num_matches else float("nan")


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of inliers and outliers, after an update of the EM algorithm.

    Attributes:
        window_px: radius that outliers fall in.
        inlier_probability: (M,); none before the first update.
        tail_weight: (M,) weight of each residual if it is an inlier, by the Student distribution.
        scale: variance of the Student distribution's core, relative to the noise assumed.
    """

    window_px: float
    inlier_probability: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    tail_weight: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    scale: float = _START_SCALE

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights (M,) of the residuals."""
        return self.inlier_probability * self.tail_weight

    def updated(self, linear: Linearised) -> Mixture:
        """Return the mixture for these residuals, given the fraction of inliers and their scale before."""
        squares, inlier, outlier = self._likelihoods(linear)
        probability = inlier / (inlier + outlier)
        # (d + n) / (n + s), the weight of a Student distribution of n = 2 degrees of freedom in d = 2 dimensions.
        tail_weight = 4 / (2 + squares)
        spread = float((probability * tail_weight * squares).sum() / (2 * probability.sum()))
        return replace(
            self,
            inlier_probability=probability,
            tail_weight=tail_weight / self.scale,
            scale=max(self.scale * spread, _MIN_SCALE),
        )

    def log_likelihood(self, linear: Linearised) -> float:
        """Return the logarithm of how much likelier the residuals are than if every match were an outlier."""
        _, inlier, outlier = self._likelihoods(linear)
        return float(np.log((inlier + outlier) * (np.pi * self.window_px**2)).sum())

    def _likelihoods(self, linear: Linearised) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Return squares (M,) in units of the scale, and joint densities of inliers (M,) and outliers, per px^2."""
        squares = linear.squares / self.scale
        probability = self.inlier_probability
        if len(probability) == 0:
            probability = np.where(linear.errors_px < self.window_px / 2, _START_NEAR, _START_FAR)
        fraction = float(probability.mean())
        height = linear.root_determinant / (2 * np.pi * self.scale)
        return squares, fraction * height / (1 + squares / 2) ** 2, (1 - fraction) / (np.pi * self.window_px**2)


def measure_pose(
    body_from_map: NDArray[np.float64], views: Sequence[Observations], *, window_px: float
) -> MeasuredPose:
    """Find the most likely pose and its covariance, starting from a pose near it.

    Args:
        body_from_map: (4, 4) start.
        views: matches within the window of their projections, inliers and outliers, by camera.
        window_px: radius of the window.

    Returns:
        The pose; without covariance when the matches do not determine it.
    """
    undetermined = MeasuredPose(body_from_map, None)
    views = [view.in_front(body_from_map) for view in views if len(view)]
    if not views:
        return undetermined

    def linearise(pose: NDArray[np.float64]) -> Linearised:
        """Linearise all views at a pose (4, 4)."""
        return stacked([linearised_with_landmarks(pose, view) for view in views])

    found = minimise(
        body_from_map,
        Mixture(window_px),
        linearise=linearise,
        move=moved_body,
        steps_a_linearisation=_STEPS_A_LINEARISATION,
    )
    if found is None:
        return undetermined
    pose, linear = found[0], linearise(found[0])
    mixture = found[1].updated(linear)
    if normal_equations(linear, mixture.weights) is None:
        return undetermined
    covariance = pose_covariance(linear, mixture.weights, mixture.inlier_probability, _cells(views))
    return MeasuredPose(pose, covariance, mixture.log_likelihood(linear), len(linear.residual))


def _cells(views: Sequence[Observations]) -> NDArray[np.int64]:
    """Return (M,) which cell of which image each match lies in, numbered without gaps."""
    cells = [number * GRID_CELLS + grid_cells(view.keypoints, view.camera) for number, view in enumerate(views)]
    numbered: NDArray[np.int64] = np.unique(np.concatenate(cells), return_inverse=True)[1]
    return numbered
