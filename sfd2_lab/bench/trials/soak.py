# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive replayed again and again into the real nodes: is a pose lost, does memory grow?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sfd2_lab.bench.demo.replay import FramePlayer
from sfd2_lab.bench.demo.running_nodes import NodeSettings, running_nodes
from sfd2_lab.bench.trials.latency import latency_row, machine
from sfd2_lab.bench.trials.stage import StageSettings, prepare_stage
from sfd2_ros.core.files import atomic_file
from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation import pose_error
from sfd2_ros.ros.device_memory import resident_mib

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.demo.replay import Outcome

SAMPLE_EVERY_S = 1.0
SETTLED_SHARE = 0.25
FLAT_MIB_PER_HOUR = 64.0
WRONG_M, WRONG_DEG = 0.5, 5.0


@dataclass(frozen=True)
class Slope:
    """A straight line through samples of memory.

    Attributes:
        per_hour_mib: growth.
        error_mib: one standard deviation of that, MiB an hour, with neighbouring samples taken for dependent.
    """

    per_hour_mib: float
    error_mib: float

    @property
    def is_flat(self) -> bool:
        """Whether growth beyond `FLAT_MIB_PER_HOUR` is excluded at two standard deviations."""
        return abs(self.per_hour_mib) + 2 * self.error_mib < FLAT_MIB_PER_HOUR


def soak(
    work: Path,
    minutes: float,
    *,
    device: str,
    is_composed: bool,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """Replay a simulated drive into the nodes, as fast as they answer, for so many minutes.

    Args:
        work: folder for the drive, logs, and samples.
        minutes: how long.
        device: of both nodes.
        is_composed: both nodes in one process.
        progress: called with step, done, total.

    Returns:
        minutes, frames, poses, refused (by status), lost (frames without any answer), wrong (poses further than 0.5 m
        or 5 degrees from the truth), latency_ms, memory (by process: MiB at the start, at the end, slope an hour and
        its uncertainty after the first quarter, is_flat), samples (seconds, MiB by process).
    """
    stage = prepare_stage(work / "drive", StageSettings(device=device), progress)
    frames = list(stage.drive.frames())
    outcomes: list[Outcome] = []
    samples: list[dict[str, float]] = []
    with running_nodes(NodeSettings(stage.map_folder, work / "logs", device, is_composed)) as nodes:
        nodes.greet(stage.drive.base_from_cam, frames[0].camera)
        player, start, seconds = FramePlayer(nodes.player), time.monotonic(), 0.0
        while seconds < minutes * 60:
            # Forth and back, so that the robot never leaps.
            turn = len(outcomes) % (2 * len(frames) - 2)
            outcomes.append(player.play(frames[min(turn, 2 * len(frames) - 2 - turn)]))
            nodes.check()
            seconds = time.monotonic() - start
            if not samples or seconds - samples[-1]["seconds"] >= SAMPLE_EVERY_S:
                memory = {name: resident_mib(each.pid) or 0.0 for name, each in nodes.processes.items()}
                samples.append({"seconds": round(seconds, 2), **memory, "poses": _poses(outcomes)})
            progress("soak", min(int(seconds), int(minutes * 60)), int(minutes * 60))
        names = list(nodes.processes)
    return {**_figures(outcomes, samples, names), "is_composed": is_composed, "device": device, "machine": machine()}


def memory_slope(seconds: NDArray[np.float64], mib: NDArray[np.float64]) -> Slope:
    """Fit a straight line; its uncertainty allows for samples that resemble their neighbours.

    Args:
        seconds: (N,) times, N >= 3.
        mib: (N,) memory.
    """
    design = np.column_stack([np.ones_like(seconds), seconds / 3600])
    solution, *_ = np.linalg.lstsq(design, mib, rcond=None)
    residuals = mib - design @ solution
    variance = float(residuals @ residuals) / max(len(mib) - 2, 1)
    deviation = np.sqrt(variance * np.linalg.inv(design.T @ design)[1, 1])
    # Samples that follow each other are alike: with a correlation r of neighbours, (1 + r) / (1 - r) of them tell as
    # much as one.
    power = float(residuals @ residuals)
    alike = float(np.clip(residuals[1:] @ residuals[:-1] / power, 0.0, 0.98)) if power > 0 else 0.0
    return Slope(float(solution[1]), float(deviation * np.sqrt((1 + alike) / (1 - alike))))


def write_curve(path: Path, figures: dict[str, Any]) -> None:
    """Draw memory and poses over time and write them as PNG."""
    samples = figures["samples"]
    minutes = [sample["seconds"] / 60 for sample in samples]
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(9, 5), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        for name, memory in figures["memory"].items():
            label = f"{name}: {memory['slope_mib_per_hour']:+.1f} ± {2 * memory['slope_error_mib']:.1f} MiB an hour"
            above.plot(minutes, [sample[name] for sample in samples], lw=1.2, label=label)
        above.axvspan(0, minutes[-1] * SETTLED_SHARE, color="#9aa0a6", alpha=0.12, lw=0)
        above.set_ylim(bottom=0)
        above.set_ylabel("resident memory [MiB]")
        above.set_title(
            f"{figures['frames']} frames, {figures['poses']} poses, {figures['wrong']} wrong, {figures['lost']} lost; "
            "slopes after the grey part",
            loc="left",
        )
        above.legend(loc="lower right", frameon=False)
        below.plot(minutes, [sample["poses"] for sample in samples], color="#1f6fb4", lw=1.2)
        below.set_ylabel("poses")
        below.set_xlabel("minutes")
        with atomic_file(path) as temporary:
            figure.savefig(temporary, format="png")


def _figures(outcomes: Sequence[Outcome], samples: Sequence[dict[str, float]], names: Sequence[str]) -> dict[str, Any]:
    refused: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.status not in ("localized", "no_answer"):
            refused[outcome.status] = refused.get(outcome.status, 0) + 1
    return {
        "minutes": round(samples[-1]["seconds"] / 60, 2),
        "frames": len(outcomes),
        "poses": _poses(outcomes),
        "refused": refused,
        "lost": sum(outcome.status == "no_answer" for outcome in outcomes),
        "wrong": sum(_is_wrong(outcome) for outcome in outcomes),
        "latency_ms": latency_row(outcomes)["stamp_to_pose"],
        "memory": {name: _memory(samples, name) for name in names},
        "samples": list(samples),
    }


def _memory(samples: Sequence[dict[str, float]], name: str) -> dict[str, Any]:
    seconds = np.array([sample["seconds"] for sample in samples])
    mib = np.array([sample[name] for sample in samples])
    settled = seconds >= seconds[-1] * SETTLED_SHARE
    slope = memory_slope(seconds[settled], mib[settled])
    return {
        "start_mib": round(float(mib[0]), 1),
        "end_mib": round(float(mib[-1]), 1),
        "slope_mib_per_hour": round(slope.per_hour_mib, 2),
        "slope_error_mib": round(slope.error_mib, 2),
        "is_flat": slope.is_flat,
    }


def _poses(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.map_from_base is not None for outcome in outcomes)


def _is_wrong(outcome: Outcome) -> bool:
    if outcome.map_from_base is None:
        return False
    position_m, rotation_deg = pose_error(inverse(outcome.map_from_base), inverse(outcome.truth))
    return position_m > WRONG_M or rotation_deg > WRONG_DEG
