# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Robust least squares over keypoints: Gauss-Newton steps, with new weights before each (IRLS).

Refinement, measurement and the fit of intrinsics share this loop. They differ in how the residuals are linearised (in
the pose alone, or in intrinsics too), and in the weighting: Cauchy's, or a mixture of inliers and outliers, whose
parameters the EM algorithm estimates in the same rounds.

Source: Holland and Welsch, "Robust regression using iteratively reweighted least-squares", 1977.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from numpy.typing import NDArray

MAX_ROUNDS = 30
"""Steps at most. Fits take 2 to 22 [measured, a town by night]; the limit ends those whose weights oscillate. Not
tuned."""
CONVERGED_DEVIATIONS = 0.03
"""A step shorter than this many standard deviations of the estimate is the last: it is 0.1 % of the variance."""
_MAX_CONDITION = 1e14
"""Of a normal matrix: beyond, a double (16 digits) holds fewer than two digits of the step. Not tuned."""
_CAUCHY_DEVIATIONS = 2.0
"""Residuals of this many standard deviations get half the weight. Of pixels with Gaussian noise 92 % of the efficiency
remain (94 % with Holland and Welsch's 2.385). Squared, the weights are the density of a Student distribution of two
degrees of freedom and scale 2. Not tuned."""

Estimate = TypeVar("Estimate")
SomeWeighting = TypeVar("SomeWeighting", bound="Weighting")


