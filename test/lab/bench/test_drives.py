# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bench of drives: scores on trajectories whose errors are known, recordings, and the command on a tiny drive."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sfd2_lab.bench.drives.measure import camera_and_stamp
from sfd2_lab.bench.drives.recordings import TakenImage, read_recording, recorded_images, scene_recording
from sfd2_lab.bench.drives.scores import (
    absolute_errors_m,
    loop_pairs,
    placement,
    scale_error,
    trajectory_scores,
)
from sfd2_lab.bench.rows import bench_as_json
from sfd2_lab.bench.tables import markdown_of, table_of
from sfd2_lab.simulation.city_plan import plan_city
from sfd2_lab.simulation.odometry import drifting
from sfd2_lab.simulation.recording import Recording, write_recording
from sfd2_lab.simulation.rigs import make_rig
from sfd2_lab.simulation.route import Motion, poses_along, route_line
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.core.types import PosedImage
from sfd2_ros.tools.main import main

CAM = make_rig("front", (64, 48))[0].base_from_cam
LOOP = np.array(poses_along(route_line(plan_city(0), "loop"), Motion(seed=1, rate_hz=2.0), 105)[0]) @ CAM
STREET = np.array(poses_along(route_line(plan_city(0), "street"), Motion(seed=1, rate_hz=2.0), 40)[0]) @ CAM
ELSEWHERE = rigid(rotation_from_vector((0.1, -0.3, 2.0)), (30.0, -4.0, 2.0))


def front(poses: np.ndarray) -> list[str]:
    return ["front"] * len(poses)


def test_a_trajectory_in_another_frame_has_no_error() -> None:
    scores = trajectory_scores(ELSEWHERE @ LOOP, LOOP, front(LOOP))
    assert scores.poses == 105
    assert scores.worst_m < 1e-6
    assert scores.median_deg < 1e-5
    assert abs(scores.scale_error) < 1e-9
    assert scores.worst_gap_m is not None
    assert scores.worst_gap_m < 1e-6
    true_from_map = placement(ELSEWHERE @ LOOP, LOOP, with_scale=False).true_from_map
    np.testing.assert_allclose(true_from_map @ ELSEWHERE, np.eye(4), atol=1e-6)


def test_a_straight_drive_is_aligned_with_its_roll() -> None:
    true_from_map = placement(ELSEWHERE @ STREET, STREET, with_scale=False).true_from_map
    np.testing.assert_allclose(true_from_map @ ELSEWHERE, np.eye(4), atol=1e-6)
    noisy = STREET.copy()
    noisy[:, :3, 3] += np.random.default_rng(0).normal(0, 0.2, (40, 3))
    true_from_noisy = placement(noisy, STREET, with_scale=False).true_from_map
    assert np.degrees(np.arccos((np.trace(true_from_noisy[:3, :3]) - 1) / 2)) < 3


def test_one_pose_that_is_wrong_is_the_largest_error() -> None:
    moved = LOOP.copy()
    moved[50, :3, 3] += (0.0, 0.0, 2.0)
    scores = trajectory_scores(moved, LOOP, front(LOOP))
    assert scores.worst_m == pytest.approx(2.0, abs=0.1)
    assert scores.median_m < 0.05


@pytest.mark.parametrize("error", [-0.03, 0.01, 0.2])
def test_the_scale_error_is_the_fraction_by_which_a_trajectory_is_too_long(error: float) -> None:
    longer = LOOP.copy()
    longer[:, :3, 3] *= 1 + error
    assert scale_error(ELSEWHERE @ longer, LOOP) == pytest.approx(error, abs=1e-9)


def test_a_trajectory_that_is_only_too_long_has_an_error_until_its_scale_is_aligned_too() -> None:
    longer = LOOP.copy()
    longer[:, :3, 3] *= 1.01
    scores = trajectory_scores(ELSEWHERE @ longer, LOOP, front(LOOP))
    assert scores.median_m > 0.2
    assert scores.scaled_median_m < 1e-6
    straight = STREET.copy()
    straight[:, :3, 3] *= 1.01
    assert trajectory_scores(ELSEWHERE @ straight, STREET, front(STREET)).scaled_median_m < 1e-6


def test_a_map_without_gnss_is_aligned_with_its_scale_and_one_with_gnss_is_not() -> None:
    longer = LOOP.copy()
    longer[:, :3, 3] *= 1.01
    missed = [
        np.linalg.norm((placement(longer, LOOP, with_scale=with_scale).moved(longer[0]) - LOOP[0])[:3, 3])
        for with_scale in (True, False)
    ]
    assert missed[0] < 1e-6
    assert missed[1] > 0.2


def test_errors_on_the_earth_know_no_alignment() -> None:
    datum, north = (48.0, 11.0, 500.0), (48.0 + 1 / 111_195, 11.0, 500.0)  # a minute of latitude is a nautical mile
    np.testing.assert_allclose(absolute_errors_m(LOOP, LOOP, datum, datum), 0, atol=1e-6)
    np.testing.assert_allclose(absolute_errors_m(LOOP, LOOP, north, datum), 1.0, atol=0.01)


