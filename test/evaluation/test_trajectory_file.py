# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trajectories: the formats of TUM and KITTI, to the number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sfd2_ros.core.errors import PoseFileError
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Evidence, Status
from sfd2_ros.evaluation.trajectory_file import is_tum, nearest_stamp, read_tum, stamp_of, write_kitti, write_tum
from sfd2_ros.localization import Localized, Rejected
from sfd2_ros.localization.results import Result

QUARTER_TURN = rigid(rotation_from_vector([0, 0, np.pi / 2]), [1, 2, 3])
NO_POSE = Rejected(Status.FEW_MATCHES, "3 matches", Evidence())


def _localized(map_from_cam: np.ndarray) -> Localized:
    return Localized(map_from_cam, np.eye(6), Evidence())


@pytest.mark.parametrize(
    ("name", "stamp_ns"),
    [
        ("1403636579763555584.png", 1403636579763555584),
        ("cam0/data/1403636579763555584.png", 1403636579763555584),
        ("1418381798086398.jpg", 1418381798086398000),
        ("rgb/1305031102.175304.png", 1305031102175304000),
        ("1305031102.175304", 1305031102175304000),
        ("0.5.png", 500000000),
    ],
)
def test_a_time_is_read_from_the_name_of_an_image(name: str, stamp_ns: int) -> None:
    assert stamp_of(name) == stamp_ns


@pytest.mark.parametrize("name", ["000123.png", "1403636579.png", "night.png", "1403636579763555584/a.png", "-1.5.png"])
def test_a_name_without_a_time_is_rejected(name: str) -> None:
    with pytest.raises(PoseFileError, match="holds no time stamp, which a TUM trajectory needs; name images by"):
        stamp_of(name)


def test_a_tum_line_is_seconds_and_map_from_cam_with_the_scalar_last(tmp_path: Path) -> None:
    estimates: dict[str, Result] = {
        "1403636580763555584.png": _localized(QUARTER_TURN),
        "1403636579763555584.png": _localized(rigid(np.eye(3), [4, 5, 6])),
        "1403636581763555584.png": NO_POSE,
    }
    write_tum(tmp_path / "t.txt", estimates)
    first, second = (tmp_path / "t.txt").read_text().splitlines()
    assert first == "1403636579.763555584 4 5 6 0 0 0 1"
    stamp, *numbers = second.split()
    assert stamp == "1403636580.763555584"
    np.testing.assert_allclose([float(n) for n in numbers], [1, 2, 3, 0, 0, np.sqrt(0.5), np.sqrt(0.5)], atol=1e-11)


def test_a_tum_trajectory_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write_tum(tmp_path / "t.txt", {"1403636580763555584.png": _localized(QUARTER_TURN)})
    assert is_tum(tmp_path / "t.txt")
    ((stamp_ns, pose),) = read_tum(tmp_path / "t.txt").items()
    assert stamp_ns == 1403636580763555584
    np.testing.assert_allclose(pose, inverse(QUARTER_TURN), atol=1e-10)


def test_times_with_an_exponent_and_comments_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("# timestamp tx ty tz qx qy qz qw\n1.403636580763555584e+09 0 0 0 0 0 0 1.0\n\n")
    assert list(read_tum(tmp_path / "t.txt")) == [1403636580763555584]


def test_two_images_of_one_time_are_rejected(tmp_path: Path) -> None:
    both = {f"{side}/1403636580763555584.png": _localized(QUARTER_TURN) for side in ("left", "right")}
    with pytest.raises(PoseFileError, match=r"'left/.*' and 'right/.*' have the same time stamp.*--list"):
        write_tum(tmp_path / "t.txt", both)
    assert not (tmp_path / "t.txt").exists()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 0 0 0 0 0 0", "eight finite numbers"),
        ("1 0 0 0 0 0 0 1 1", "eight finite numbers"),
        ("nan 0 0 0 0 0 0 1", "eight finite numbers"),
        ("-1 0 0 0 0 0 0 1", "eight finite numbers"),
        ("1e999999 0 0 0 0 0 0 1", "eight finite numbers"),
        ("1 nan 0 0 0 0 0 1", "eight finite numbers"),
        ("1 0 0 0 0 0 0 x", "eight finite numbers"),
        ("x 0 0 0 0 0 0 1", "eight finite numbers"),
        ("1 0 0 0 0 0 0 2", "is the order another"),
        ("0.5 0 0 0 0 0 0 1", "time 0.5 has a pose already"),
    ],
)
def test_a_malformed_tum_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / "t.txt").write_text(f"0.5 0 0 0 0 0 0 1\n{line}\n")
    with pytest.raises(PoseFileError, match=rf"t.txt:2: .*{reason}"):
        read_tum(tmp_path / "t.txt")


def test_a_missing_trajectory_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(PoseFileError, match="cannot be read: No such file"):
        read_tum(tmp_path / "none.txt")
    assert not is_tum(tmp_path / "none.txt")


def test_a_kitti_line_is_three_rows_of_map_from_cam(tmp_path: Path) -> None:
    write_kitti(tmp_path / "k.txt", {"b.png": _localized(QUARTER_TURN), "a.png": _localized(np.eye(4))})
    first, second = np.loadtxt(tmp_path / "k.txt")
    np.testing.assert_allclose(first.reshape(3, 4), QUARTER_TURN[:3], atol=1e-11)
    np.testing.assert_array_equal(second.reshape(3, 4), np.eye(4)[:3])


def test_a_kitti_trajectory_with_a_gap_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PoseFileError, match=r"image 'b.png' has no pose \(few_matches\).*is not written; use --tum"):
        write_kitti(tmp_path / "k.txt", {"a.png": _localized(np.eye(4)), "b.png": NO_POSE})
    assert not (tmp_path / "k.txt").exists()


def test_stamps_a_millisecond_apart_are_not_the_same() -> None:
    stamps = [1_000_000_000, 2_000_000_000]
    assert nearest_stamp(stamps, 1_000_999_999) == 1_000_000_000
    assert nearest_stamp(stamps, 1_999_000_001) == 2_000_000_000
    assert nearest_stamp(stamps, 1_001_000_000) is None
    assert nearest_stamp([], 1) is None
