# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plans of maps: what is drawn where, how long the scale bar is, and which session an image is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.plan import PlanView, bar_length, draw_plan, plan_view
from sfd2_ros.mapping.sessions import image_sessions, landmark_sessions

if TYPE_CHECKING:
    from conftest import RandomPlace

UPRIGHT = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Of a camera that looks along x of a map whose z is up."""


def way(count: int, step_m: float) -> np.ndarray:
    return np.array([rigid(UPRIGHT, (step_m * i, 0.0, 1.5)) for i in range(count)])


def test_a_map_with_z_up_is_drawn_with_x_to_the_right_and_y_upwards() -> None:
    view = plan_view(way(20, 1.0), np.array([(5.0, 5.0, 2.0), (8.0, -5.0, 0.0)]), 400)
    start, ahead, left = view.pixels(np.array([(0.0, 0.0, 0.0), (10.0, 0.0, 3.0), (0.0, 2.0, 0.0)]))
    np.testing.assert_allclose(ahead - start, (10 * view.px_per_unit, 0), atol=1e-9)
    np.testing.assert_allclose(left - start, (0, -2 * view.px_per_unit), atol=1e-9)


def test_cameras_of_another_frame_stand_on_the_plane_of_the_plan() -> None:
    turned = rigid(rotation_from_vector((1.2, 0.4, -2.0)), (3.0, 1.0, 2.0))
    poses = np.array([turned @ pose for pose in way(20, 1.0)])
    view = plan_view(poses, poses[:, :3, 3], 400)
    up = turned[:3, 2]
    np.testing.assert_allclose(view.plane_from_map @ up, 0, atol=1e-6)
    pixels = view.pixels(poses[:, :3, 3])
    np.testing.assert_allclose(np.linalg.norm(np.diff(pixels, axis=0), axis=1), view.px_per_unit, rtol=1e-6)


def test_a_few_landmarks_far_away_do_not_make_a_dot_of_all_others() -> None:
    near = np.random.default_rng(0).uniform(-10, 30, (1000, 3))
    far = np.array([(1e6, 0.0, 0.0), (np.nan, 0.0, 0.0), (0.0, -1e5, 0.0)])
    view = plan_view(way(20, 1.0), np.concatenate([near, far]), 400)
    assert view.px_per_unit > 400 / 60


def test_one_camera_and_no_landmark_can_be_drawn() -> None:
    view = plan_view(way(1, 1.0), np.zeros((0, 3)), 400)
    assert min(view.size) >= 100
    assert np.isfinite(view.pixels(np.zeros((1, 3)))).all()


@pytest.mark.parametrize(("widest", "length"), [(19.9, 10.0), (20.0, 20.0), (4.0, 2.0), (0.07, 0.05), (730.0, 500.0)])
def test_the_scale_bar_is_the_longest_round_length_that_fits(widest: float, length: float) -> None:
    assert bar_length(widest) == pytest.approx(length)


def test_a_plan_shows_landmarks_where_they_are(random_place: RandomPlace) -> None:
    opened = load_map(random_place.map_folder)
    picture = draw_plan(opened, longest_px=500)
    assert picture.dtype == np.uint8
    poses = np.array([inverse(one.cam_from_world) for one in opened.images])
    view: PlanView = plan_view(poses, opened.landmarks.positions, 500)
    pixels = np.round(view.pixels(opened.landmarks.positions)).astype(int)
    is_in = ((pixels >= 0) & (pixels < [view.size[1], view.size[0]])).all(axis=1)
    assert is_in.mean() > 0.9
    colours = picture[pixels[is_in, 1], pixels[is_in, 0]]
    assert (colours != 255).any(axis=1).all()
    assert (picture == 255).all(axis=2).mean() > 0.3


def test_images_of_a_bag_are_of_two_sessions_when_a_day_lies_between_them() -> None:
    day_ns = 86_400_000_000_000
    times = [1_600_000_000_000_000_000 + part for part in (0, day_ns, 500_000_000, day_ns + 7)]
    labels, sessions = image_sessions([f"camera_image_raw/{time}.png" for time in times])
    assert labels == ("session 1", "session 2")
    assert sessions.tolist() == [0, 1, 0, 1]


def test_images_without_times_are_grouped_by_their_first_folder() -> None:
    labels, sessions = image_sessions(["night/left/000001.jpg", "overcast/000000.jpg", "night/right/000001.jpg"])
    assert labels == ("night", "overcast")
    assert sessions.tolist() == [0, 1, 0]
    assert image_sessions(["a.jpg", "b.jpg"])[0] == ("",)
    assert image_sessions([])[0] == ()


def test_a_landmark_is_of_the_first_session_that_saw_it(random_place: RandomPlace) -> None:
    opened = load_map(random_place.map_folder)
    sessions = np.array([1, 1, 0, 0, 1, 1, 1, 1])
    found = landmark_sessions(opened, sessions)
    early = set(opened.landmarks.seen_by(2).tolist()) | set(opened.landmarks.seen_by(3).tolist())
    assert set(np.flatnonzero(found == 0).tolist()) == early
    assert 0 < len(early) < len(opened.landmarks)
