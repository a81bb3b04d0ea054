# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores by condition on synthetic truth: right, wrong, refused and foreign images among it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sfd2_ros.core.errors import PoseFileError, SceneError
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.evaluation import score_poses
from sfd2_ros.evaluation.conditions import score_by_condition, score_outcomes
from sfd2_ros.evaluation.outcomes import NOT_SAID, Outcome, outcomes_of, read_details
from sfd2_ros.evaluation.queries import Queries
from sfd2_ros.evaluation.scene_truth import SceneTruth, read_scene_truth
from sfd2_ros.evaluation.table import HEADING, table_row

NAMES = [f"{condition}/{number}.jpg" for condition in ("day", "night") for number in range(4)]
REFERENCE = {name: rigid(np.eye(3), [number, 0, 0]) for number, name in enumerate(NAMES)}
QUERIES = Queries(REFERENCE, ("else/0.jpg", "else/1.jpg"))
TRUTH = SceneTruth({name: name.split("/")[0] for name in NAMES}, dict(zip(NAMES, range(8), strict=True)))
OFF = {"day/0.jpg": 0.1, "day/1.jpg": 0.3, "day/2.jpg": 2.0, "day/3.jpg": 7.0, "night/0.jpg": 0.2}
DETAILS = {
    **{name: {"status": "localized", "inliers": 10 * number} for number, name in enumerate(OFF, start=1)},
    "night/1.jpg": {"status": "few_matches", "inliers": 0},
    "night/2.jpg": {"status": "few_matches", "inliers": 0},
    "night/3.jpg": {"status": "localized", "inliers": 99},  # but its pose is not there
}


@pytest.fixture
def outcomes() -> list[Outcome]:
    estimated = {name: rigid(np.eye(3), [metres, 0, 0]) @ REFERENCE[name] for name, metres in OFF.items()}
    estimated["else/1.jpg"] = np.eye(4)
    return outcomes_of(estimated, QUERIES, DETAILS, TRUTH)


def test_each_condition_is_scored_apart(outcomes: list[Outcome]) -> None:
    day, night, foreign = score_by_condition(outcomes)
    assert [group.condition for group in (day, night, foreign)] == ["day", "night", "foreign"]
    assert day.scores.recall == (0.25, 0.5, 0.75)
    assert night.scores.recall == (0.25, 0.25, 0.25)
    assert (day.scores.false_accepts, night.scores.false_accepts, foreign.scores.false_accepts) == (1, 0, 1)
    assert (day.refused, day.reasons) == (0, {})
    assert (night.refused, night.reasons) == (3, {"few_matches": 2, NOT_SAID: 1})
    assert day.median_inliers == 25
    assert day.scores.median_position_m == pytest.approx(1.15)
    assert (foreign.scores.queries, foreign.scores.foreign, foreign.median_inliers) == (0, 2, None)


def test_all_conditions_together_are_what_score_poses_says(outcomes: list[Outcome]) -> None:
    estimated = {name: rigid(np.eye(3), [metres, 0, 0]) @ REFERENCE[name] for name, metres in OFF.items()}
    estimated["else/1.jpg"] = np.eye(4)
    total = score_outcomes(outcomes, "all")
    assert total.scores == score_poses(estimated, REFERENCE, foreign=QUERIES.foreign)
    assert total.refused == 3


def test_figures_hold_the_keys_of_the_scores_and_of_the_group(outcomes: list[Outcome]) -> None:
    figures = json.loads(json.dumps(score_outcomes(outcomes, "all").as_figures()))
    assert figures["recall"] == [2 / 8, 3 / 8, 4 / 8]
    assert {"median_position_m", "median_rotation_deg", "queries", "localized", "refused", "reasons"} <= figures.keys()
    assert "scores" not in figures


def test_a_wrong_rotation_alone_costs_recall() -> None:
    turned = {name: rigid(rotation_from_vector([0, 0.1, 0]), [0, 0, 0]) @ pose for name, pose in REFERENCE.items()}
    total = score_outcomes(outcomes_of(turned, QUERIES, {}, TRUTH), "all")
    assert total.scores.recall == (0.0, 0.0, 1.0)  # 0.1 rad are 5.7 degrees


def test_cells_stand_below_their_heading(outcomes: list[Outcome]) -> None:
    for group in [*score_by_condition(outcomes), score_outcomes([], "none")]:
        assert len(table_row(group)) == len(HEADING)
    assert table_row(score_by_condition(outcomes)[1])[-1] == "2 few_matches, 1 not_said"


def test_without_truth_all_images_are_of_one_condition() -> None:
    outcomes = outcomes_of({}, QUERIES, {}, SceneTruth())
    assert {one.condition for one in outcomes} == {"all"}
    assert {one.status for one in outcomes} == {NOT_SAID}


def test_truth_of_a_simulated_scene_is_read(tmp_path: Path) -> None:
    assert read_scene_truth(tmp_path) == SceneTruth()
    image = {"name": "a/0.jpg", "condition": "snow", "stamp_ns": 5}
    classes = {"7": {"ade20k": "road", "is_lasting": True}}
    (tmp_path / "truth.json").write_text(json.dumps({"images": [image], "classes": classes}))
    truth = read_scene_truth(tmp_path)
    assert (truth.condition_of("a/0.jpg"), truth.stamps_ns["a/0.jpg"]) == ("snow", 5)
    assert (truth.classes[7].name, truth.classes[7].is_lasting) == ("road", True)
    assert truth.condition_of("b.jpg", is_foreign=True) == "foreign"


@pytest.mark.parametrize("content", ["", "[]", '{"images": [{"name": "a"}]}', '{"images": 3}', "\x00\xff"])
def test_damaged_truth_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "truth.json").write_text(content, encoding="latin-1")
    with pytest.raises(SceneError, match="is damaged"):
        read_scene_truth(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "\x00\xff"])
def test_damaged_details_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "p.details.json").write_text(content, encoding="latin-1")
    with pytest.raises(PoseFileError, match="details"):
        read_details(tmp_path / "p.details.json")
