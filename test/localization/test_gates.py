# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of gates: each rejects with its numbers, in order, and stands in the settings, the message and the docs."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.types import Evidence, Status
from sfd2_ros.localization import GatesConfig, Localized, Localizer
from sfd2_ros.localization import trace as trace_module
from sfd2_ros.localization.gate import Gate
from sfd2_ros.localization.gates import GATES, first_failure, read_gates
from sfd2_ros.localization.trace import Trace
from sfd2_ros.mapping import load_map

ROOT = Path(__file__).resolve().parents[2]
LIMITS = GatesConfig()
GOOD = Evidence(
    num_keypoints=500,
    most_keypoints=500,
    num_matches=200,
    num_guided=100,
    num_inliers=60,
    reprojection_error_px=1.2,
    spread=0.4,
    log10_false_alarms=-80,
    mean_log_likelihood_ratio=0.8,
    focal_error=0.0,
    centre_error=0.0,
    rival_share=0.1,
    distinct_share=0.7,
    mirror_share=0.0,
    position_std_m=0.01,
    rotation_std_rad=0.01,
    hint_deviations=1.0,
    jump=5.0,
    seconds={"match": 0.1},
)


def _first_failure(evidence: Evidence, *, is_complete: bool = False) -> tuple[Gate, str] | None:
    return first_failure(replace(evidence, gates=read_gates(evidence, LIMITS)), is_complete=is_complete)


@pytest.mark.parametrize(
    ("changes", "gate", "status", "sentence"),
    [
        ({"most_keypoints": 11}, "keypoints", Status.NO_FEATURES, "11 keypoints found, 12 are needed"),
        ({"num_matches": 11}, "matches", Status.FEW_MATCHES, "11 matches with the map, 12 are needed"),
        ({"focal_error": 0.1}, "focal_length", Status.WRONG_FOCAL_LENGTH, "10.0% from that of camera_info"),
        ({"centre_error": 0.04}, "principal_point", Status.WRONG_PRINCIPAL_POINT, "4.0% of the focal length"),
        ({"rival_share": 0.41}, "rival", Status.AMBIGUOUS_PLACE, "41% of the inliers of the best one, 40%"),
        ({"distinct_share": 0.2}, "distinct", Status.LOW_DISTINCT_RATIO, "20% of the distinct matches agree"),
        (
            {"mirror_share": 0.4},
            "mirror",
            Status.MIRRORED_IMAGE,
            "mirrored back, its support is 40% of the inliers, 5%",
        ),
        ({"num_inliers": 11}, "inliers", Status.FEW_INLIERS, "11 of 100 matches agree, 12 are needed"),
        ({"log10_false_alarms": -7.9}, "false_alarms", Status.CHANCE_AGREEMENT, "10^-8 random poses"),
        ({"mean_log_likelihood_ratio": 0.06}, "log_likelihood_ratio", Status.CHANCE_AGREEMENT, "0.06, 0.25 is needed"),
        ({"spread": 0.03}, "spread", Status.POOR_SPREAD, "3% of the image, 6% are needed"),
        ({"position_std_m": 1.05}, "position_std", Status.UNCERTAIN_POSE, "uncertain by 1.05 m, 1.00 m is allowed"),
        ({"rotation_std_rad": 0.141}, "rotation_std", Status.UNCERTAIN_POSE, "rotation is uncertain by 0.141 rad"),
        ({"hint_deviations": 3.5}, "hint", Status.IMPLAUSIBLE_JUMP, "3.5 standard deviations from the hint"),
        ({"jump": 31}, "jump", Status.IMPLAUSIBLE_JUMP, "squared distance 31, 30 allowed"),
    ],
)
def test_each_gate_rejects_with_its_numbers(changes: dict[str, Any], gate: str, status: Status, sentence: str) -> None:
    failure = _first_failure(replace(GOOD, **changes))
    assert failure is not None
    assert (failure[0].name, failure[0].status) == (gate, status)
    assert sentence in failure[1]
    readings = read_gates(replace(GOOD, **changes), LIMITS)
    assert [reading.name for reading in readings if not reading.is_passed] == [gate]


def test_good_evidence_passes_all_gates() -> None:
    assert _first_failure(GOOD, is_complete=True) is None