def test_odometry_that_drifts_leaves_a_gap_where_the_loop_closes() -> None:
    scores = trajectory_scores(np.array(drifting(list(LOOP @ np.linalg.inv(CAM)), 0)) @ CAM, LOOP, front(LOOP))
    assert scores.loops >= 5
    assert scores.gap_m is not None
    assert scores.gap_m > 1.0
    assert scores.median_m > 0.3


def test_loops_are_places_seen_again_in_the_same_direction_after_a_way() -> None:
    pairs = loop_pairs(LOOP)
    assert pairs
    for earlier, later in pairs:
        assert np.linalg.norm(LOOP[earlier, :3, 3] - LOOP[later, :3, 3]) < 4
        assert later - earlier > 20
    assert loop_pairs(STREET) == []
    back = np.concatenate([STREET, STREET[::-1] @ rigid(rotation_from_vector((0.0, np.pi, 0.0)), np.zeros(3))])
    assert loop_pairs(back) == []  # driven back, the camera sees the other side of everything


def test_cameras_of_a_rig_are_scored_as_tracks_of_their_own() -> None:
    both = np.concatenate([LOOP, LOOP])
    alone = trajectory_scores(LOOP, LOOP, front(LOOP)).loops
    assert trajectory_scores(both, both, ["left"] * 105 + ["right"] * 105).loops == 2 * alone


def test_images_of_a_map_have_the_camera_and_time_of_their_names() -> None:
    rig = make_rig("robotcar", (64, 48))
    camera, stamp = camera_and_stamp("camera_rear_image_raw/1600000000250000000.png", rig)
    assert (camera.name, stamp) == ("rear", 1_600_000_000_250_000_000)
    assert camera_and_stamp("camera_image_raw/17.png", make_rig("front", (64, 48)))[0].name == "front"


def test_a_recording_reads_back_as_it_was_written(tmp_path: Path) -> None:
    rig, rng = make_rig("robotcar", (64, 48)), np.random.default_rng(0)
    stamps = [1_600_000_000_000_000_000 + 300_000_000 * number for number in range(4)]
    poses = list(LOOP[:4] @ np.linalg.inv(CAM))
    images = [
        TakenImage(stamp, camera, rng.integers(0, 255, (48, 64, 3), dtype=np.uint8), pose)
        for stamp, pose in zip(stamps, poses, strict=True)
        for camera in rig
    ]
    assert write_recording(Recording(poses, stamps, rig, 0), images, tmp_path / "drive") == 12
    again = read_recording(tmp_path / "drive", seed=5)
    assert (list(again.stamps_ns), again.seed) == (stamps, 5)
    np.testing.assert_allclose(again.poses, poses, atol=1e-9)
    assert {one.name for one in again.rig} == {"left", "rear", "right"}
    read = list(recorded_images(tmp_path / "drive"))
    assert len(read) == 12
    by_key = {(one.stamp_ns, one.camera.name): one for one in read}
    for image in images:
        found = by_key[image.stamp_ns, image.camera.name]
        np.testing.assert_array_equal(found.image, image.image)
        np.testing.assert_allclose(found.camera.base_from_cam, image.camera.base_from_cam, atol=1e-9)
        assert (found.camera.camera.fx, found.camera.camera.cx) == (image.camera.camera.fx, image.camera.camera.cx)


def test_a_scene_becomes_a_recording_with_z_up_that_starts_at_the_origin(
    paint_scene: Callable[..., list[PosedImage]], tmp_path: Path
) -> None:
    images = paint_scene(tmp_path / "scene", count=4)
    for name, chosen in (("map.txt", images[::2]), ("query.txt", images[1::2])):
        (tmp_path / "scene" / name).write_text("".join(f"{one.name}\n" for one in chosen), encoding="utf-8")
    recording, taken = scene_recording(tmp_path / "scene", "map.txt", 5.0)
    _, others = scene_recording(tmp_path / "scene", "query.txt", 5.0)
    np.testing.assert_allclose(recording.poses[0], np.eye(4), atol=1e-9)
    assert np.diff(recording.stamps_ns).tolist() == [200_000_000]
    mount = recording.rig[0].base_from_cam
    for first, second, a, b in ((taken[0], taken[1], 0, 2), (taken[0], others[1], 0, 3)):
        between = np.linalg.inv(first.map_from_base @ mount) @ (second.map_from_base @ mount)
        expected = images[a].cam_from_world @ np.linalg.inv(images[b].cam_from_world)
        np.testing.assert_allclose(between, expected, atol=1e-6)


def test_a_table_of_drives_has_odometry_before_and_the_map_after() -> None:
    content = bench_as_json("drives", {}, [], {})
    content["rows"] = [
        {
            "scene": "loop",
            "images": 300,
            "before_median_m": 2.5,
            "after_median_m": 0.04,
            "recall": 0.96,
            "seconds": 61.0,
        },
        {"scene": "no_tf", "failed": "the bag has no TF"},
    ]
    text = markdown_of(table_of(content))
    assert "2.500 → 0.040" in text
    assert "96.0 %" in text
    assert "no map of no_tf: the bag has no TF" in text


def test_unknown_drives_are_rejected_with_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "drives", "spiral"]) == 2
    assert "unknown drive 'spiral'; allowed: loop, figure_of_eight" in capsys.readouterr().err
