# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Running nodes on a stand: good frames, broken frames, and what the nodes published of each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.demo.replay import FRAME_S, FramePlayer
from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation import pose_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.bench.demo.drive_bag import DriveFrame
    from sfd2_lab.bench.demo.replay import Outcome
    from sfd2_lab.bench.demo.running_nodes import RunningNodes
    from sfd2_lab.bench.players.drive_player import OdometrySample
    from sfd2_lab.bench.players.fault_player import FaultPlayer

WRONG_M, WRONG_DEG = 0.5, 5.0
RECOVER_S = 60.0


class Stand:
    """Plays a drive frame by frame, and broken frames in between.

    Args:
        nodes: that run, with a FaultPlayer.
        player: that player.
        frames: of the drive.
        foreign: (h, w, 3) uint8 RGB images of another town.
        base_from_cam: (4, 4) mount of the camera.
    """

    def __init__(
        self,
        nodes: RunningNodes,
        player: FaultPlayer,
        frames: Sequence[DriveFrame],
        foreign: Sequence[NDArray[np.uint8]],
        base_from_cam: NDArray[np.float64],
    ) -> None:
        self.nodes, self.player, self.frames, self.foreign = nodes, player, frames, foreign
        self.base_from_cam = base_from_cam
        self.heard: list[Outcome] = []
        self._frame_player = FramePlayer(player)
        self._next = 0

    def next_frame(self) -> DriveFrame:
        """Return the next frame of the drive, forth and back, so that the robot never leaps."""
        turn = self._next % (2 * len(self.frames) - 2)
        self._next += 1
        return self.frames[min(turn, 2 * len(self.frames) - 2 - turn)]

    def good(self) -> Outcome:
        """Play the next frame as it is."""
        return self.play(self.next_frame())

    def play(
        self,
        frame: DriveFrame,
        *,
        image: NDArray[np.uint8] | None = None,
        camera: Any = None,
        image_changes: dict[str, Any] | None = None,
        info_changes: dict[str, Any] | None = None,
        odometry: Sequence[OdometrySample] | None = None,
        stamp_ns: int | None = None,
        has_info: bool = True,
        beside: Sequence[tuple[str, int]] = (),
        wait_s: float = FRAME_S,
    ) -> Outcome:
        """Play a frame with parts of it replaced; None leaves a part as it is.

        Args:
            frame: of the drive.
            image: other pixels.
            camera: other intrinsics.
            image_changes: fields of the image message.
            info_changes: fields of the camera_info message.
            odometry: other samples.
            stamp_ns: another time.
            has_info: whether camera_info is published at all.
            beside: further cameras by name, and how much later than the first one they are stamped, nanoseconds.
            wait_s: how long an answer is waited for.
        """
        now_ns, samples = self._frame_player.moved_to_now(frame)
        if stamp_ns is not None:
            samples = [type(one)(one.time_ns - now_ns + stamp_ns, one.odom_from_base) for one in samples]
            now_ns = stamp_ns
        player = self.player
        player.publish_odometry(samples if odometry is None else odometry)
        if has_info:
            player.publish_info(camera or frame.camera, now_ns, **(info_changes or {}))
        for name, later_ns in beside:
            player.publish_beside(name, frame.image, frame.camera, now_ns + later_ns)
        player.publish_image(frame.image if image is None else image, now_ns, **(image_changes or {}))
        outcome = self._frame_player.judged(frame, player.hear(now_ns, wait_s))
        self.heard.append(outcome)
        return outcome

    def recover(self) -> float:
        """Play good frames until one is localized rightly; return the seconds that took, infinite when none was."""
        started = time.monotonic()
        while time.monotonic() - started < RECOVER_S:
            if is_right(self.good()):
                return time.monotonic() - started
        return float("inf")


def is_right(outcome: Outcome) -> bool:
    """Return whether a pose was published that is near the ground truth."""
    return outcome.map_from_base is not None and not is_false(outcome)


def is_false(outcome: Outcome) -> bool:
    """Return whether a pose was published that is not near the ground truth."""
    if outcome.map_from_base is None:
        return False
    position_m, rotation_deg = pose_error(inverse(outcome.map_from_base), inverse(outcome.truth))
    return position_m > WRONG_M or rotation_deg > WRONG_DEG
