# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The loop that refinement, measurement and the fit of intrinsics share, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from sfd2_ros.geometry.least_squares import MAX_ROUNDS, Cauchy, Linearised, minimise, normal_equations, stacked

COUNT, UNKNOWNS = 40, 3


class Curves:
    """Points (M, 2) on curves that bend with three unknowns; a tenth of the points are far off."""

    def __init__(self, seed: int = 0, *, count: int = COUNT) -> None:
        generator = np.random.default_rng(seed)
        self.factors = generator.normal(size=(count, 2, UNKNOWNS))
        self.exact = np.array([0.5, -0.3, 0.2])
        self.seen = self.predicted(self.exact) + generator.normal(scale=0.1, size=(count, 2))
        self.seen[: count // 10] += 30.0
        axes = generator.normal(size=(count, 2, 2)) + 3 * np.eye(2)
        self.information = axes @ axes.transpose(0, 2, 1) * 10
        self.calls = 0

    def predicted(self, estimate: np.ndarray) -> np.ndarray:
        return np.sinh(self.factors @ estimate)

    def linearise(self, estimate: np.ndarray) -> Linearised:
        self.calls += 1
        jacobian = np.cosh(self.factors @ estimate)[:, :, None] * self.factors
        return Linearised(jacobian, self.seen - self.predicted(estimate), self.information)


def _moved(estimate: np.ndarray, step: np.ndarray) -> np.ndarray:
    return estimate + step


@pytest.mark.parametrize("seed", range(3))
def test_the_estimate_is_the_robust_minimum_that_scipy_finds(seed: int) -> None:
    curves = Curves(seed)
    found = minimise(np.zeros(UNKNOWNS), Cauchy(), linearise=curves.linearise, move=_moved, converged_deviations=1e-6)
    assert found is not None

    def cost(estimate: np.ndarray) -> float:
        return float(np.log1p(curves.linearise(estimate).squares / 4).sum())

    best = minimize(cost, curves.exact, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000})
    np.testing.assert_allclose(found[0], best.x, atol=1e-5)
    np.testing.assert_allclose(found[0], curves.exact, atol=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_several_steps_a_linearisation_lead_to_the_same_minimum(seed: int) -> None:
    found = []
    for steps in (1, 10):
        curves = Curves(seed)
        one = minimise(
            np.zeros(UNKNOWNS),
            Cauchy(),
            linearise=curves.linearise,
            move=_moved,
            converged_deviations=1e-6,
            steps_a_linearisation=steps,
        )
        assert one is not None
        found.append((one[0], curves.calls))
    np.testing.assert_allclose(found[1][0], found[0][0], atol=1e-5)
    assert found[1][1] < found[0][1]


def test_a_looser_limit_of_convergence_takes_fewer_steps() -> None:
    taken = []
    for limit in (1e-6, 0.3):
        curves = Curves()
        assert minimise(
            np.zeros(UNKNOWNS), Cauchy(), linearise=curves.linearise, move=_moved, converged_deviations=limit
        )
        taken.append(curves.calls)
    assert taken[0] > taken[1] > 1


def test_a_fit_that_never_converges_ends_after_the_most_rounds() -> None:
    curves = Curves()
    assert minimise(np.zeros(UNKNOWNS), Cauchy(), linearise=curves.linearise, move=_moved, converged_deviations=0.0)
    assert curves.calls == MAX_ROUNDS


@pytest.mark.parametrize("count", [0, 1])
def test_no_more_residuals_than_unknowns_determine_nothing(count: int) -> None:
    curves = Curves(count=count)
    assert minimise(np.zeros(UNKNOWNS), Cauchy(), linearise=curves.linearise, move=_moved) is None


def test_unknowns_that_no_residual_depends_on_are_not_determined() -> None:
    curves = Curves()
    curves.factors[:, :, 2] = curves.factors[:, :, 1]
    assert minimise(np.zeros(UNKNOWNS), Cauchy(), linearise=curves.linearise, move=_moved) is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["seen", "information", "factors"])
def test_what_is_not_finite_determines_nothing(name: str, value: float) -> None:
    curves = Curves()
    getattr(curves, name)[3] = value
    with np.errstate(invalid="ignore", over="ignore"):
        assert minimise(np.zeros(UNKNOWNS), Cauchy(), linearise=curves.linearise, move=_moved) is None


def test_observations_of_two_cameras_count_as_one_system() -> None:
    whole = Curves().linearise(np.zeros(UNKNOWNS))
    parts = [
        Linearised(whole.jacobian[chosen], whole.residual[chosen], whole.information[chosen])
        for chosen in (slice(0, 7), slice(7, None))
    ]
    together, expected = normal_equations(stacked(parts), np.ones(COUNT)), normal_equations(whole, np.ones(COUNT))
    assert together is not None
    assert expected is not None
    np.testing.assert_array_equal(together[0], expected[0])
    np.testing.assert_array_equal(together[1], expected[1])


def test_normal_equations_are_those_of_whitened_rows() -> None:
    linear, weights = Curves().linearise(np.full(UNKNOWNS, 0.1)), np.random.default_rng(1).uniform(0.1, 1, COUNT)
    roots = np.linalg.cholesky(linear.information).transpose(0, 2, 1) * np.sqrt(weights)[:, None, None]
    rows, values = (roots @ linear.jacobian).reshape(-1, UNKNOWNS), np.einsum("nij,nj->ni", roots, linear.residual)
    equations = normal_equations(linear, weights)
    assert equations is not None
    np.testing.assert_allclose(np.linalg.solve(*equations), np.linalg.lstsq(rows, values.ravel())[0], rtol=1e-9)


def test_a_step_changes_the_residuals_as_the_jacobian_says_and_nothing_else() -> None:
    linear, step = Curves().linearise(np.full(UNKNOWNS, 0.1)), np.full(UNKNOWNS, 0.02)
    fresh = Linearised(linear.jacobian, linear.residual - linear.jacobian @ step, linear.information)
    weights = np.ones(COUNT)
    normal_equations(linear, weights)  # which keeps what does not depend on the residuals
    here, there = normal_equations(linear.after(step), weights), normal_equations(fresh, weights)
    assert here is not None
    assert there is not None
    np.testing.assert_array_equal(here[0], there[0])
    np.testing.assert_array_equal(here[1], there[1])
    np.testing.assert_array_equal(linear.after(step).squares, fresh.squares)
    np.testing.assert_allclose(linear.root_determinant**2, np.linalg.det(linear.information))
