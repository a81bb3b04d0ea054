# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Replays a drive into the real nodes, as processes, and records what they published for each frame."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfd2_lab.bench.demo.running_nodes import NodeSettings, running_nodes
from sfd2_lab.bench.players.drive_player import OdometrySample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.bench.demo.drive_bag import DriveBag, DriveFrame
    from sfd2_lab.bench.players.drive_player import DrivePlayer, Heard

FRAME_S = 30.0


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the nodes published of one frame.

    Attributes:
        status: of the frame; "no_answer" when none came.
        reason: of that status.
        map_from_base: (4, 4) where the broadcast transform and odometry put the robot; None when nothing was broadcast.
        truth: (4, 4) where it was.
        latency_s: from the image's stamp to its status.
        num_inliers: of the pose.
        steps: what the latency was spent on, seconds by step.
    """

    status: str
    reason: str
    map_from_base: NDArray[np.float64] | None
    truth: NDArray[np.float64]
    latency_s: float
    num_inliers: int
    steps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Replay:
    """What was heard in a replay: an outcome a frame, and how many map to odom transforms."""

    outcomes: list[Outcome]
    tf_messages: int


def replay_drive(
    drive: DriveBag, map_folder: Path, log_folder: Path, *, device: str, on_frame: Callable[[Outcome], None]
) -> Replay:
    """Start both nodes, replay a drive in lock step, and end the nodes, whatever happens.

    Args:
        drive: to replay.
        map_folder: for localizer_node.
        log_folder: for what the nodes print.
        device: of both nodes.
        on_frame: called with every outcome.

    Raises:
        DependencyError: a node ends, or does not appear on the network.
    """
    with running_nodes(NodeSettings(map_folder, log_folder, device)) as nodes:
        replayer, outcomes = FramePlayer(nodes.player), []
        for number, frame in enumerate(drive.frames()):
            if number == 0:
                nodes.greet(drive.base_from_cam, frame.camera)
            nodes.check()
            outcomes.append(replayer.play(frame))
            on_frame(outcomes[-1])
        return Replay(outcomes, nodes.player.tf_messages)


class FramePlayer:
    """Plays frames as if they happened now, one after the other."""

    def __init__(self, player: DrivePlayer) -> None:
        self._player = player
        self._odometry_until_ns = 0

    def play(self, frame: DriveFrame) -> Outcome:
        """Play one frame and return what the nodes published of it."""
        now_ns, odometry = self.moved_to_now(frame)
        heard: Heard = self._player.play_frame(frame.image, frame.camera, now_ns, odometry, FRAME_S)
        return self.judged(frame, heard)

    def moved_to_now(self, frame: DriveFrame) -> tuple[int, list[OdometrySample]]:
        """Return a stamp for the frame, and odometry around it."""
        now_ns = self._wait_for_turn(frame)
        shift_ns = now_ns - frame.time_ns
        odometry = [OdometrySample(sample.time_ns + shift_ns, sample.odom_from_base) for sample in frame.odometry]
        self._odometry_until_ns = odometry[-1].time_ns
        return now_ns, odometry

    @staticmethod
    def judged(frame: DriveFrame, heard: Heard) -> Outcome:
        """Return what the nodes published of a frame beside the ground truth."""
        told = None if heard.map_from_odom is None else heard.map_from_odom @ frame.odom_from_base
        status, truth = heard.status, frame.map_from_base
        if status is None:
            return Outcome("no_answer", f"no status within {FRAME_S:.0f} s", told, truth, float("nan"), 0)
        steps = dict(zip(status.step_names, map(float, status.step_seconds), strict=True))
        latency_s, num_inliers = float(status.latency_s), int(status.num_inliers)
        return Outcome(status.status, status.reason, told, truth, latency_s, num_inliers, steps)

    def _wait_for_turn(self, frame: DriveFrame) -> int:
        """Return a time for the frame, later than all odometry of the last: a fast machine would overtake that."""
        lead_ns = frame.time_ns - frame.odometry[0].time_ns
        while (now_ns := self._player.now_ns()) - lead_ns <= self._odometry_until_ns:
            time.sleep(0.001)
        return now_ns
