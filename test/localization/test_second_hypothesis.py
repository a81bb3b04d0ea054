# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two poses fit one picture: the likelier one is taken, and where that says little, the covariance says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.evaluation.consistency import nees
from sfd2_ros.geometry.mixture import MeasuredPose
from sfd2_ros.localization import Localized, Localizer
from sfd2_ros.localization.pnp import project
from sfd2_ros.localization.second_hypothesis import mixture_covariance
from sfd2_ros.mapping import load_map

if TYPE_CHECKING:
    from conftest import RandomPlace

    from sfd2_ros.core.types import Features

RIGHT = inverse(rigid(rotation_from_vector([0.01, 0.05, -0.02]), [0.4, 0.1, 0.3]))
ASIDE_M, TURNED_RAD = 0.9, 0.1
WRONG = inverse(inverse(RIGHT) @ rigid(rotation_from_vector([0, -TURNED_RAD, 0]), [ASIDE_M, 0, 0]))
"""Aside, with the turn that keeps what is 9 m away where it was."""


@pytest.fixture(scope="module")
def localizer(random_place: RandomPlace) -> Localizer:
    return Localizer(load_map(random_place.map_folder))


def _torn(place: RandomPlace, *, to_wrong: float, seed: int = 0) -> Features:
    """Return a view in which a share of the keypoints lies 5 to 7 px off where another pose would have them."""
    generator = np.random.default_rng(seed)
    right = place.view(RIGHT, seed=seed, noise_px=0.8)
    # The view's order of points depends on the seed alone, so each keypoint's point is found by its descriptor.
    points = place.positions[np.argmax(right.descriptors @ place.descriptors.T, axis=1)]
    there = project(WRONG, points, place.camera)
    angle = generator.uniform(0, 2 * np.pi, len(points))
    there += generator.uniform(5, 7, (len(points), 1)) * np.column_stack([np.cos(angle), np.sin(angle)])
    torn = generator.uniform(size=len(points)) < to_wrong
    torn &= np.all((there > 0) & (there < [place.camera.width - 1, place.camera.height - 1]), axis=1)
    keypoints = np.where(torn[:, None], there, right.keypoints).astype(np.float32)
    return replace(right, keypoints=keypoints)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_pose_that_matches_agree_with_closely_wins_over_one_that_more_agree_with_loosely(
    localizer: Localizer, random_place: RandomPlace, seed: int
) -> None:
    found = localizer.localize(_torn(random_place, to_wrong=0.7, seed=seed), random_place.camera)
    assert isinstance(found, Localized)
    assert np.linalg.norm(found.map_from_cam[:3, 3] - inverse(RIGHT)[:3, 3]) < 0.05


def _pose(body_from_map: np.ndarray, log_likelihood: float) -> MeasuredPose:
    return MeasuredPose(body_from_map, 1e-4 * np.eye(6), log_likelihood)


def test_where_the_likelihoods_say_nothing_the_covariance_reaches_the_other_pose() -> None:
    covariance = mixture_covariance(_pose(RIGHT, 100.0), _pose(WRONG, 100.0))
    assert covariance is not None
    assert np.sqrt(np.linalg.eigvalsh(covariance)[-1]) > 0.6 * ASIDE_M
    assert nees(inverse(RIGHT), covariance, inverse(WRONG)) < 3
    assert np.all(np.linalg.eigvalsh(covariance) > 0)


def test_a_far_less_likely_pose_leaves_no_doubt() -> None:
    covariance = mixture_covariance(_pose(RIGHT, 200.0), _pose(WRONG, 100.0))
    np.testing.assert_allclose(covariance, 1e-4 * np.eye(6), atol=1e-8)


def test_doubt_grows_as_the_likelihoods_draw_near() -> None:
    spreads = [
        np.trace(mixture_covariance(_pose(RIGHT, 100.0), _pose(WRONG, other))) for other in (50.0, 90.0, 97.0, 100.0)
    ]
    assert spreads == sorted(spreads)


def test_a_pose_that_is_not_determined_stays_so() -> None:
    undetermined = MeasuredPose(RIGHT, None)
    assert mixture_covariance(undetermined, _pose(WRONG, 1.0)) is None
