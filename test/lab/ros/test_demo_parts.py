# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of the demo that need messages: the bag of a drive, the summary, the picture, the output folder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_ros.core.errors import BagError, OutputError
from sfd2_ros.core.transforms import inverse, rigid, rotation_angle_rad, rotation_from_vector
from sfd2_ros.core.types import Camera, Features, PosedImage

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]
CAMERA = Camera(64, 48, 50.0, 51.0, 31.5, 23.5)


def posed_images(folder: Path, count: int) -> list[PosedImage]:
    """Write pictures of a camera that goes along a curve, and return their poses."""
    images = []
    for number in range(count):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), 10 * number, np.uint8))
        turn = rotation_from_vector([0, 0.1 * number, 0])
        images.append(PosedImage(f"{number}.png", CAMERA, inverse(rigid(turn, [0.2 * number, 0, 2.0 * number]))))
    return images


@pytest.fixture
def bag(tmp_path: Path) -> tuple[Path, list[PosedImage]]:
    from sfd2_lab.bench.demo.drive_bag import write_bag_of_images

    images = posed_images(tmp_path, 8)
    write_bag_of_images(images, tmp_path, tmp_path / "bag", seed=3, on_frame=lambda: None)
    return tmp_path / "bag", images


def test_drive_comes_out_of_its_bag_as_it_went_in(bag: tuple[Path, list[PosedImage]]) -> None:
    from sfd2_lab.bench.demo.drive_bag import DriveBag

    path, images = bag
    drive = DriveBag(path)
    frames = list(drive.frames())
    assert len(frames) == drive.num_frames == 8
    for number, (frame, image) in enumerate(zip(frames, images, strict=True)):
        assert frame.image.shape == (48, 64, 3)
        assert np.all(frame.image == 10 * number)
        assert frame.camera == CAMERA
        np.testing.assert_allclose(
            frame.map_from_base @ drive.base_from_cam @ image.cam_from_world, np.eye(4), atol=1e-9
        )
    np.testing.assert_array_equal(drive.frame(5).image, frames[5].image)


def test_odometry_is_sampled_around_images_and_drifts(bag: tuple[Path, list[PosedImage]]) -> None:
    from sfd2_lab.bench.demo.drive_bag import DriveBag

    frames = list(DriveBag(bag[0]).frames())
    for frame in frames[1:-1]:
        before, after = frame.odometry
        assert before.time_ns < frame.time_ns < after.time_ns
    drifts = [frame.map_from_base @ inverse(frame.odom_from_base) for frame in frames]
    moved = [float(np.linalg.norm(drift[:3, 3] - drifts[0][:3, 3])) for drift in drifts]
    assert 0.005 < moved[-1] < 1.0
    assert rotation_angle_rad(inverse(drifts[0]) @ drifts[-1]) > 0
    np.testing.assert_allclose(frames[0].odom_from_base, np.eye(4), atol=1e-9)


def test_drive_of_one_image_and_bag_without_its_topics_are_refused(tmp_path: Path) -> None:
    from sfd2_lab.bench.demo.drive_bag import DriveBag, write_bag_of_images
    from sfd2_ros.bags.writer import open_bag

    with pytest.raises(BagError, match="at least two images"):
        write_bag_of_images(posed_images(tmp_path, 1), tmp_path, tmp_path / "a", seed=0, on_frame=lambda: None)
    with open_bag(tmp_path / "other") as writer:
        writer.image("/other/image", 1, "cam", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(BagError, match="has no topic"):
        DriveBag(tmp_path / "other")


def outcome(error_m: float | None, latency_s: float = 0.1, error_deg: float = 0.0) -> Any:
    from sfd2_lab.bench.demo.replay import Outcome

    truth = rigid(rotation_from_vector([0.1, 0.2, 0.3]), [10.0, 20.0, 30.0])
    if error_m is None:
        return Outcome("few_matches", "3 matches", None, truth, latency_s, 0)
    told = rigid(rotation_from_vector([0, 0, np.radians(error_deg)]) @ truth[:3, :3], truth[:3, 3] + [0, error_m, 0])
    return Outcome("localized", "", told, truth, latency_s, 99)


def some_map() -> Any:
    """Return what summary and picture read of a map."""
    images = [PosedImage(f"{n}.png", CAMERA, inverse(rigid(np.eye(3), [n, 0, 0]))) for n in range(3)]
    landmarks = SimpleNamespace(positions=np.random.default_rng(0).normal(size=(50, 3)) * 20)
    return SimpleNamespace(images=images, landmarks=_Sized(landmarks.positions), size_bytes=123, weights_id="abc")


class _Sized:
    def __init__(self, positions: np.ndarray) -> None:
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)


