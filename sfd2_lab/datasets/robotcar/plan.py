# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which images of a sequence are taken: a stretch of time, every so many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_lab.datasets.robotcar.trajectory import NS_PER_US
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from sfd2_lab.datasets.robotcar.sequence import RobotCarSequence

LONGEST_TRUTH_GAP_NS = 500_000_000
"""A pose between two samples further apart is not told."""


@dataclass(frozen=True)
class Stretch:
    """What part of a sequence is taken.

    Attributes:
        from_s: seconds after the first image.
        to_s: seconds after the first image; None for the end.
        every: of each camera every so many images.
    """

    from_s: float = 0.0
    to_s: float | None = None
    every: int = 1


@dataclass(frozen=True)
class PlannedImage:
    """One image to be converted.

    Attributes:
        stamp_us: its time and name.
        camera: name.
    """

    stamp_us: int
    camera: str

    @property
    def stamp_ns(self) -> int:
        """The time in nanoseconds."""
        return self.stamp_us * NS_PER_US


def plan_images(sequence: RobotCarSequence, stretch: Stretch) -> list[PlannedImage]:
    """Return the images in the order of time.

    Raises:
        ConfigError: the stretch is empty.
    """
    first = min(camera.stamps_us[0] for camera in sequence.cameras.values())
    last = max(camera.stamps_us[-1] for camera in sequence.cameras.values())
    start = first + round(stretch.from_s * 1e6)
    end = last if stretch.to_s is None else first + round(stretch.to_s * 1e6)
    if stretch.every < 1 or start > min(end, last):
        raise ConfigError(
            f"no images from {stretch.from_s} s to {stretch.to_s} s, every {stretch.every}; the sequence has "
            f"{(last - first) / 1e6:.1f} s"
        )
    planned = [
        PlannedImage(stamp, name)
        for name, camera in sequence.cameras.items()
        for stamp in [one for one in camera.stamps_us if start <= one <= end][:: stretch.every]
    ]
    return sorted(planned, key=lambda one: (one.stamp_us, one.camera))
