# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images named by their time and a trajectory become a drive."""

from __future__ import annotations

import numpy as np
import pytest

from sfd2_ros.bags.image_drive import drive_of_images
from sfd2_ros.core.errors import PoseFileError
from sfd2_ros.core.transforms import rigid
from sfd2_ros.core.types import Camera

CAMERA = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)
IMAGES = {1_000_000_000 + index * 100_000_000: f"{index}.png" for index in range(31)}
TRAJECTORY = {stamp - 50_000_000: rigid(np.eye(3), [(stamp - 1_050_000_000) * 1e-9, 0, 0]) for stamp in IMAGES}


def test_keyframes_are_interpolated_and_the_sharpest_near_the_distance() -> None:
    drive = drive_of_images(
        IMAGES, CAMERA, TRAJECTORY, lambda name: float(name in {"4.png", "9.png"}), every_m=0.5, every_deg=10.0
    )
    places = [one.odom_from_base[0, 3] for one in drive.keyframes]
    assert places[0] == pytest.approx(0.0, abs=1e-9)
    assert places[1] == pytest.approx(0.4)
    assert {name for _, _, name in drive.images} >= {"0.png", "4.png", "9.png"}
    assert np.all(np.diff(places) > 0.25)
    assert drive.keyframes[-1].travelled_m == pytest.approx(places[-1], abs=1e-6)
    assert drive.cameras[0].camera == CAMERA


def test_images_of_another_clock_are_rejected() -> None:
    late = {stamp + 10**15: name for stamp, name in IMAGES.items()}
    with pytest.raises(PoseFileError, match=r"known until .* same clock"):
        drive_of_images(late, CAMERA, TRAJECTORY, lambda _: 0.0, every_m=0.5, every_deg=10.0)
