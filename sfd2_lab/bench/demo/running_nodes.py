# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes as processes, in a ROS domain of their own, and a player that they listen to."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.demo.drive_bag import NAMES
from sfd2_lab.bench.demo.node_process import NodeProcess
from sfd2_lab.bench.demo.ros_domain import private_domain
from sfd2_lab.bench.players.drive_player import DrivePlayer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

START_S = 120.0
TOLERANCE_S = 1.0
TOLERANCE_NS = int(TOLERANCE_S * 1e9)


@dataclass(frozen=True)
class NodeSettings:
    """How the nodes are started.

    Attributes:
        map_folder: for localizer_node.
        log_folder: for what the nodes print.
        device: of both nodes.
        is_composed: both in one process.
        extra: further parameters, by executable ("feature_node", "localizer_node").
    """

    map_folder: Path
    log_folder: Path
    device: str = "auto"
    is_composed: bool = False
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def start(self, executable: str, log_name: str | None = None) -> NodeProcess:
        """Start "feature_node", "localizer_node" or "composed_nodes"."""
        # A best-effort subscription may lose a large image on its way between two processes.
        features = {"image_reliability": "reliable", **self.extra.get("feature_node", {})}
        localizer: dict[str, Any] = {
            "map": str(self.map_folder.resolve()),
            "transform_tolerance_s": TOLERANCE_S,
            **self.extra.get("localizer_node", {}),
        }
        own = {"feature_node": features, "localizer_node": localizer, "composed_nodes": {**features, **localizer}}
        parameters = {"cameras": [NAMES.camera], "device": self.device, **own[executable]}
        return NodeProcess(executable, parameters, log=self.log_folder / f"{log_name or executable}.log")


@dataclass(eq=False)
class RunningNodes:
    """The nodes and their player.

    Attributes:
        player: what they listen to.
        processes: by executable; a restarted one takes the place of the old one.
        settings: how they were started.
    """

    player: DrivePlayer
    processes: dict[str, NodeProcess]
    settings: NodeSettings

    def check(self) -> None:
        """Check that all run.

        Raises:
            DependencyError: one has ended; gives the last lines that it printed.
        """
        for process in self.processes.values():
            process.check()

    def processor_seconds(self) -> float:
        """Return the processor time that the nodes have used since they started, of all cores; NaN if not on Linux."""
        return sum(process.processor_seconds() for process in self.processes.values())

    def greet(self, base_from_cam: NDArray[np.float64], camera: Any) -> None:
        """Wait for the nodes, tell them where the camera is mounted, and wait for their first answer."""
        self.player.wait_for_nodes(START_S, self.check, is_composed=self.settings.is_composed)
        self.player.publish_mount(base_from_cam)
        self.player.greet(camera, START_S, self.check)


@contextlib.contextmanager
def running_nodes(
    settings: NodeSettings, make_player: Callable[..., DrivePlayer] = DrivePlayer
) -> Iterator[RunningNodes]:
    """Start the nodes in a ROS domain of their own, and end them with the block, whatever happens.

    Args:
        settings: how.
        make_player: DrivePlayer, or a class that takes the same arguments.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(private_domain())
        executables = ["composed_nodes"] if settings.is_composed else ["feature_node", "localizer_node"]
        processes: dict[str, NodeProcess] = {}
        stack.callback(lambda: [process.stop() for process in processes.values()])
        for executable in executables:
            processes[executable] = settings.start(executable)
        player = make_player("/localizer_node", TOLERANCE_NS, NAMES)
        stack.callback(player.close)
        yield RunningNodes(player, processes, settings)


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Return whether a condition came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
