# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Motion blur, rain, flakes, drops, tone and noise."""

from dataclasses import replace

import numpy as np

from sfd2_lab.simulation.camera_effects import develop
from sfd2_lab.simulation.conditions import CONDITIONS
from sfd2_lab.simulation.motion_blur import motion_blurred
from sfd2_lab.simulation.precipitation import lens_drops, snow_flakes, streaks
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.core.types import Camera

CAMERA = Camera(64, 48, 40.0, 40.0, 31.5, 23.5)
PLAIN = replace(CONDITIONS["overcast"], noise_read=0.0, noise_shot=0.0, blur_px=0.0, vignette=0.0, jpeg_quality=100)


def stripes(axis: int) -> np.ndarray:
    light = np.zeros((48, 64, 3), np.float32)
    light[(slice(None, None, 4), slice(None)) if axis == 0 else (slice(None), slice(None, None, 4))] = 1
    return light


def test_a_still_camera_blurs_nothing() -> None:
    light = stripes(0)
    blurred = motion_blurred(light, np.full((48, 64), 5, np.float32), CAMERA, np.eye(4))
    np.testing.assert_allclose(blurred, light, atol=1e-4)


def test_blur_follows_the_motion() -> None:
    depth = np.full((48, 64), 5, np.float32)
    sideways = rigid(np.eye(3), (0.5, 0, 0))
    across = motion_blurred(stripes(1), depth, CAMERA, sideways)[:, 16:48]
    along = motion_blurred(stripes(0), depth, CAMERA, sideways)[:, 16:48]
    assert across.std() < 0.5 * stripes(1).std()
    np.testing.assert_allclose(along, stripes(0)[:, 16:48], atol=1e-4)


def test_what_is_far_blurs_by_turning_only() -> None:
    far = np.full((48, 64), np.inf, np.float32)
    moved = motion_blurred(stripes(1), far, CAMERA, rigid(np.eye(3), (0.5, 0, 0)))
    turned = motion_blurred(stripes(1), far, CAMERA, rigid(rotation_from_vector((0, 0.1, 0)), (0, 0, 0)))
    np.testing.assert_allclose(moved, stripes(1), atol=0.05)
    assert turned[:, 16:48].std() < 0.6 * stripes(1).std()


def test_no_rain_no_flakes_no_drops_change_nothing() -> None:
    light, rng = stripes(0), np.random.default_rng(0)
    for effect in (streaks, snow_flakes, lens_drops):
        assert effect(light, rng, 0) is light


def test_rain_flakes_and_drops_are_seen_and_stay_bounded() -> None:
    light = np.random.default_rng(1).uniform(0, 1, (96, 128, 3)).astype(np.float32)
    for effect, count in ((streaks, 3000), (snow_flakes, 3000), (lens_drops, 20)):
        changed = effect(light, np.random.default_rng(0), count)
        share = (np.abs(changed - light).max(-1) > 0.01).mean()
        assert 0.005 < share < 0.7
        assert changed.min() >= -0.05
        assert changed.max() < 1.5


def test_more_light_gives_a_brighter_picture_up_to_white() -> None:
    steps = [develop(np.full((16, 16, 3), light, np.float32), PLAIN, (0, 0)).mean() for light in (0, 0.02, 0.2, 0.6, 9)]
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert steps[-1] == 255


def test_noise_differs_from_picture_to_picture_but_not_from_run_to_run() -> None:
    light = np.full((32, 32, 3), 0.3, np.float32)
    night = CONDITIONS["night"]
    first, again, next_one = (develop(light, night, (1, 2, "night", index, 0)) for index in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != next_one).any()
