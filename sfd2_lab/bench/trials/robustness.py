# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the nodes survive: each fault done to real nodes over real DDS, a good frame before it and good frames after."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

from sfd2_lab.bench.demo.running_nodes import START_S, NodeSettings, RunningNodes, running_nodes
from sfd2_lab.bench.players.fault_player import FaultPlayer
from sfd2_lab.bench.trials.camera_faults import RIG, run_camera_faults
from sfd2_lab.bench.trials.faults import RUNNING, Seen, refused
from sfd2_lab.bench.trials.stand import Stand, is_false, is_right
from sfd2_lab.bench.trials.start_faults import row, run_start_faults
from sfd2_lab.simulation import DriveConfig, render_drive
from sfd2_ros.bags.read_poses import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sfd2_lab.bench.demo.replay import Outcome
    from sfd2_lab.bench.trials.stage import Stage

FOREIGN_SEED = 907
OTHER_STEPS = 10
"""Calls of `on_fault` beside those of a running robot: 2 restarts, 2 of the clock, cameras, 5 at the start."""
_BLIND_FRAMES, _BLIND_WAIT_S = 20, 4.0
CLOCK_START_NS = 1_700_000_000 * NS_PER_S


def run_faults(
    stage: Stage,
    logs: Path,
    *,
    device: str,
    names: Sequence[str] | None = None,
    on_fault: Callable[[str], None] = lambda _name: None,
) -> tuple[list[dict[str, Any]], int]:
    """Do every fault to the nodes.

    Args:
        stage: drive and map.
        logs: folder for what the nodes print.
        device: of both nodes.
        names: of the faults of a running robot; None for all, and then those of time, restart and start too.
        on_fault: called with the name of each.

    Returns:
        The rows, and how many false poses (0.5 m or 5 degrees off) were told in all of them.
    """
    rows, false_poses = [], 0
    settings = NodeSettings(stage.map_folder, logs, device)
    foreign = _foreign_images()
    with running_nodes(settings, FaultPlayer) as nodes:
        stand = _stand(nodes, stage, foreign)
        for name in names or RUNNING:
            on_fault(name)
            rows.append(_run(name, RUNNING[name], stand))
        if names is None:
            for executable in ("localizer_node", "feature_node"):
                on_fault(f"{executable} killed and restarted")
                rows += _restart(executable, stand)
        false_poses += sum(map(is_false, stand.heard))
    if names is not None:
        return rows, false_poses
    sim_time = {name: {"use_sim_time": True} for name in ("feature_node", "localizer_node")}
    with running_nodes(NodeSettings(stage.map_folder, logs / "sim_time", device, extra=sim_time), FaultPlayer) as nodes:
        stand = _stand(nodes, stage, foreign)
        for name, act in (("clock jumps back", _clock_back), ("bag in a loop with sim time", _bag_loop)):
            on_fault(name)
            rows.append(_run_with_clock(name, act, stand))
        false_poses += sum(map(is_false, stand.heard))
    on_fault("cameras out of step")
    rig = NodeSettings(stage.map_folder, logs / "rig", device, extra=RIG)
    with running_nodes(rig, FaultPlayer) as nodes:
        stand = _stand(nodes, stage, foreign)
        rows += run_camera_faults(stand)
        false_poses += sum(map(is_false, stand.heard))
    rows += run_start_faults(stage.map_folder, logs, on_fault)
    return rows, false_poses


def _stand(nodes: RunningNodes, stage: Stage, foreign: Sequence[Any]) -> Stand:
    frames = list(stage.drive.frames())
    player = nodes.player
    if not isinstance(player, FaultPlayer):
        raise TypeError("a stand needs a FaultPlayer")
    nodes.greet(stage.drive.base_from_cam, frames[0].camera)
    return Stand(nodes, player, frames, foreign, stage.drive.base_from_cam)


def _run(name: str, act: Callable[[Stand], Seen], stand: Stand) -> dict[str, Any]:
    """Do one fault between good frames."""
    before = stand.recover()
    seen = act(stand)
    recovery_s = stand.recover()
    stand.nodes.check()
    tracebacks = [process.executable for process in stand.nodes.processes.values() if "Traceback" in process.output()]
    words = seen.words + (f"; traceback in {', '.join(tracebacks)}" if tracebacks else "")
    survived = seen.is_right and not tracebacks and max(before, recovery_s) < float("inf")
    return row(name, survived=survived, observed=words, recovery_s=recovery_s)


