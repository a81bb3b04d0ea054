# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from sfd2_ros.features.budget import BudgetChoice
from sfd2_ros.ros.device_memory import DeviceMemory
from sfd2_ros.ros.diagnostics import (
    FeatureMeasurements,
    Level,
    LocalizerMeasurements,
    diagnose_features,
    diagnose_localizer,
)
from sfd2_ros.ros.newest import Counts
from sfd2_ros.ros.stamp_gaps import NO_GAPS, Gaps

FEATURES = FeatureMeasurements(
    is_active=True,
    received=100,
    dropped=90,
    recent=Counts(10, 4),
    recent_s=2.0,
    silence_s=0.1,
    silent_camera="front",
    gaps=NO_GAPS,
    transport_s=0.002,
    extraction_s=0.03,
    num_keypoints=2000,
    status="ok",
    reason="",
    device="cuda:0",
    memory=DeviceMemory(4096.0, 16384.0),
    weights_id="sfd2-abc",
)
LOCALIZER = LocalizerMeasurements(
    is_active=True,
    state="TRACKING",
    received=100,
    dropped=0,
    recent=Counts(10, 0),
    recent_s=2.0,
    localized=98,
    refused={"few_matches": 2},
    silence_s=0.1,
    status="localized",
    reason="",
    latency_s=0.05,
    max_latency_s=1.0,
    age_s=0.2,
    num_inliers=300,
    map_id="0123",
    weights_id="sfd2-abc",
)


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, Level.OK, "extracting"),
        ({"is_active": False, "silence_s": float("inf")}, Level.OK, "not active"),
        ({"silence_s": float("inf")}, Level.WARN, "no image yet on camera 'front'"),
        ({"silence_s": 2.1}, Level.WARN, "no image for 2.1 s"),
        ({"status": "bad_image", "reason": "truncated"}, Level.ERROR, "bad_image: truncated"),
        ({"gaps": Gaps(3, 20, 0.1, 0.2)}, Level.WARN, "about 3 of the last 20 images were lost"),
        ({"gaps": Gaps(1, 20, 0.1, 0.2)}, Level.OK, "extracting"),
        ({"recent": Counts(10, 6)}, Level.WARN, "6 of the last 10 images dropped"),
        ({"recent": Counts(0, 0)}, Level.OK, "extracting"),
        ({"memory": DeviceMemory(91.0, 100.0)}, Level.WARN, "91% of the memory of cuda:0"),
        ({"memory": None}, Level.OK, "extracting"),
    ],
)
def test_feature_node_is_judged_by_the_worst_that_is_known(
    changes: dict[str, object], level: Level, words: str
) -> None:
    diagnosis = diagnose_features(replace(FEATURES, **changes))
    assert (diagnosis.level, words in diagnosis.reason) == (level, True), diagnosis.reason


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, Level.OK, "localized"),
        ({"is_active": False}, Level.OK, "not active"),
        ({"silence_s": float("inf")}, Level.WARN, "no features yet"),
        ({"status": "few_matches", "reason": "3 matches"}, Level.WARN, "not localized, few_matches: 3 matches"),
        ({"status": "wrong_weights", "reason": "a, b"}, Level.ERROR, "wrong_weights: a, b"),
        ({"status": "no_transform", "reason": "odom"}, Level.ERROR, "no_transform: odom"),
        ({"recent": Counts(10, 6)}, Level.WARN, "6 of the last 10 frames dropped"),
        ({"latency_s": 1.2}, Level.WARN, "1.20 s is longer than transform_tolerance_s, 1.00 s"),
        ({"status": "few_matches", "reason": "3", "age_s": 6.0}, Level.WARN, "last pose 6.0 s ago, few_matches: 3"),
        ({"status": "few_matches", "reason": "3", "age_s": float("inf")}, Level.WARN, "no pose yet, few_matches: 3"),
    ],
)
def test_localizer_node_is_judged_by_its_last_frame(changes: dict[str, object], level: Level, words: str) -> None:
    diagnosis = diagnose_localizer(replace(LOCALIZER, **changes))
    assert (diagnosis.level, words in diagnosis.reason) == (level, True), diagnosis.reason


def test_images_that_stay_too_slow_although_reduced_are_a_warning() -> None:
    slow = replace(FEATURES, recent=Counts(10, 0), choice=BudgetChoice(0.5, 0.31, fits=False))
    diagnosis = diagnose_features(slow)
    assert (diagnosis.level, diagnosis.values["image_scale"]) == (Level.WARN, "0.5")
    assert "slower than max_latency_ms: sides times 0.5, 310 ms" in diagnosis.reason
    fitting = replace(slow, choice=BudgetChoice(0.8, 0.18, fits=True))
    assert diagnose_features(fitting).level is Level.OK


def test_values_have_documented_keys() -> None:
    assert set(diagnose_features(FEATURES).values) == {
        "images_received", "images_dropped", "images_lost", "rate_hz", "silence_s", "transport_s", "extraction_s",
        "num_keypoints", "image_scale", "last_status", "device", "device_memory_mib", "device_memory_share",
        "weights_id",
    }  # fmt: skip
    values = diagnose_localizer(LOCALIZER).values
    assert set(values) == {
        "state", "frames_received", "frames_dropped", "frames_localized", "frames_refused", "refused_few_matches",
        "rate_hz", "silence_s", "last_status", "latency_s", "age_s", "num_inliers", "map_id", "weights_id",
    }  # fmt: skip
    assert diagnose_features(FEATURES).values["rate_hz"] == "3.00"  # six of ten worked on in two seconds
    assert diagnose_features(FEATURES).values["device_memory_share"] == "0.250"
    assert (values["frames_refused"], values["refused_few_matches"]) == ("2", "2")
