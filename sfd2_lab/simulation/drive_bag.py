# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Renders a drive into a rosbag2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.simulation.recording import Recording, write_recording
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sfd2_lab.simulation.drive import DriveConfig, Frame, World
    from sfd2_lab.simulation.sensors import SensorConfig


def write_drive_bag(
    world: World,
    config: DriveConfig,
    path: Path,
    *,
    sensors: SensorConfig | None = None,
    storage: str = "sqlite3",
    is_compressed: bool = False,
    overwrite: bool = False,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> int:
    """Render a drive into a bag and return the number of images.

    The bag has the topics of `recording.write_recording`.

    Args:
        world: that the drive belongs to.
        config: the drive.
        path: the bag's folder.
        sensors: drift, GNSS, IMU and faults; None for odometry with a drawn drift alone.
        storage: "sqlite3" or "mcap".
        is_compressed: write JPEG instead of raw images.
        overwrite: replace an existing bag.
        on_frame: called with every frame when it is written.

    Raises:
        ConfigError: a setting of the drive or of the sensors is not allowed.
        OutputError: the bag exists, or cannot be written.
    """
    if config.frames < 1:
        raise ConfigError(f"a bag of {config.frames} frames holds nothing; allowed: 1 and more")
    poses, stamps_ns = world.poses(config)
    recording = Recording(poses, stamps_ns, world.rig(config), config.seed * 1000 + config.session)

    def frames() -> Iterator[Frame]:
        for frame in world.drive(config):
            yield frame
            on_frame(frame)

    return write_recording(
        recording,
        frames(),
        path,
        sensors=sensors,
        storage=storage,
        is_compressed=is_compressed,
        overwrite=overwrite,
    )
