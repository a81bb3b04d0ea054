# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pose files: written as the benchmarks read them, read back the same, refused by line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfd2_ros.core.errors import OutputError, PoseFileError
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Evidence, GateValue, Status
from sfd2_ros.evaluation.poses_file import check_names, details_path, read_poses, write_poses
from sfd2_ros.localization import Localized, Rejected

_NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(
    lambda name: name == name.strip() and not name.startswith("#") and "\n" not in name and "\r" not in name
)
_POSES = st.tuples(st.tuples(*[st.floats(-3, 3)] * 3), st.tuples(*[st.floats(-1e6, 1e6)] * 3))


def _localized(cam_from_map: np.ndarray) -> Localized:
    gates = (GateValue("spread", Status.POOR_SPREAD, 0.5, 0.06, "fraction", at_least=True),)
    evidence = Evidence(num_inliers=60, candidates=("a.jpg",), seconds={"match": 0.123456}, gates=gates)
    return Localized(inverse(cam_from_map), np.eye(6) * 0.01, evidence)


def _refusal() -> Rejected:
    gates = (
        GateValue("jump", Status.IMPLAUSIBLE_JUMP, float("nan"), 30.0, "squared standard deviations", at_least=False),
    )
    return Rejected(Status.FEW_MATCHES, "3 matches", Evidence(num_keypoints=9, gates=gates))


@given(st.dictionaries(_NAMES, _POSES, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_poses_are_read_back_as_they_were_written(
    tmp_path: Path, poses: dict[str, tuple[tuple[float, ...], tuple[float, ...]]]
) -> None:
    written = {name: rigid(rotation_from_vector(turn), shift) for name, (turn, shift) in poses.items()}
    path = tmp_path / "poses.txt"
    write_poses(path, {name: _localized(pose) for name, pose in written.items()})
    found = read_poses(path)
    assert list(found) == list(written)
    for name, pose in written.items():
        np.testing.assert_allclose(found[name][:3, :3], pose[:3, :3], atol=1e-10)
        np.testing.assert_allclose(found[name][:3, 3], pose[:3, 3], rtol=1e-9, atol=1e-9)


def test_a_line_is_name_qw_qx_qy_qz_tx_ty_tz_of_cam_from_map(tmp_path: Path) -> None:
    pose = rigid(rotation_from_vector([0, 0, np.pi / 2]), [1, 2, 3])
    write_poses(tmp_path / "poses.txt", {"a b/0.jpg": _localized(pose), "refused.jpg": _refusal()})
    name, numbers = (tmp_path / "poses.txt").read_text().rstrip("\n").split(".jpg ")
    assert name == "a b/0"
    np.testing.assert_allclose([float(n) for n in numbers.split()], [0.5**0.5, 0, 0, 0.5**0.5, 1, 2, 3], atol=1e-11)


def test_details_stand_beside_the_poses(tmp_path: Path) -> None:
    path = tmp_path / "poses.txt"
    write_poses(path, {"0.jpg": _localized(np.eye(4)), "1.jpg": _refusal()})
    details = json.loads((tmp_path / "poses.details.json").read_text())
    assert details["0.jpg"]["status"] == "localized"
    assert details["0.jpg"]["inliers"] == 60
    assert details["0.jpg"]["candidates"] == ["a.jpg"]
    assert np.shape(details["0.jpg"]["covariance"]) == (6, 6)
    assert details["1.jpg"]["status"] == "few_matches"
    assert details["1.jpg"]["reason"] == "3 matches"
    assert details["1.jpg"]["mean_log_likelihood_ratio"] is None
    assert details["0.jpg"]["gates"] == {"spread": {"value": 0.5, "at_least": 0.06, "unit": "fraction"}}
    assert details["1.jpg"]["gates"]["jump"] == {"value": None, "at_most": 30.0, "unit": "squared standard deviations"}
    assert details["1.jpg"]["covariance"] is details["1.jpg"]["reprojection_error_px"] is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("p.txt", "p.details.json"),
        ("p", "p.details.json"),
        ("p.v1.txt", "p.v1.details.json"),
        (".p", ".p.details.json"),
    ],
)
def test_details_are_named_after_the_poses(path: str, expected: str) -> None:
    assert details_path(Path("x") / path) == Path("x") / expected


