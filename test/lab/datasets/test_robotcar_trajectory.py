# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses of RobotCar's CSV files: axes, order of composition, gaps, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sfd2_lab.datasets.robotcar.trajectory import read_absolute, read_odometry
from sfd2_ros.core.errors import DatasetError

HEADER = "timestamp,ins_status,northing,easting,down,roll,pitch,yaw\n"
VO_HEADER = "source_timestamp,destination_timestamp,x,y,z,roll,pitch,yaw\n"


def test_north_east_down_becomes_east_north_up(tmp_path: Path) -> None:
    path = tmp_path / "ins.csv"
    # Heading east: yaw is a quarter turn from north, about the axis that points down.
    path.write_text(
        f"{HEADER}1000,INS_SOLUTION_GOOD,5735010,620003,-60,0,0,{np.pi / 2}\n"
        "2000,INS_SOLUTION_GOOD,5735010,620004,-60,0,0,1.5708\n"
    )
    trajectory = read_absolute(path, np.eye(4))
    pose = trajectory.poses[0]
    assert pose[:3, 3] == pytest.approx([3, 10, 60])
    assert pose[:3, :3] @ [1, 0, 0] == pytest.approx([1, 0, 0])  # ahead is east
    assert pose[:3, :3] @ [0, 1, 0] == pytest.approx([0, 1, 0])  # left is north
    assert pose[:3, :3] @ [0, 0, 1] == pytest.approx([0, 0, 1])
    assert trajectory.stamps_ns.tolist() == [1_000_000, 2_000_000]


def test_the_lever_arm_of_the_ins_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "ins.csv"
    path.write_text(f"{HEADER}1000,INS_SOLUTION_GOOD,5735000,620000,0,0,0,0\n")
    vehicle_from_ins = np.eye(4)
    vehicle_from_ins[:3, 3] = [-1.7, 0.1, 1.2]  # behind, to the right, below
    pose = read_absolute(path, vehicle_from_ins).poses[0]
    assert pose[:3, 3] == pytest.approx([-0.1, 1.7, 1.2])  # heading north the vehicle is north of its INS


def test_poses_that_the_ins_does_not_call_good_are_not_told(tmp_path: Path) -> None:
    path = tmp_path / "ins.csv"
    good, free = "INS_SOLUTION_GOOD,5735000,620000,0,0,0,0", "INS_SOLUTION_FREE,5735000,620009,0,0,0,0"
    path.write_text(f"{HEADER}1000,{good}\n2000,{free}\n3000,{good}\n")
    trajectory = read_absolute(path, np.eye(4))
    assert trajectory.stamps_ns.tolist() == [1_000_000, 3_000_000]
    path.write_text(f"{HEADER}1000,{free}\n2000,{free}\n")
    with pytest.raises(DatasetError, match="INS_SOLUTION_FREE"):
        read_absolute(path, np.eye(4))


def test_odometry_adds_up_and_turns_left_for_negative_yaw(tmp_path: Path) -> None:
    path = tmp_path / "vo.csv"
    path.write_text(f"{VO_HEADER}2,1,1,0,0,0,0,{-np.pi / 2}\n3,2,1,0,0,0,0,0\n")
    trajectory = read_odometry(path)
    assert trajectory.stamps_ns.tolist() == [1000, 2000, 3000]
    assert trajectory.poses[1][:3, 3] == pytest.approx([1, 0, 0])
    assert trajectory.poses[2][:3, 3] == pytest.approx([1, 1, 0])  # y is left by REP 103
    assert trajectory.gaps == 0


def test_gaps_of_odometry_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "vo.csv"
    path.write_text(f"{VO_HEADER}2,1,1,0,0,0,0,0\n9,8,1,0,0,0,0,0\n")
    trajectory = read_odometry(path)
    assert trajectory.gaps == 1
    assert trajectory.poses[-1][:3, 3] == pytest.approx([2, 0, 0])


def test_poses_are_told_between_samples_and_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "vo.csv"
    path.write_text(f"{VO_HEADER}2,1,1,0,0,0,0,0.2\n")
    trajectory = read_odometry(path)
    middle = trajectory.at(1500, 1000)
    assert middle is not None
    assert middle[:3, 3] == pytest.approx([0.5, 0, 0])
    assert np.arctan2(middle[1, 0], middle[0, 0]) == pytest.approx(-0.1)
    assert trajectory.at(2000, 1000) is not None
    assert trajectory.at(999, 1000) is None
    assert trajectory.at(2001, 1000) is None
    assert trajectory.at(1500, 999) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timestamp,easting\n1,2\n", "lacks the columns northing"),
        (HEADER, "has no rows"),
        (f"{HEADER}1,INS_SOLUTION_GOOD,1,2,3\n", "ins.csv:2: fields are missing"),
        (f"{HEADER}1,INS_SOLU", "ins.csv:2: fields are missing"),
        (f"{HEADER}1,INS_SOLUTION_GOOD,1,2,3,4,5,x\n", "could not convert"),
        (f"{HEADER}1,INS_SOLUTION_GOOD,1,2,3,4,5,nan\n", "not finite"),
        (f"{HEADER}2,INS_SOLUTION_GOOD,1,2,3,4,5,6\n1,INS_SOLUTION_GOOD,1,2,3,4,5,6\n", "backwards"),
    ],
)
def test_damaged_tables_are_refused_with_the_place(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "ins.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_absolute(path, np.eye(4))
