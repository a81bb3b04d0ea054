# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One image of a demo run: the drive from above, an image with its keypoints, errors and latencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sfd2_ros.core.files import atomic_file
from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation import pose_error
from sfd2_ros.features.overlay import draw_features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.demo.replay import Outcome
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping import Map

BLUE, ORANGE, GREY, RED = "#1f6fb4", "#e07b00", "#9aa0a6", "#c62828"
MARGIN_M = 10.0
PLAN_ASPECT = 2.8


def write_picture(
    path: Path, outcomes: Sequence[Outcome], map_: Map, image: NDArray[np.uint8], features: Features
) -> None:
    """Draw a run and write it as PNG.

    Args:
        path: file to write.
        outcomes: of the frames, in order.
        map_: that was localized in.
        image: (H, W, 3) uint8 RGB, a frame of the drive.
        features: of that frame.
    """
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(12, 8), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(3, 2, width_ratios=[1.4, 1], height_ratios=[1.7, 0.7, 0.7])
        _draw_plan(figure.add_subplot(grid[0, :]), outcomes, map_)
        _draw_image(figure.add_subplot(grid[1:, 0]), image, features)
        _draw_errors(figure.add_subplot(grid[1, 1]), outcomes)
        _draw_latencies(figure.add_subplot(grid[2, 1]), outcomes)
        with atomic_file(path) as temporary:
            figure.savefig(temporary, format="png")


def _draw_plan(axes: Any, outcomes: Sequence[Outcome], map_: Map) -> None:
    """Draw landmarks, truth and published poses, seen along its own up axis: a map's z need not be up."""
    plane = _ground_plane(outcomes)
    truth = np.array([outcome.truth[:3, 3] for outcome in outcomes]) @ plane.T
    told = (
        np.array([one.map_from_base[:3, 3] for one in outcomes if one.map_from_base is not None]).reshape(-1, 3)
        @ plane.T
    )
    refused = truth[[outcome.map_from_base is None for outcome in outcomes]]
    landmarks = map_.landmarks.positions @ plane.T
    mapped = np.array([inverse(image.cam_from_world)[:3, 3] for image in map_.images]) @ plane.T
    axes.scatter(*landmarks.T, s=2, color=GREY, alpha=0.5, linewidths=0, label="landmarks", rasterized=True)
    axes.plot(*mapped.T, "+", ms=5, color=GREY, mew=1.0, label="mapping images")
    axes.plot(*truth.T, "-", lw=1.2, color=BLUE, label="ground truth")
    axes.plot(*told.T, "o", ms=4.5, mfc="none", mew=1.4, color=ORANGE, label="published on TF")
    if len(refused):
        axes.plot(*refused.T, "x", ms=6, color=RED, label="rejected")
    lines = np.concatenate([truth, mapped])
    (left, bottom), (right, top) = lines.min(axis=0) - MARGIN_M, lines.max(axis=0) + MARGIN_M
    # Widened to the shape of the axes below: matplotlib fulfils one fixed limit and the aspect, not two.
    centre, half_height = (left + right) / 2, (top - bottom) / 2
    half_width = max((right - left) / 2, PLAN_ASPECT * half_height)
    axes.set_xlim(centre - half_width, centre + half_width)
    axes.set_ylim((bottom + top) / 2 - half_width / PLAN_ASPECT, (bottom + top) / 2 + half_width / PLAN_ASPECT)
    axes.set_aspect("equal")
    axes.set_xlabel("ahead [m]")
    axes.set_ylabel("left [m]")
    axes.set_title("the drive from above", loc="left")
    axes.legend(loc="upper left", ncols=5, frameon=True, framealpha=0.9, markerscale=1.5)


def _ground_plane(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """Return (2, 3) unit axes of the ground in the map: ahead of the first pose, and left of it."""
    up = np.mean([outcome.truth[:3, 2] for outcome in outcomes], axis=0)
    up /= np.linalg.norm(up)
    ahead = outcomes[-1].truth[:3, 3] - outcomes[0].truth[:3, 3]
    if np.linalg.norm(ahead) < 1.0:  # a loop, or a standing robot
        ahead = outcomes[0].truth[:3, 0]
    ahead = ahead - up * (up @ ahead)
    ahead /= np.linalg.norm(ahead)
    return np.stack([ahead, np.cross(up, ahead)])


def _draw_image(axes: Any, image: NDArray[np.uint8], features: Features) -> None:
    axes.imshow(draw_features(image, features))
    axes.set_axis_off()
    axes.set_title(f"{len(features)} keypoints, coloured by stability", loc="left")


def _draw_errors(axes: Any, outcomes: Sequence[Outcome]) -> None:
    told = [(number, one) for number, one in enumerate(outcomes) if one.map_from_base is not None]
    errors_m = [
        pose_error(inverse(one.map_from_base), inverse(one.truth))[0]
        for _, one in told
        if one.map_from_base is not None
    ]
    axes.plot([number for number, _ in told], errors_m, "o-", ms=3, lw=1, color=ORANGE)
    axes.axhline(0.25, color=GREY, lw=1, ls="--")
    axes.set_yscale("log")
    axes.set_ylabel("error [m]")
    axes.set_title("distance to the ground truth; dashed: 0.25 m", loc="left")


def _draw_latencies(axes: Any, outcomes: Sequence[Outcome]) -> None:
    axes.plot([outcome.latency_s * 1e3 for outcome in outcomes], "o-", ms=3, lw=1, color=BLUE)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("frame")
    axes.set_ylabel("latency [ms]")
    axes.set_title("stamp of the image to its pose", loc="left")
