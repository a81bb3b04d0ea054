# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sfd2_lab.bench.homographies import (
    area_under_recall,
    corner_error_px,
    draw_homography,
    estimate_homography,
    warp,
)
from sfd2_lab.bench.timelapse import brightness, choose_light_pairs
from sfd2_lab.bench.two_view import PairScore, gather_scores, match_views, move_points, score_views
from sfd2_ros.core.types import Features, Matches

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = (100, 200)
IDENTITY = np.eye(3)


def features_at(places: NDArray[np.float64], descriptors: NDArray[np.float64] | None = None) -> Features:
    count = len(places)
    rows = np.eye(max(count, 2))[:count] if descriptors is None else descriptors
    ones = np.ones(count, np.float32)
    return Features(places.astype(np.float32), ones, ones, rows.astype(np.float32), SIZE, "test")


def matches_of(*pairs: tuple[int, int]) -> Matches:
    first, second = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    return Matches(first, second, np.ones(len(pairs), np.float32))


PLACES = np.array([[10.0, 10.0], [50.0, 20.0], [120.0, 80.0], [180.0, 40.0]])


def test_equal_views_are_repeated_and_matched_in_full() -> None:
    one = features_at(PLACES)
    score = score_views(one, one, match_views(one, one)[0], second_from_first=IDENTITY)
    assert (score.repeated, score.visible) == (8, 8)
    assert (score.correct, score.matches, score.possible) == (4, 4, 4)


def test_a_keypoint_that_moved_too_far_is_neither_repeated_nor_right() -> None:
    moved = PLACES + np.array([[2.9, 0.0], [0.0, 3.1], [0.0, 0.0], [-40.0, 0.0]])
    one, other = features_at(PLACES), features_at(moved)
    score = score_views(one, other, matches_of((0, 0), (1, 1), (2, 2), (3, 3)), second_from_first=IDENTITY)
    assert (score.repeated, score.visible) == (4, 8)
    assert (score.correct, score.matches) == (2, 4)


def test_a_wrong_match_of_repeated_keypoints_is_wrong() -> None:
    one = features_at(PLACES)
    score = score_views(one, one, matches_of((0, 1), (1, 0), (2, 2)), second_from_first=IDENTITY)
    assert (score.repeated, score.correct, score.matches) == (8, 1, 3)


