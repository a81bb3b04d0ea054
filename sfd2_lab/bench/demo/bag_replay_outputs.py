# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files of a replayed bag: figures, poses, and an image of the drive from above."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation import pose_error
from sfd2_ros.mapping.colmap_io import wxyz_from_pose

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_lab.bench.demo.bag_replay import ReplayedBag

REPLAY_MARKER = "replay.json"


def write_replay(folder: Path, replayed: ReplayedBag, figures: dict[str, Any]) -> None:
    """Write replay.json, poses.txt (base_from_map, named by the stamp in nanoseconds) and replay.png."""
    (folder / REPLAY_MARKER).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    lines = [
        " ".join([str(stamp), *(f"{number:.12g}" for number in wxyz_from_pose(inverse(pose)))]) + "\n"
        for stamp, pose in sorted(replayed.poses.items())
    ]
    (folder / "poses.txt").write_text("".join(lines), encoding="utf-8")
    _draw(replayed).savefig(folder / "replay.png", dpi=110)


def _draw(replayed: ReplayedBag) -> Figure:
    figure = Figure(figsize=(11, 4), layout="constrained")
    above, below = figure.subplots(1, 2)
    truth = np.array([pose[:3, 3] for _, pose in sorted(replayed.truth.items())]).reshape(-1, 3)
    told = np.array([pose[:3, 3] for _, pose in sorted(replayed.poses.items())]).reshape(-1, 3)
    above.plot(truth[:, 0], truth[:, 1], "-", color="0.7", lw=3, label="ground truth")
    above.plot(told[:, 0], told[:, 1], "o", color="tab:blue", ms=4, label="published by the localizer")
    above.set(xlabel="east [m]", ylabel="north [m]", aspect="equal", adjustable="datalim")
    above.set_title(f"{', '.join(replayed.cameras)}", loc="left", fontsize=9)
    above.legend(fontsize=8)
    start = min(replayed.stamps_ns)
    seconds, errors_m = [], []
    for stamp, pose in sorted(replayed.poses.items()):
        if stamp in replayed.truth:
            seconds.append((stamp - start) / 1e9)
            errors_m.append(pose_error(inverse(pose), inverse(replayed.truth[stamp]))[0])
    below.semilogy(seconds, errors_m, "o-", ms=3, lw=1, color="tab:orange")
    for metres in (0.25, 0.5):
        below.axhline(metres, color="0.6", lw=1, ls="--")
    silent = [(stamp - start) / 1e9 for stamp in replayed.truth if stamp not in replayed.poses]
    below.plot(silent, [1.0] * len(silent), "x", color="tab:red", ms=4, label="no pose")
    below.set(xlabel="time [s]", ylabel="error [m]")
    below.set_title("distance to the ground truth; dashed: 0.25 m and 0.5 m", loc="left", fontsize=9)
    if silent:
        below.legend(fontsize=8)
    return figure
