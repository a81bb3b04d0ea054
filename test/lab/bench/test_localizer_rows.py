# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of the localizer on a drive through random points, whose right answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfd2_lab.bench.fusion_rows import fusion_rows
from sfd2_lab.bench.localizer_rows import intrinsics_rows, nees_rows, rig_rows, tracking_rows
from sfd2_lab.bench.posed_drives import PosedDrive, Shot
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.localization import FusionConfig, Localizer, View
from sfd2_ros.mapping import load_map

MOUNTS = {"left": rigid(np.eye(3), [0.3, 0, 0]), "right": rigid(rotation_from_vector([0, 0.1, 0]), [-0.3, 0, 0])}


@pytest.fixture(scope="module")
def drive(random_place: Any) -> PosedDrive:
    shots = []
    for number in range(6):
        base = rigid(rotation_from_vector([0.02, 0.01 * number, 0.0]), [0.15 * number, 0.1, 0.05 * number])
        for seed, (name, mount) in enumerate(MOUNTS.items()):
            features = random_place.view(inverse(base @ mount), seed=10 * number + seed)
            view = View(features, random_place.camera, mount)
            shots.append(Shot("calm", name, number * 100_000_000, view, base))
    return PosedDrive("random", Localizer(load_map(random_place.map_folder)), shots)


def test_a_rig_is_compared_with_each_of_its_cameras(drive: PosedDrive) -> None:
    rows = rig_rows(drive)
    assert [row["cameras"] for row in rows] == ["left", "right", "left+right"]
    assert [row["recall"] for row in rows] == [1.0] * 3
    # Six moments at the limit of what the map allows: who comes first among them is chance.
    assert 0 < rows[2]["median_m"] < 1.5 * max(rows[0]["median_m"], rows[1]["median_m"])


def test_tracking_is_compared_with_a_search_of_each_frame(drive: PosedDrive) -> None:
    searched, tracked = tracking_rows(drive, "calm")
    assert (searched["mode"], searched["searched"], searched["tracked"]) == ("relocalizing", 6, 0)
    assert (tracked["mode"], tracked["searched"], tracked["tracked"]) == ("tracking", 1, 5)
    assert searched["localized"] == tracked["localized"] == 6
    assert 0 < tracked["p50_s"] <= tracked["p95_s"]


def test_fused_poses_are_compared_with_the_measured_ones(drive: PosedDrive) -> None:
    measured, fused, independent = fusion_rows(drive, "calm", seeds=(0, 1))
    assert [row["mode"] for row in (measured, fused, independent)] == ["measured", "fused", "independent"]
    for row in (measured, fused, independent):
        assert (row["frames"], row["poses"], row["anew"]) == (12, 12, 0)
        assert 0 < row["error_p50_mm"] < row["error_p95_mm"] < 20
    assert 0 < fused["step_p95_mm"] < measured["step_p95_mm"]
    assert 0.05 < fused["mean_nees"] < measured["bounds"][1]


def test_odometry_that_drifts_more_moves_map_to_odom_more(drive: PosedDrive) -> None:
    good, bad = (fusion_rows(drive, "calm", drift=drift, seeds=(0,))[1] for drift in (1.0, 30.0))
    assert bad["step_p50_mm"] > 5 * good["step_p50_mm"]
    trusted = fusion_rows(drive, "calm", drift=30.0, config=FusionConfig(motion_share=0.01), seeds=(0,))[1]
    assert trusted["error_p95_mm"] > bad["error_p95_mm"]


def test_normalised_errors_are_of_every_picture_alone(drive: PosedDrive) -> None:
    (row,) = nees_rows(drive)
    assert (row["queries"], row["poses"]) == (12, 12)
    assert 0.1 < row["mean_nees"] < 6, "keypoints err by 0.4 px here, 1 px is taken for granted"
    assert row["bounds"][0] < 6 < row["bounds"][1]


def test_pictures_with_other_intrinsics_are_counted_with_and_without_the_check(drive: PosedDrive) -> None:
    right, *wrong = intrinsics_rows(drive, [1.0, 1.1], [0.1])
    assert (right["unchecked_localized"], right["checked_localized"], right["refused"]) == (12, 12, 0)
    assert [row["camera_info"] for row in wrong] == ["focal length x 1.1", "principal point 10% off"]
    for row in wrong:
        assert (row["unchecked_localized"], row["checked_localized"], row["refused"]) == (12, 0, 12)
        assert row["unchecked_median_m"] > 10 * right["checked_median_m"]