def _restart(executable: str, stand: Stand) -> list[dict[str, Any]]:
    """Kill a node and start it again; recovery counts from its start, so it has the loading in it.

    A feature node that was just started has heard no camera_info, which is a fault of its own.
    """
    nodes = stand.nodes
    before = stand.recover()
    nodes.processes[executable].stop(signal.SIGKILL)
    started = time.monotonic()
    nodes.processes[executable] = nodes.settings.start(executable, f"{executable}_again")
    nodes.player.wait_for_nodes(START_S, nodes.check)
    nodes.player.publish_mount(stand.base_from_cam)
    blind = _without_info(stand) if executable == "feature_node" else None
    nodes.player.greet(stand.frames[0].camera, START_S, nodes.check)
    after = stand.recover()
    recovery_s = time.monotonic() - started
    words = f"killed by SIGKILL, started again; localized {recovery_s:.1f} s after the start, loading included"
    name = f"{executable} killed and restarted"
    rows = [row(name, survived=max(before, after) < float("inf"), observed=words, recovery_s=recovery_s)]
    if blind is not None:
        survived = blind.is_right and after < float("inf")
        rows.append(row("no camera_info", survived=survived, observed=blind.words, recovery_s=after))
    return rows


def _without_info(stand: Stand) -> Seen:
    """Play images without camera_info until the node answers one."""
    seen = Seen(is_right=False, words="no answer")
    for _ in range(_BLIND_FRAMES):
        # An image that is sent before the new node is known everywhere is lost; a camera sends the next one.
        outcome = stand.play(stand.next_frame(), has_info=False, wait_s=_BLIND_WAIT_S)
        seen = refused(outcome, "no_camera_info")
        if seen.is_right:
            break
    return seen


def _run_with_clock(name: str, act: Callable[[Stand], tuple[Seen, float]], stand: Stand) -> dict[str, Any]:
    seen, recovery_s = act(stand)
    stand.nodes.check()
    return row(name, survived=seen.is_right, observed=seen.words, recovery_s=recovery_s)


def _at(stand: Stand, number: int, time_ns: int) -> Outcome:
    """Step the clock to a time and play a frame with that stamp."""
    stand.player.publish_clock(time_ns + NS_PER_S // 10)
    return stand.play(stand.frames[number], stamp_ns=time_ns)


def _clock_back(stand: Stand) -> tuple[Seen, float]:
    """Time runs, jumps back by a minute, and runs on; recovery counts from the jump."""
    before, _ = _run_on(stand, CLOCK_START_NS + 100 * NS_PER_S, 0)
    after, recovery_s = _run_on(stand, CLOCK_START_NS + 40 * NS_PER_S, 3)
    words = f"before {_statuses(before)}; a minute back: {_statuses(after)}"
    return Seen(is_right(before[-1]) and is_right(after[-1]), words), recovery_s


def _bag_loop(stand: Stand) -> tuple[Seen, float]:
    """The same stamps again and again, as `ros2 bag play --loop --clock` has them; recovery is the longest."""
    rounds = [_run_on(stand, CLOCK_START_NS, 0) for _ in range(3)]
    words = "; ".join(_statuses(outcomes) for outcomes, _ in rounds)
    return Seen(all(is_right(outcomes[-1]) for outcomes, _ in rounds), words), max(each for _, each in rounds[1:])


def _run_on(stand: Stand, time_ns: int, number: int) -> tuple[list[Outcome], float]:
    """Play three frames a second apart; return what was said, and the seconds until the first right pose."""
    started, recovery_s = time.monotonic(), float("inf")
    outcomes = []
    for i in range(3):
        outcomes.append(_at(stand, number + i, time_ns + i * NS_PER_S))
        if is_right(outcomes[-1]):
            recovery_s = min(recovery_s, time.monotonic() - started)
    return outcomes, recovery_s


def _statuses(outcomes: Sequence[Outcome]) -> str:
    return ", ".join(outcome.status for outcome in outcomes)


def _foreign_images() -> list[Any]:
    return [frame.image for frame in render_drive(DriveConfig(seed=FOREIGN_SEED, frames=4))]
