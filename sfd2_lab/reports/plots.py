# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plots of an evaluation: trajectory, errors over time, recall and inliers by condition, keypoints by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation.metrics import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sfd2_lab.reports.keypoint_classes import ClassShare
    from sfd2_ros.evaluation.conditions import GroupScores
    from sfd2_ros.evaluation.outcomes import Outcome

BLUE, ORANGE, GREY, RED = "#1f6fb4", "#e07b00", "#9aa0a6", "#c62828"
_SHADES = ("#0b3c66", "#1f6fb4", "#8fbde3")
# Okabe and Ito: told apart by the colour-blind too.
_SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f")
_SPARE_M = 0.05


def draw_trajectory(
    axes: Any, estimated: Mapping[str, NDArray[np.float64]], reference: Mapping[str, NDArray[np.float64]]
) -> None:
    """Draw where the cameras were and where they were found, from above; a line joins the two.

    Args:
        axes: matplotlib's.
        estimated: cam_from_map by name.
        reference: cam_from_map by name, at least one.
    """
    plane = _ground_plane(list(reference.values()))
    names = [name for name in reference if name in estimated]
    truth = _centres(reference.values()) @ plane.T
    paired = _centres([reference[name] for name in names]) @ plane.T
    found = _centres([estimated[name] for name in names]) @ plane.T
    refused = _centres([pose for name, pose in reference.items() if name not in estimated]) @ plane.T
    for start, end in zip(paired, found, strict=True):
        axes.plot(*np.stack([start, end]).T, lw=0.8, color=ORANGE)
    axes.plot(*truth.T, "o", ms=5, mfc="none", mec=BLUE, label="reference")
    axes.plot(*found.T, ".", ms=5, color=ORANGE, label="found")
    if len(refused):
        axes.plot(*refused.T, "x", ms=6, color=RED, label="no pose")
    _frame(axes, truth)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlabel("along [m]")
    axes.set_ylabel("across [m]")
    axes.legend(loc="best", fontsize=8)


def _frame(axes: Any, truth: NDArray[np.float64]) -> None:
    """Frame the reference: one pose that is miles off must not make a dot of all others."""
    low, high = truth.min(axis=0), truth.max(axis=0)
    spare = max(float((high - low).max()) * 0.12, 1.0)
    axes.set_xlim(low[0] - spare, high[0] + spare)
    axes.set_ylim(low[1] - spare, high[1] + spare)


def _centres(poses: Any) -> NDArray[np.float64]:
    return np.array([inverse(pose)[:3, 3] for pose in poses]).reshape(-1, 3)


def _ground_plane(poses: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return (2, 3) unit axes of the plane that the cameras stand on: the longest way first, its left second."""
    up = -np.mean([pose[1, :3] for pose in poses], axis=0)
    up = up / max(float(np.linalg.norm(up)), 1e-9)
    centres = _centres(poses)
    flat = (centres - centres.mean(axis=0)) @ (np.eye(3) - np.outer(up, up))
    ahead = np.linalg.svd(flat)[2][0] if np.abs(flat).max() > _SPARE_M else inverse(poses[0])[:3, 0]
    ahead = ahead - up * (up @ ahead)
    ahead = ahead / max(float(np.linalg.norm(ahead)), 1e-9)
    return np.stack([ahead, np.cross(up, ahead)])


def draw_errors(axes: Any, outcomes: Sequence[Outcome]) -> None:
    """Draw the position errors in the order of time, or of the list, on a logarithmic scale; rejections on the rim."""
    queries = [one for one in outcomes if not one.is_foreign]
    if all(one.stamp_ns is not None for one in queries):
        queries.sort(key=lambda one: one.stamp_ns or 0)
    for number, condition in enumerate(dict.fromkeys(one.condition for one in queries)):
        colour = _SERIES[number % len(_SERIES)]
        members = [(place, one) for place, one in enumerate(queries) if one.condition == condition]
        found = [(place, max(one.position_m, 1e-4)) for place, one in members if one.position_m is not None]
        axes.plot(*np.array(found).reshape(-1, 2).T, ".-", ms=5, lw=0.7, color=colour, label=condition)
        lost = [place for place, one in members if not one.has_pose]
        axes.plot(lost, [1.0] * len(lost), "x", ms=5, color=colour, transform=axes.get_xaxis_transform(), clip_on=False)
    for metres, _ in THRESHOLDS:
        axes.axhline(metres, color=GREY, lw=0.8, ls="--")
    axes.set_yscale("log")
    axes.set_xlabel("query")
    axes.set_ylabel("distance to the reference [m]")
    axes.legend(loc="best", fontsize=8)


def draw_recall(axes: Any, groups: Sequence[GroupScores]) -> None:
    """Draw recall at the three thresholds by condition."""
    width = 0.27
    for number, (metres, degrees) in enumerate(THRESHOLDS):
        places = np.arange(len(groups)) + (number - 1) * width
        shares = [100 * group.scores.recall[number] for group in groups]
        bars = axes.bar(places, shares, width * 0.92, color=_SHADES[number], label=f"{metres:g} m, {degrees:g}°")
        axes.bar_label(bars, fmt="%.0f", fontsize=7, padding=1)
    axes.set_xticks(range(len(groups)), [group.condition for group in groups])
    axes.set_ylim(0, 108)
    axes.set_ylabel("queries within [%]")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8, frameon=False)


def draw_inliers(axes: Any, outcomes: Sequence[Outcome]) -> None:
    """Draw the spread of the inliers of localized queries by condition."""
    counts: dict[str, list[int]] = {}
    for one in outcomes:
        if one.has_pose and one.inliers is not None and not one.is_foreign:
            counts.setdefault(one.condition, []).append(one.inliers)
    axes.boxplot(list(counts.values()), widths=0.5, medianprops={"color": ORANGE})
    axes.set_xticks(range(1, len(counts) + 1), list(counts))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("inliers")


def draw_classes(axes: Any, shares: Sequence[ClassShare]) -> None:
    """Draw the fraction of keypoints on each class: lasting ones blue, others red."""
    shown = shares[::-1]
    colours = [BLUE if share.is_stable else RED for share in shown]
    bars = axes.barh([share.name for share in shown], [100 * share.fraction for share in shown], color=colours)
    axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=2)
    axes.set_xlabel("keypoints [%]; blue: long-term, red: unstable")