def test_what_the_other_view_does_not_show_counts_neither_way() -> None:
    shift = np.array([[1.0, 0.0, -60.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    one, other = features_at(PLACES), features_at(PLACES[2:] - np.array([60.0, 0.0]))
    score = score_views(one, other, matches_of((0, 0), (2, 0), (3, 1)), second_from_first=shift)
    assert (score.repeated, score.visible) == (4, 4)
    assert (score.correct, score.matches, score.possible) == (2, 2, 2)


def test_what_lies_just_outside_the_other_view_is_not_repeated_there() -> None:
    shift = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    one, other = (
        features_at(np.array([[0.0, 50.0], [198.5, 20.0]])),
        features_at(np.array([[1.0, 50.0], [199.0, 20.0]])),
    )
    score = score_views(one, other, matches_of((0, 0), (1, 1)), second_from_first=shift)
    assert (score.repeated, score.visible) == (2, 2)
    assert (score.correct, score.matches, score.possible) == (1, 1, 1)


def test_the_truth_is_taken_in_its_direction() -> None:
    shift = np.array([[1.0, 0.0, 15.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    one, other = features_at(PLACES), features_at(PLACES + np.array([15.0, 0.0]))
    matches = matches_of((0, 0), (1, 1), (2, 2), (3, 3))
    assert score_views(one, other, matches, second_from_first=shift).correct == 4
    assert score_views(one, other, matches, second_from_first=np.linalg.inv(shift)).correct == 0


def test_views_without_keypoints_have_no_repeatability() -> None:
    none, one = features_at(np.empty((0, 2))), features_at(PLACES)
    none_found = Matches(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    figures = gather_scores([score_views(none, none, none_found, second_from_first=IDENTITY)])
    assert (figures.repeatability, figures.precision, figures.matching_score) == (None, None, None)
    half = gather_scores([score_views(none, one, none_found, second_from_first=IDENTITY)])
    assert (half.repeatability, half.correct_matches) == (0.0, 0.0)


def test_precision_is_of_all_matches_and_repeatability_the_mean_of_pairs() -> None:
    scores = [PairScore(8, 10, 9, 10, 20, 30.0, 0.001), PairScore(2, 20, 1, 90, 10, 50.0, 0.003)]
    figures = gather_scores(scores)
    assert figures.precision == pytest.approx(0.1)
    assert figures.repeatability == pytest.approx(0.45)
    assert figures.matching_score == pytest.approx((9 / 20 + 1 / 10) / 2)
    assert (figures.pairs, figures.correct_matches, figures.matches) == (2, 5.0, 50.0)
    assert figures.match_ms == pytest.approx(2.0)
    with pytest.raises(ValueError, match="no pair"):
        gather_scores([])


def test_light_pairs_are_all_told_apart_and_the_night_comes_first() -> None:
    pairs = choose_light_pairs([False, True, False, True], 100, seed=0)
    assert pairs == {"day-day": [(0, 2)], "night-day": [(1, 0), (3, 0), (1, 2), (3, 2)], "night-night": [(1, 3)]}
    assert choose_light_pairs([False, False], 5, seed=0) == {"day-day": [(0, 1)]}


def test_light_pairs_are_drawn_alike_by_one_seed_and_otherwise_by_another() -> None:
    dark = [index % 3 == 0 for index in range(30)]
    drawn = choose_light_pairs(dark, 12, seed=4)
    assert [len(pairs) for pairs in drawn.values()] == [12, 12, 12]
    assert drawn == choose_light_pairs(dark, 12, seed=4)
    assert drawn != choose_light_pairs(dark, 12, seed=5)


def test_brightness_weighs_green_most() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    assert brightness(picture) == 0
    picture[..., 1] = 255
    assert brightness(picture) == pytest.approx(0.587 * 255)
    assert brightness(np.full((2, 2, 3), 200, np.uint8)) == pytest.approx(200)


def test_views_of_homographies_show_nothing_that_is_not_in_the_image() -> None:
    generator = np.random.default_rng(0)
    corners = np.array([[0.0, 0.0], [199.0, 0.0], [199.0, 99.0], [0.0, 99.0]])
    for _ in range(50):
        image_from_view = np.linalg.inv(draw_homography(generator, SIZE))
        inside = move_points(image_from_view, corners)
        assert np.all(inside >= -1e-3)
        assert np.all(inside <= np.array([199.0, 99.0]) + 1e-3)


def test_a_warped_picture_has_its_pixels_where_the_homography_says() -> None:
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[48:53, 98:103] = 255
    homography = draw_homography(np.random.default_rng(1), SIZE)
    y, x = np.nonzero(warp(picture, homography)[..., 0] > 128)
    expected = move_points(homography, np.array([[100.0, 50.0]]))[0]
    assert [x.mean(), y.mean()] == pytest.approx(expected.tolist(), abs=0.6)


def test_the_homography_of_true_matches_is_found_and_of_wrong_ones_not() -> None:
    generator = np.random.default_rng(2)
    truth = draw_homography(generator, SIZE)
    view = generator.uniform([5, 5], [194, 94], (60, 2))
    one, other = features_at(move_points(np.linalg.inv(truth), view)), features_at(view)
    right = matches_of(*((i, i) for i in range(60)))
    wrong = matches_of(*((i, (7 * i + 3) % 60) for i in range(60)))
    assert corner_error_px(estimate_homography(one, other, right), truth, SIZE) < 0.1
    assert corner_error_px(estimate_homography(one, other, wrong), truth, SIZE) > 5
    assert corner_error_px(estimate_homography(one, other, matches_of((0, 0), (1, 1))), truth, SIZE) == float("inf")


def test_corner_error_is_the_mean_distance_in_the_view() -> None:
    shift = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 4.0], [0.0, 0.0, 1.0]])
    assert corner_error_px(shift, IDENTITY, SIZE) == pytest.approx(5.0)
    assert corner_error_px(np.zeros((3, 3)), IDENTITY, SIZE) == float("inf")


def test_area_under_recall_of_known_errors() -> None:
    assert area_under_recall([0.0, 0.0], 5.0) == 1.0
    assert area_under_recall([2.5, float("inf")], 5.0) == pytest.approx(0.25)
    assert area_under_recall([5.0, 9.0], 5.0) == 0.0
