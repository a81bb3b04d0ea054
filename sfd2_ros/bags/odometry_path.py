# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The way of a robot by odometry: its pose at moments, and how far it has come and turned until then."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.bags.keyframe_choice import Instant
from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.bags.transform_history import TransformUnavailableError
from sfd2_ros.core.transforms import inverse, rotation_angle_rad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.bags.transform_history import TransformHistory

_STEP_NS = NS_PER_S // 10
"""Between images the way is added up in steps of this length: a robot hardly turns back within."""


class OdometryPath:
    """Poses and way by odometry.

    Args:
        history: TF of the whole bag.
        world: frame of odometry.
        base: frame of the robot.
    """

    def __init__(self, history: TransformHistory, world: str, base: str) -> None:
        self._history, self._world, self.base = history, world, base
        self._stamps: list[int] = []
        self._metres: list[float] = []
        self._radians: list[float] = []
        self.problem = ""

    def pose(self, time_ns: int) -> NDArray[np.float64] | None:
        """Return odom_from_base (4, 4), or None where TF has none."""
        try:
            return self._history.lookup(self._world, self.base, time_ns)
        except TransformUnavailableError as err:
            self.problem = str(err)
            return None

    def posed(self, groups: Sequence[tuple[tuple[str, int], ...]]) -> tuple[list[Instant], int]:
        """Return the moments that have a pose, and the number of images that have none; add up the way."""
        instants, without = [], 0
        for images in groups:
            pose = self.pose(images[0][1])
            if pose is None:
                without += len(images)
            else:
                instants.append(Instant(images[0][1], images, pose))
        self._add_up([one.stamp_ns for one in instants])
        return instants, without

    def way(self, time_ns: int) -> tuple[float, float]:
        """Return metres and radians from the first moment until one of those given to `posed`."""
        place = bisect.bisect_left(self._stamps, time_ns)
        return self._metres[place], self._radians[place]

    def _add_up(self, stamps: Sequence[int]) -> None:
        if not stamps:
            return
        between = range(stamps[0], stamps[-1], _STEP_NS)
        self._stamps = sorted({*stamps, *between})
        last, metres, radians = None, 0.0, 0.0
        for time_ns in self._stamps:
            pose = self.pose(time_ns)
            if pose is not None:
                if last is not None:
                    step = inverse(last) @ pose
                    metres, radians = metres + float(np.linalg.norm(step[:3, 3])), radians + rotation_angle_rad(step)
                last = pose
            self._metres.append(metres)
            self._radians.append(radians)