def test_an_empty_file_has_no_poses(tmp_path: Path) -> None:
    write_poses(tmp_path / "poses.txt", {})
    assert read_poses(tmp_path / "poses.txt") == {}


@pytest.mark.parametrize(
    "content",
    [
        b"0.jpg 1 0 0 0 1 2 3\n",
        b"0.jpg 1 0 0 0 1 2 3",
        b"\xef\xbb\xbf0.jpg 1 0 0 0 1 2 3\r\n",
        b"# name qw qx qy qz tx ty tz\n\n0.jpg\t1 0  0 0 1e0 2.0 3\n",
        b"0.jpg -0.9999 0 0 0 1 2 3\n",
    ],
)
def test_what_other_programs_write_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "poses.txt").write_bytes(content)
    np.testing.assert_allclose(read_poses(tmp_path / "poses.txt")["0.jpg"], rigid(np.eye(3), [1, 2, 3]))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0.jpg", "no line `name qw"),
        ("0.jpg 1 0 0 0 1 2", "no line `name qw"),
        ("1 0 0 0 1 2 3", "no line `name qw"),
        ("0.jpg 1 0 0 0 1 2 x", "could not convert string to float"),
        ("0.jpg 1,0,0,0,1,2,3", "no line `name qw"),
        ("0.jpg 0 0 0 0 1 2 3", "is no rotation"),
        ("0.jpg nan 0 0 0 1 2 3", "is no rotation"),
        ("0.jpg 1 0 0 0 1 2 inf", "seven finite numbers"),
        ("0.jpg 1e999 0 0 0 1 2 3", "is no rotation"),
        ("0.jpg 4.1 2 3 0 0 0 1", "have length 5.46, 1 is needed; is the order another?"),
        ("0.jpg 0.9 0 0 0 1 2 3", "have length 0.9"),
        ("{}", "no line `name qw"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "poses.txt"
    path.write_text(f"# comment\ngood.jpg 1 0 0 0 1 2 3\n{line}\n")
    with pytest.raises(PoseFileError, match=re.escape(reason)) as caught:
        read_poses(path)
    assert f"{path}:3:" in str(caught.value)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "poses.txt").write_text("0.jpg 1 0 0 0 1 2 3\n0.jpg 1 0 0 0 1 2 4\n")
    with pytest.raises(PoseFileError, match=r"poses.txt:2: image '0.jpg' has a pose already"):
        read_poses(tmp_path / "poses.txt")


@pytest.mark.parametrize("content", [None, b"\xff\xd8\xff\xe0 1 0 0 0 1 2 3", b"\0\0\0"])
def test_what_is_no_pose_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "poses.txt").write_bytes(content)
    with pytest.raises(PoseFileError, match=r"poses.txt"):
        read_poses(tmp_path / "poses.txt")
    with pytest.raises(PoseFileError, match="cannot be read: Is a directory"):
        read_poses(tmp_path)


@pytest.mark.parametrize("name", ["", " 0.jpg", "0.jpg ", "#0.jpg", "a\nb.jpg", "a\r.jpg", "0.jpg\u2009"])
def test_a_name_that_no_line_can_hold_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(PoseFileError, match="cannot stand in a pose file; rename the image"):
        write_poses(tmp_path / "poses.txt", {name: _refusal()})
    assert list(tmp_path.iterdir()) == []
    check_names(["a b.jpg", "ü/日.jpg", "x#1.jpg"])


def test_a_folder_that_cannot_be_written_is_an_output_error() -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_poses(Path("/dev/null/poses.txt"), {})
