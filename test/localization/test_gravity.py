# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.localization.gravity import is_level, tilt_rad

OPTICAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # base axes from optical axes, of a camera that looks ahead


def camera(yaw: float, pitch: float = 0.0) -> np.ndarray:
    turned = rotation_from_vector([0, 0, yaw]) @ rotation_from_vector([0, pitch, 0])
    return inverse(rigid(turned @ OPTICAL, [1.0, 2.0, 3.0]))


def test_map_of_upright_cameras_is_level_whatever_they_look_at() -> None:
    assert is_level([camera(yaw, pitch) for yaw in np.linspace(-3, 3, 9) for pitch in (-0.3, 0.0, 0.3)])


def test_map_with_another_axis_up_or_cameras_that_look_down_is_not_known_to_be_level() -> None:
    assert not is_level([np.eye(4)] * 5)  # y down, as structure from motion often leaves it
    assert not is_level([camera(yaw, np.pi / 2) for yaw in np.linspace(-3, 3, 9)])
    assert not is_level([])


@pytest.mark.parametrize(("vector", "expected"), [([0, 0, 2.0], 0.0), ([0.3, 0, 0], 0.3), ([0, np.pi / 2, 0], 1.5708)])
def test_tilt_is_the_angle_from_upright_and_ignores_heading(vector: list[float], expected: float) -> None:
    assert tilt_rad(rigid(rotation_from_vector(vector), [5.0, 0, 0])) == pytest.approx(expected, abs=1e-4)
