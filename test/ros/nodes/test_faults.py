# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults done to running nodes, a good frame before and after each; those that have no test of their own elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse

pytestmark = [pytest.mark.ros, pytest.mark.data, pytest.mark.usefixtures("ros")]
FAULTS = (
    "over-exposed image",
    "wrong step",
    "size and camera_info change",
    "camera_info loses its calibration",
    "TF from the future",
    "foreign place",
    "slow subscriber",
    "out of memory",
)


@pytest.fixture(scope="module")
def stage(drive: Any, small_map: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a drive of frames that are not in the map, as a bag, and the map."""
    from sfd2_lab.bench.demo.drive_bag import DriveBag, write_bag_of_images
    from sfd2_lab.bench.trials.stage import Stage
    from sfd2_ros.core.types import PosedImage

    folder = tmp_path_factory.mktemp("faults")
    posed = []
    for number in (1, 3, 5, 7, 9):
        image, camera, map_from_cam = drive[number]
        cv2.imwrite(str(folder / f"{number}.png"), image[..., ::-1])
        posed.append(PosedImage(f"{number}.png", camera, inverse(map_from_cam)))
    write_bag_of_images(posed, folder, folder / "bag", seed=3, on_frame=lambda: None)
    return Stage(small_map, DriveBag(folder / "bag"))


@pytest.fixture(scope="module")
def rows(stage: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """Return what became of each fault, by name, and how many false poses were told."""
    from sfd2_lab.bench.trials.robustness import run_faults

    found, false_poses = run_faults(stage, tmp_path_factory.mktemp("logs"), device="cpu", names=FAULTS)
    return {each["fault"]: each for each in found}, false_poses


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_survived_and_the_next_good_frame_localized(rows: tuple[dict[str, Any], int], name: str) -> None:
    row = rows[0][name]
    assert row["survived"], row["observed"]
    assert row["recovery_s"] < 30


def test_no_false_pose_is_told_in_any_fault(rows: tuple[dict[str, Any], int]) -> None:
    assert rows[1] == 0


def test_what_is_not_refused_is_not_survived() -> None:
    from sfd2_lab.bench.demo.replay import Outcome
    from sfd2_lab.bench.trials.faults import refused
    from sfd2_lab.bench.trials.stand import is_false, is_right

    pose = np.eye(4)
    off = np.eye(4)
    off[0, 3] = 0.6
    localized = Outcome("localized", "", pose, pose, 0.1, 99)
    assert not refused(localized).is_right
    assert not refused(Outcome("no_answer", "", None, pose, 0.1, 0)).is_right
    assert not refused(Outcome("few_matches", "", None, pose, 0.1, 0), "bad_image").is_right
    assert refused(Outcome("bad_image", "", None, pose, 0.1, 0), "bad_image").is_right
    assert (is_right(localized), is_false(localized)) == (True, False)
    wrong = Outcome("localized", "", off, pose, 0.1, 99)
    assert (is_right(wrong), is_false(wrong)) == (False, True)