def test_summary_counts_what_was_told_against_what_is_true() -> None:
    from sfd2_lab.bench.demo.replay import Replay
    from sfd2_lab.bench.demo.summary import summarize

    outcomes = [outcome(0.1, 0.1), outcome(0.3, 0.2), outcome(7.0, 0.3), outcome(None, 9.0), outcome(0.1, 0.4, 3.0)]
    summary = summarize(Replay(outcomes, 4), some_map())
    assert list(summary) == [
        "frames", "localized", "median_position_m", "median_rotation_deg", "recall", "false_accepts", "latency_ms",
        "map", "weights_id", "tf_messages",
    ]  # fmt: skip
    assert (summary["frames"], summary["localized"], summary["false_accepts"]) == (5, 4, 1)
    assert summary["recall"] == [0.2, 0.6, 0.6]
    assert summary["median_position_m"] == pytest.approx(0.2)
    assert summary["latency_ms"] == pytest.approx({"p50": 250.0, "p95": 385.0})
    assert summary["map"] == {"images": 3, "points": 50, "bytes": 123}
    assert (summary["weights_id"], summary["tf_messages"]) == ("abc", 4)


def test_summary_of_a_run_without_poses_has_no_medians() -> None:
    from sfd2_lab.bench.demo.replay import Replay
    from sfd2_lab.bench.demo.summary import frame_rows, summarize

    summary = summarize(Replay([outcome(None)], 0), some_map())
    assert (summary["localized"], summary["median_position_m"], summary["latency_ms"]["p50"]) == (0, None, None)
    assert summary["recall"] == [0.0, 0.0, 0.0]
    assert frame_rows([outcome(None)])[0]["position_error_m"] is None


@pytest.mark.parametrize("errors", [[0.1, None, 0.3, 0.2], [None, None]])
def test_picture_is_drawn_with_and_without_poses(tmp_path: Path, errors: list[float | None]) -> None:
    from sfd2_lab.bench.demo.picture import write_picture

    features = Features(
        np.array([[10, 20]], np.float32), np.ones(1, np.float32), np.ones(1, np.float32), np.ones((1, 1), np.float32),
        (48, 64), "abc",
    )  # fmt: skip
    image = np.full((48, 64, 3), 90, np.uint8)
    write_picture(tmp_path / "demo.png", [outcome(error) for error in errors], some_map(), image, features)
    drawn = cv2.imread(str(tmp_path / "demo.png"))
    assert drawn.shape[0] > 500
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 20


def test_output_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    from sfd2_lab.bench.demo.run import _claim

    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(OutputError, match="not of an earlier demo"):
        _claim(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_earlier_demo_is_cleared_of_its_own_results_alone(tmp_path: Path) -> None:
    from sfd2_lab.bench.demo.run import _claim

    _claim(tmp_path / "demo")
    (tmp_path / "demo" / "summary.json").touch()
    (tmp_path / "demo" / "map").mkdir()
    (tmp_path / "demo" / "notes.txt").touch()
    _claim(tmp_path / "demo")
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == ["demo.json", "notes.txt"]
