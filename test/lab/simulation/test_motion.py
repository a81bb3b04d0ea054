# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Routes, poses, rigs and odometry."""

import itertools

import numpy as np
import pytest

from sfd2_lab.simulation.city_plan import inset, plan_city
from sfd2_lab.simulation.odometry import between, drifting, twists
from sfd2_lab.simulation.rigs import RIGS, make_rig
from sfd2_lab.simulation.route import STREET_ROUTES, Motion, frames_that_fit, poses_along, route_line
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.transforms import inverse, rotation_angle_rad


@pytest.mark.parametrize("kind", STREET_ROUTES)
@pytest.mark.parametrize("seed", range(6))
def test_routes_are_smooth_and_long_enough(seed: int, kind: str) -> None:
    line = route_line(plan_city(seed), kind)
    steps = np.diff(line, axis=0)
    headings = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    assert len(line) * 0.25 > 150
    # Over one metre no car turns by more than a quarter of a radian.
    assert np.abs(headings[4:] - headings[:-4]).max() < 0.35


def test_a_figure_of_eight_crosses_its_way_and_ends_in_its_first_street() -> None:
    line = route_line(plan_city(0), "figure_of_eight")
    steps = np.diff(line, axis=0)
    headings = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    assert headings.max() - headings[0] < np.radians(30)  # to the right round one block, back to the left round another
    assert np.radians(240) < headings[0] - headings.min() < np.radians(300)
    assert abs(headings[-1] - headings[0]) < np.radians(10)
    first, last = line[: len(line) // 4], line[-40:]
    assert np.linalg.norm(first[:, None] - last[None], axis=2).min(axis=0).max() < 0.3


def test_twin_blocks_look_alike_and_the_others_do_not() -> None:
    plan = plan_city(3, has_twins=True)
    blocks = {block.cell: block for block in plan.blocks}
    moved = plan.nodes[1, 2] - plan.nodes[1, 1]
    np.testing.assert_allclose(blocks[1, 2].walls - blocks[1, 1].walls, np.tile(moved, (4, 1)), atol=1e-9)
    assert blocks[1, 2].look == blocks[1, 1].look == (1, 1)
    assert blocks[0, 2].look == (0, 1)
    assert blocks[1, 3].look == (1, 3)
    half_widths = {plan.streets[(1, row), (2, row)].half_width for row in (1, 2, 3)}
    assert len(half_widths) == 1
    assert all(block.look == block.cell for block in plan_city(3).blocks)


def test_poses_move_ahead_with_the_camera_upright() -> None:
    line = route_line(plan_city(0), "street")
    poses, stamps = poses_along(line, Motion(seed=1), 40)
    steps = [inverse(first) @ second for first, second in itertools.pairwise(poses)]
    assert all(1.0 < step[0, 3] < 2.2 and abs(step[1, 3]) < 0.3 for step in steps)
    assert all(pose[2, 2] > 0.999 for pose in poses)
    assert np.diff(stamps).tolist() == [250_000_000] * 39


@pytest.mark.parametrize("start_m", [0.0, 7.0])
def test_as_many_frames_fit_as_can_be_driven(start_m: float) -> None:
    line = route_line(plan_city(0), "loop")
    motion = Motion(seed=1, rate_hz=2.0, start_m=start_m)
    count = frames_that_fit(line, motion)
    assert len(poses_along(line, motion, count)[0]) == count
    with pytest.raises(ConfigError, match=f"allowed here: {count}"):
        poses_along(line, motion, count + 1)


def test_a_lateral_offset_moves_the_vehicle_to_its_left() -> None:
    line = route_line(plan_city(0), "street")
    middle, _ = poses_along(line, Motion(seed=1), 5)
    beside, _ = poses_along(line, Motion(seed=1, lateral_m=0.5), 5)
    shifts = [(inverse(a) @ b)[1, 3] for a, b in zip(middle, beside, strict=True)]
    np.testing.assert_allclose(shifts, 0.5, atol=0.01)


@pytest.mark.parametrize("name", RIGS)
def test_rigs_are_upright_cameras_with_distinct_names(name: str) -> None:
    rig = make_rig(name, (640, 480))
    assert len({camera.name for camera in rig}) == len(rig)
    for camera in rig:
        np.testing.assert_allclose(camera.base_from_cam[:3, 1], (0, 0, -1), atol=1e-12)
        assert 1.2 < camera.base_from_cam[2, 3] < 2
        hfov = 2 * np.degrees(np.arctan(320 / camera.camera.fx))
        assert 79 < hfov < 81


def test_robotcar_looks_left_rear_and_right() -> None:
    views = {camera.name: camera.base_from_cam[:3, 2] for camera in make_rig("robotcar", (64, 48))}
    np.testing.assert_allclose(views["left"], (0, 1, 0), atol=1e-12)
    np.testing.assert_allclose(views["rear"], (-1, 0, 0), atol=1e-12)
    np.testing.assert_allclose(views["right"], (0, -1, 0), atol=1e-12)


def test_unknown_rigs_are_refused() -> None:
    with pytest.raises(ConfigError, match="'bat'"):
        make_rig("bat", (64, 48))


def test_odometry_drifts_but_not_away() -> None:
    line = route_line(plan_city(0), "street")
    poses, stamps = poses_along(line, Motion(seed=1), 60)
    errors = []
    for seed in range(20):
        estimate = drifting(poses, seed)
        np.testing.assert_array_equal(estimate[0], np.eye(4))
        error = inverse(inverse(poses[0]) @ poses[-1]) @ estimate[-1]
        errors.append(np.linalg.norm(error[:3, 3]))
    length = 59 * 1.5
    assert 0.002 * length < np.median(errors) < 0.04 * length
    speeds = twists(poses, stamps)
    assert len(speeds) == 60
    assert all(4 < speed[0] < 8.5 for speed in speeds)


def test_between_keeps_the_given_poses_and_fills_in_evenly() -> None:
    line = route_line(plan_city(0), "loop")
    poses, stamps = poses_along(line, Motion(seed=1), 30)
    fine, fine_stamps = between(poses, stamps, 5)
    assert len(fine) == 29 * 5 + 1
    assert fine_stamps[::5] == stamps
    for given, kept in zip(poses, fine[::5], strict=True):
        np.testing.assert_array_equal(given, kept)
    turns = [rotation_angle_rad(inverse(a) @ b) for a, b in itertools.pairwise(fine)]
    assert max(turns) < 0.12


def test_inset_moves_each_side_by_its_distance() -> None:
    square = np.array([(0, 0), (10, 0), (10, 6), (0, 6)], dtype=np.float64)
    moved = inset(square, np.array([1.0, 2.0, 0.5, 3.0]))
    np.testing.assert_allclose(moved, [(3, 1), (8, 1), (8, 5.5), (3, 5.5)])