@dataclass(frozen=True, eq=False)
class Linearised:
    """Keypoints and landmarks at one estimate.

    Attributes:
        jacobian: (M, 2, P) how projections move with the P unknowns, pixels per unit.
        residual: (M, 2) keypoints less projections, pixels.
        information: (M, 2, 2) inverse of the covariance that is assumed of a residual.
    """

    jacobian: NDArray[np.float64]
    residual: NDArray[np.float64]
    information: NDArray[np.float64]

    @property
    def squares(self) -> NDArray[np.float64]:
        """Squared residuals (M,) in units of the noise assumed (squared Mahalanobis distances)."""
        (x, y), (a, b, d) = self.residual.T, self._information_entries
        squares: NDArray[np.float64] = (a * x + 2 * b * y) * x + d * y * y
        return squares

    @cached_property
    def root_determinant(self) -> NDArray[np.float64]:
        """Square roots (M,) of the determinants of the information, per square pixel."""
        a, b, d = self._information_entries
        roots: NDArray[np.float64] = np.sqrt(a * d - b * b)
        return roots

    @cached_property
    def weighted_jacobian(self) -> NDArray[np.float64]:
        """Information times Jacobian (M, 2, P)."""
        (a, b, d), jacobian = self._information_entries, self.jacobian
        product = np.empty_like(jacobian)
        product[:, 0] = a[:, None] * jacobian[:, 0] + b[:, None] * jacobian[:, 1]
        product[:, 1] = b[:, None] * jacobian[:, 0] + d[:, None] * jacobian[:, 1]
        return product

    @cached_property
    def _information_entries(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Upper entries of the symmetric information, (M,) each."""
        a, b, d = self.information[:, 0, 0], self.information[:, 0, 1], self.information[:, 1, 1]
        return np.ascontiguousarray(a), np.ascontiguousarray(b), np.ascontiguousarray(d)

    def after(self, step: NDArray[np.float64]) -> Linearised:
        """Return the same observations after a step (P,), with residuals that change linearly."""
        moved = Linearised(self.jacobian, self.residual - self.jacobian @ step, self.information)
        kept = ("root_determinant", "weighted_jacobian", "_information_entries")
        moved.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        return moved

    @property
    def errors_px(self) -> NDArray[np.float64]:
        """Lengths of the residuals (M,), pixels."""
        lengths: NDArray[np.float64] = np.linalg.norm(self.residual, axis=1)
        return lengths


def stacked(parts: Sequence[Linearised]) -> Linearised:
    """Return the observations of several cameras as one system; at least one camera."""
    if len(parts) == 1:
        return parts[0]
    return Linearised(
        np.concatenate([part.jacobian for part in parts]),
        np.concatenate([part.residual for part in parts]),
        np.concatenate([part.information for part in parts]),
    )


class Weighting(Protocol):
    """Weights of observations, computed from their residuals before each step."""

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights (M,) of the last update."""

    def updated(self, linear: Linearised) -> Self:
        """Return the weighting for these residuals."""


@dataclass(frozen=True, eq=False)
class Cauchy:
    """Cauchy's weights: 1 / (1 + s / c^2) for a squared residual s.

    Attributes:
        weights: (M,); none before the first step.
    """

    weights: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def updated(self, linear: Linearised) -> Cauchy:
        """Return the weighting for these residuals."""
        return Cauchy(cauchy_weights(linear.squares))


def cauchy_weights(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Cauchy's weights (M,) of squared residuals (M,) in units of the noise assumed."""
    weights: NDArray[np.float64] = 1 / (1 + squares / _CAUCHY_DEVIATIONS**2)
    return weights


def normal_equations(
    linear: Linearised, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the normal matrix (P, P) and the gradient (P,), or None when they do not determine the unknowns."""
    unknowns = linear.jacobian.shape[2]
    if linear.residual.size <= unknowns:
        return None
    weighted = (linear.weighted_jacobian * weights[:, None, None]).reshape(-1, unknowns)
    normal = linear.jacobian.reshape(-1, unknowns).T @ weighted
    if not np.all(np.isfinite(normal)):
        return None
    sizes = np.linalg.eigvalsh(normal)
    if sizes[0] * _MAX_CONDITION < sizes[-1]:
        return None
    return normal, weighted.T @ linear.residual.ravel()


def minimise(
    start: Estimate,
    weighting: SomeWeighting,
    *,
    linearise: Callable[[Estimate], Linearised],
    move: Callable[[Estimate, NDArray[np.float64]], Estimate],
    converged_deviations: float = CONVERGED_DEVIATIONS,
    steps_a_linearisation: int = 1,
) -> tuple[Estimate, SomeWeighting] | None:
    """Find the estimate near a start that minimises the weighted squares of the residuals.

    Weights need many steps to settle, the residuals are nearly linear over all of them: with several steps a
    linearisation the same estimate is found by a fifth of the linearisations.

    Args:
        start: of the unknowns.
        weighting: before the first step.
        linearise: returns residuals and Jacobian at an estimate.
        move: returns an estimate after a step (P,).
        converged_deviations: a step shorter than this many standard deviations of the estimate is the last.
        steps_a_linearisation: at most, before residuals and Jacobian are computed again.

    Returns:
        The estimate, and the weighting of the last step; None when the observations do not determine the unknowns.
    """
    estimate = start
    for _ in range(MAX_ROUNDS):
        found = _steps(linearise(estimate), weighting, steps_a_linearisation, converged_deviations)
        if found is None:
            return None
        step, weighting, is_converged = found
        estimate = move(estimate, step)
        if is_converged:
            break
    return estimate, weighting


def _steps(
    linear: Linearised, weighting: SomeWeighting, count: int, converged_deviations: float
) -> tuple[NDArray[np.float64], SomeWeighting, bool] | None:
    """Return the sum of steps (P,) with residuals that change linearly, the last weighting, and whether the first ends.

    None when the observations do not determine the unknowns.
    """
    total: NDArray[np.float64] = np.zeros(linear.jacobian.shape[2])
    is_converged = False
    for number in range(count):
        weighting = weighting.updated(linear)
        equations = normal_equations(linear, weighting.weights)
        if equations is None:
            return None
        normal, gradient = equations
        step = np.linalg.solve(normal, gradient).astype(np.float64)
        total += step
        if step @ normal @ step < converged_deviations**2:
            is_converged = number == 0
            break
        linear = linear.after(step)
    return total, weighting, is_converged
