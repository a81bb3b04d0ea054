# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the stamp of an image to its pose: how long, and on what, of real nodes over real DDS."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_lab.bench.demo.replay import FramePlayer
from sfd2_lab.bench.demo.running_nodes import NodeSettings, running_nodes
from sfd2_lab.bench.trials.stage import StageSettings, prepare_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sfd2_lab.bench.demo.replay import Outcome

WARM_UP = 2
# What the steps of ~/status are in the table; a step that is not named here belongs to the pose solver.
PARTS = {
    "transport": "transport",
    "extraction": "extraction",
    "hand_over": "hand_over",
    "retrieve": "matching",
    "match": "matching",
    "transform": "wait_for_tf",
}
COLUMNS = ("transport", "extraction", "hand_over", "matching", "pnp", "wait_for_tf")


def measure_latency(
    work: Path,
    sizes: Sequence[tuple[int, int]],
    *,
    frames: int,
    device: str,
    progress: Callable[[str, int, int], None],
    model: str = "",
) -> dict[str, Any]:
    """Replay a drive in lock step into both nodes in two processes, then in one, at each size of images.

    Each is done twice: with every frame found again in the whole map (~/relocalize before it), and as the nodes go on
    by themselves from the last pose.

    Args:
        work: folder for the simulated drives and the logs.
        sizes: (w, h) of the images.
        frames: localized a row, after two that are not counted.
        device: of both nodes.
        progress: called with step, done, total.
        model: the network of the map and of the nodes; empty for the default.

    Returns:
        `rows`, one a size, arrangement and mode, in milliseconds; and what machine it was measured on.
    """
    rows, extra = [], {"feature_node": {"model": model}} if model else {}
    for size in sizes:
        name = f"{size[0]}x{size[1]}"
        settings = StageSettings(size=size, query_frames=frames + WARM_UP, device=device, model=model)
        stage = prepare_stage(work / name, settings, progress)
        for is_composed in (False, True):
            arrangement = "composed" if is_composed else "two_processes"
            logs = work / "logs" / f"{name}_{arrangement}"
            with running_nodes(NodeSettings(stage.map_folder, logs, device, is_composed, extra)) as nodes:
                player = FramePlayer(nodes.player)
                for mode in ("relocalizing", "following"):
                    outcomes, before = [], 0.0
                    for number, frame in enumerate(stage.drive.frames()):
                        if number == 0 and mode == "relocalizing":
                            nodes.greet(stage.drive.base_from_cam, frame.camera)
                        if mode == "relocalizing":
                            nodes.player.relocalize()
                        nodes.check()
                        if number == WARM_UP:
                            before = nodes.processor_seconds()
                        outcomes.append(player.play(frame))
                        progress(f"{name} {arrangement} {mode}", number + 1, stage.drive.num_frames)
                    row = {"size": name, "arrangement": arrangement, "mode": mode}
                    spent = (nodes.processor_seconds() - before) / (len(outcomes) - WARM_UP)
                    rows.append({**row, **latency_row(outcomes[WARM_UP:]), "processor_ms": round(1e3 * spent, 1)})
    return {"rows": rows, "device": device, "model": model, "machine": machine()}


def latency_row(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return p50 and p95 in milliseconds over the localized frames, stamp to pose and by part; None without any."""
    localized = [outcome for outcome in outcomes if outcome.map_from_base is not None]
    total = [outcome.latency_s for outcome in localized]
    row: dict[str, Any] = {"frames": len(outcomes), "localized": len(localized), "stamp_to_pose": _spread(total)}
    for part in COLUMNS:
        row[part] = _spread([part_seconds(outcome.steps).get(part, 0.0) for outcome in localized])
    return row


def latency_markdown(figures: Mapping[str, Any]) -> str:
    """Return the rows as a Markdown table, p50 / p95 in milliseconds, with a line on the machine below it."""
    heading = ("size", "nodes", "mode", "localized", "stamp to pose", *(name.replace("_", " ") for name in COLUMNS))
    rows = [
        (
            row["size"],
            row["arrangement"].replace("_", " "),
            {"relocalizing": "searching the map"}.get(row["mode"], row["mode"]),
            f"{row['localized']} of {row['frames']}",
            *(spread_text(row[part]) for part in ("stamp_to_pose", *COLUMNS)),
        )
        for row in figures["rows"]
    ]
    lines = [heading, tuple("---" for _ in heading), *rows]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    found = figures["machine"]
    on = "" if figures["device"] == "cpu" else f", device {figures['device']}"
    return f"{table}\n{found['processor']}, {found['cores']} cores{on}; load average {found['load_average_1min']}.\n"


def spread_text(spread: Mapping[str, float | None]) -> str:
    """Return p50 and p95 in whole milliseconds, or a dash where nothing was localized."""
    return "-" if spread["p50"] is None else f"{spread['p50']:.0f} / {spread['p95']:.0f}"


def part_seconds(steps: dict[str, float]) -> dict[str, float]:
    """Return the seconds of each part of a latency from the steps of ~/status."""
    parts: dict[str, float] = {}
    for step, seconds in steps.items():
        part = PARTS.get(step, "pnp")
        parts[part] = parts.get(part, 0.0) + seconds
    return parts


def machine() -> dict[str, Any]:
    """Return on what machine this runs, and how busy it was."""
    return {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_average_1min": round(os.getloadavg()[0], 2),
    }


def _spread(seconds: Sequence[float]) -> dict[str, float | None]:
    if not seconds:
        return {"p50": None, "p95": None}
    return {name: round(float(np.percentile(seconds, share)) * 1e3, 2) for name, share in (("p50", 50), ("p95", 95))}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123  no file to be opened elsewhere
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