def test_limits_themselves_are_allowed() -> None:
    at_the_limit = replace(
        GOOD,
        most_keypoints=12,
        num_matches=12,
        focal_error=0.02,
        centre_error=0.03,
        rival_share=0.4,
        distinct_share=0.3,
        num_inliers=12,
        log10_false_alarms=-8.0,
        mean_log_likelihood_ratio=0.25,
        mirror_share=0.05,
        spread=0.06,
        position_std_m=1.0,
        rotation_std_rad=0.1,
        hint_deviations=3.0,
        jump=30.0,
    )
    readings = read_gates(at_the_limit, LIMITS)
    assert [reading.value for reading in readings] == [reading.limit for reading in readings]
    assert _first_failure(at_the_limit, is_complete=True) is None


@pytest.mark.parametrize(
    "name", ["spread", "log10_false_alarms", "mean_log_likelihood_ratio", "rotation_std_rad", "num_inliers"]
)
def test_a_complete_pose_without_a_required_value_is_rejected(name: str) -> None:
    unmeasured = replace(GOOD, **{name: 0 if name == "num_inliers" else math.nan})
    assert _first_failure(unmeasured) is None
    assert _first_failure(unmeasured, is_complete=True) is not None


def test_the_first_gate_of_the_table_gives_the_status() -> None:
    failure = _first_failure(replace(GOOD, spread=0.0, rival_share=0.9, jump=99.0))
    assert failure is not None
    assert failure[0].name == "rival"


def test_a_frame_that_ended_early_has_no_value_of_later_gates() -> None:
    readings = {reading.name: reading for reading in read_gates(Evidence(most_keypoints=3), LIMITS)}
    assert not readings["keypoints"].is_passed
    assert all(math.isnan(reading.value) for name, reading in readings.items() if name != "keypoints")


def test_gates_are_read_once_for_what_was_measured_and_again_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(trace_module, "read_gates", lambda *given: calls.append(given) or read_gates(*given))
    trace = Trace(LIMITS, GOOD)
    assert trace.failure() is None
    assert trace.failure(is_complete=True) is None
    assert len(trace.judged().gates) == len(GATES)
    assert len(calls) == 1
    trace.note(spread=0.0)
    failed = trace.failure()
    assert failed is not None
    assert failed.status is Status.POOR_SPREAD
    assert len(calls) == 2


@pytest.fixture(scope="module")
def localizer(random_place: Any) -> Localizer:
    return Localizer(load_map(random_place.map_folder))


def test_the_values_of_all_gates_are_in_the_evidence_of_localized_and_rejected_frames(
    localizer: Localizer, random_place: Any
) -> None:
    image, features = random_place.images[3], random_place.features[3]
    localized = localizer.localize(features, image.camera)
    assert isinstance(localized, Localized)
    shuffled = np.random.default_rng(0).permutation(features.keypoints)
    rejected = localizer.localize(replace(features, keypoints=shuffled), image.camera)
    assert not rejected.is_localized
    for result in (localized, rejected):
        assert [reading.name for reading in result.evidence.gates] == [gate.name for gate in GATES]
    measured = {gate.name for gate in localized.evidence.gates if not math.isnan(gate.value)}
    assert measured == {gate.name for gate in GATES} - {"hint", "jump"}
    assert all(gate.is_passed for gate in localized.evidence.gates)
    assert not all(gate.is_passed for gate in rejected.evidence.gates)


def test_every_limit_belongs_to_a_gate() -> None:
    assert {gate.setting for gate in GATES} == {field.name for field in fields(GatesConfig)}


def test_gates_have_names_of_their_own() -> None:
    assert len({gate.name for gate in GATES}) == len(GATES)


def test_the_documentation_lists_the_gates_in_the_order_of_the_table() -> None:
    page = (ROOT / "docs" / "localization.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in page.split("## Gates")[1].split("\n## ")[0].splitlines()
        if line.startswith("| `")
    ]
    documented = [
        (name, status, setting, direction, unit, tracked) for name, status, setting, direction, unit, tracked, _ in rows
    ]
    assert documented == [
        (
            gate.name,
            gate.status.value,
            gate.setting,
            f"{'at least' if gate.at_least else 'at most'} {getattr(LIMITS, gate.setting):g}",
            gate.unit,
            "yes" if gate.is_tracked else "no",
        )
        for gate in GATES
    ]


def test_the_statuses_of_the_message_are_those_of_the_enum() -> None:
    text = (ROOT / "msg" / "LocalizationStatus.msg").read_text(encoding="utf-8")
    constants = [line[7:].partition("=") for line in text.splitlines() if line.startswith("string ") and "=" in line]
    assert {name: value.strip('"') for name, _, value in constants} == {status.name: status.value for status in Status}
