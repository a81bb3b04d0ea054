# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A plan of a map: landmarks by stability and the ways of the cameras from above, with a scale bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.mapping.sessions import image_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.mapping.map_store import Map

    Picture = NDArray[np.uint8]

PLAN_PX = 1600
"""Longest side of a plan: it fits a screen, and a centimetre of a block of houses is still no pixel."""
SESSION_COLOURS = (
    (0, 0, 0),
    (213, 94, 0),
    (0, 114, 178),
    (204, 121, 167),
    (0, 158, 115),
    (230, 159, 0),
    (86, 180, 233),
)
"""RGB, after Okabe and Ito, who chose them for the colour-blind; black first, as most maps have one session."""
STABLE, UNSTABLE = np.array([20.0, 120.0, 150.0]), np.array([225.0, 110.0, 30.0])
_UP_LIMIT = np.cos(np.radians(30.0))
"""A map whose cameras are upright within this angle to its z axis is drawn with x to the right and y upwards."""
_MARGIN_SHARE, _KEPT_SHARE = 0.06, 0.98
"""Margin as a fraction of the extent; and of the landmarks those in view along an axis: few are far off, by mistake."""
_REACH, _REACH_MEDIANS = 0.35, 2.0
"""How far beyond the cameras landmarks are drawn: of the cameras' extent, or of the usual distance. Not tuned."""
_GAP_STEPS = 8.0
"""Cameras are joined by a line unless they are this many usual steps apart: images in between were not mapped."""
_BAR_SHARE, _LEGEND_PX, _LINE_PX = 0.2, 90, 26
"""Length of the scale bar, of the width; height of the legend and of its lines."""
_MANY = 20_000
"""Landmarks of a plan from which on they are drawn smaller. Not tuned."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, eq=False)
class PlanView:
    """Where places of a map lie in the image of a plan.

    Attributes:
        plane_from_map: (2, 3) unit axes of the plan in the map, to its right and upwards.
        low: (2,) the lower left corner on the plan, units of the map.
        px_per_unit: scale.
        size: (h, w) of the image, pixels.
    """

    plane_from_map: NDArray[np.float64]
    low: NDArray[np.float64]
    px_per_unit: float
    size: tuple[int, int]

    def pixels(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (N, 2) pixels x, y of (N, 3) places in the map."""
        right = (places @ self.plane_from_map.T - self.low) * self.px_per_unit
        return np.column_stack([right[:, 0], self.size[0] - 1 - right[:, 1]])


def draw_plan(opened: Map, *, longest_px: int = PLAN_PX) -> Picture:
    """Draw a plan of a map, (h, w, 3) uint8 RGB.

    Args:
        opened: the map.
        longest_px: of its sides, without the legend.
    """
    poses = np.array([inverse(one.cam_from_world) for one in opened.images])
    view = plan_view(poses, opened.landmarks.positions, longest_px)
    picture = np.full((*view.size, 3), 255, np.uint8)
    _draw_landmarks(picture, view, opened.landmarks.positions, opened.landmarks.stability)
    labels, sessions = image_sessions([one.name for one in opened.images])
    for number in range(len(labels)):
        _draw_cameras(picture, view, poses[sessions == number], _colour_of(number))
    counts = np.bincount(sessions, minlength=len(labels))
    _draw_bar(picture, view, "m" if opened.units == "metres" else "units (arbitrary)")
    title = f"{opened.folder.name}: {len(opened.images)} images, {len(opened.landmarks)} landmarks"
    return np.concatenate([picture, _legend(picture.shape[1], title, labels, counts)])


def plan_view(poses: NDArray[np.float64], positions: NDArray[np.float64], longest_px: int) -> PlanView:
    """Choose the view from above that shows all cameras and the landmarks round them.

    Args:
        poses: (I, 4, 4) map_from_cam.
        positions: (L, 3) landmarks.
        longest_px: of the sides of the image.
    """
    plane = _plane(poses)
    centres, places = poses[:, :3, 3] @ plane.T, positions[np.isfinite(positions).all(axis=1)] @ plane.T
    low, high = centres.min(axis=0), centres.max(axis=0)
    if len(places):
        usual = np.quantile(places, [(1 - _KEPT_SHARE) / 2, (1 + _KEPT_SHARE) / 2], axis=0)
        beside = np.linalg.norm(np.maximum(np.maximum(low - places, places - high), 0.0), axis=1)
        reach = max(_REACH * float((high - low).max()), _REACH_MEDIANS * float(np.median(beside)))
        low, high = (
            np.minimum(low, np.maximum(usual[0], low - reach)),
            np.maximum(high, np.minimum(usual[1], high + reach)),
        )
    extent = max(float((high - low).max()), 1e-6)
    low, high = low - _MARGIN_SHARE * extent, high + _MARGIN_SHARE * extent
    scale = longest_px / float((high - low).max())
    width, height = np.maximum(np.ceil((high - low) * scale).astype(int), longest_px // 4)
    spare = (np.array([width, height]) / scale - (high - low)) / 2
    return PlanView(plane, low - spare, scale, (int(height), int(width)))


def bar_length(widest: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, ... (and 0.5, 0.2, ...) that is at most `widest`."""
    power = 10.0 ** np.floor(np.log10(widest))
    return float(max(step * power for step in (1.0, 2.0, 5.0) if step * power <= widest * (1 + 1e-9)))


def _plane(poses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (2, 3) axes of the plan: x and y of a map whose z is up, else the plane that the cameras stand on."""
    up = -poses[:, :3, 1].mean(axis=0)
    up = up / max(float(np.linalg.norm(up)), 1e-9)
    if up[2] > _UP_LIMIT:
        return np.eye(3)[:2]
    centres = poses[:, :3, 3] - poses[:, :3, 3].mean(axis=0)
    flat = centres @ (np.eye(3) - np.outer(up, up))
    right = np.linalg.svd(np.concatenate([flat, 1e-9 * poses[0, :3, :1].T]))[2][0]
    right = right - up * (up @ right)
    right = right / np.linalg.norm(right)
    return np.stack([right, np.cross(up, right)])


def _colour_of(session: int) -> tuple[int, int, int]:
    return SESSION_COLOURS[session % len(SESSION_COLOURS)]


def _draw_landmarks(
    picture: Picture, view: PlanView, positions: NDArray[np.float64], stability: NDArray[np.float32]
) -> None:
    """Colour each pixel by the mean stability of its landmarks; pixels with more landmarks are darker."""
    finite = np.isfinite(positions).all(axis=1)
    pixels = np.round(view.pixels(positions[finite])).astype(np.int64)
    shares = np.clip(np.nan_to_num(stability[finite].astype(np.float64)), 0.0, 1.0)
    total, count = np.zeros(view.size), np.zeros(view.size)
    side = 3 if len(pixels) < _MANY else 2  # single pixels are hardly seen
    for dx, dy in np.ndindex(side, side):
        x, y = pixels[:, 0] + dx, pixels[:, 1] + dy
        is_in = (x >= 0) & (y >= 0) & (x < view.size[1]) & (y < view.size[0])
        np.add.at(total, (y[is_in], x[is_in]), shares[is_in])
        np.add.at(count, (y[is_in], x[is_in]), 1)
    drawn = count > 0
    colour = UNSTABLE + (total[drawn] / count[drawn])[:, None] * (STABLE - UNSTABLE)
    ink = np.clip(0.45 + 0.2 * count[drawn], 0, 1)[:, None]
    picture[drawn] = (255 + ink * (colour - 255)).astype(np.uint8)


def _draw_cameras(picture: Picture, view: PlanView, poses: NDArray[np.float64], colour: tuple[int, int, int]) -> None:
    """Draw a dot and the direction of view of each camera (N, 4, 4), and lines between successive ones."""
    pixels = view.pixels(poses[:, :3, 3])
    steps = np.linalg.norm(np.diff(pixels, axis=0), axis=1)
    usual = float(np.median(steps)) if len(steps) else 0.0
    for start, end, step in zip(pixels, pixels[1:], steps, strict=False):
        if step <= max(_GAP_STEPS * usual, 1.0):
            cv2.line(picture, _point(start), _point(end), colour, 1, cv2.LINE_AA)
    length = max(view.size) / 120
    ahead = poses[:, :3, 2] @ view.plane_from_map.T
    for pixel, direction in zip(pixels, ahead, strict=True):
        tip = pixel + length * np.array([direction[0], -direction[1]])
        cv2.line(picture, _point(pixel), _point(tip), colour, 1, cv2.LINE_AA)
        cv2.circle(picture, _point(pixel), 2, colour, -1, cv2.LINE_AA)


def _draw_bar(picture: Picture, view: PlanView, unit: str) -> None:
    """Draw the scale bar into the lower left corner."""
    length = bar_length(_BAR_SHARE * view.size[1] / view.px_per_unit)
    start, y = 20, view.size[0] - 20
    end = round(start + length * view.px_per_unit)
    cv2.line(picture, (start, y), (end, y), (0, 0, 0), 3)
    for x in (start, end):
        cv2.line(picture, (x, y - 6), (x, y + 6), (0, 0, 0), 2)
    _write(picture, f"{length:g} {unit}", (start, y - 12))


def _legend(width: int, title: str, labels: Sequence[str], counts: NDArray[np.int64]) -> Picture:
    """Draw what the colours mean, below the plan."""
    height = _LEGEND_PX + _LINE_PX * max(len(labels) - 1, 0)
    legend = np.full((height, width, 3), 245, np.uint8)
    _write(legend, title, (20, _LINE_PX))
    shares = np.linspace(0, 1, 120)[None, :, None]
    y = _LINE_PX + 14
    legend[y : y + 14, 20:140] = (UNSTABLE + shares * (STABLE - UNSTABLE)).astype(np.uint8)
    _write(legend, "landmarks: stability 0 to 1", (150, y + 13))
    for number, (label, count) in enumerate(zip(labels, counts, strict=True)):
        line = y + 13 + _LINE_PX * (number + 1)
        cv2.line(legend, (20, line - 5), (140, line - 5), _colour_of(number), 3, cv2.LINE_AA)
        _write(legend, f"cameras{f' of {label}' if label else ''}: {count}", (150, line))
    return legend


def _write(picture: Picture, text: str, place: tuple[int, int]) -> None:
    plain = text.encode("ascii", "replace").decode()  # OpenCV's letters
    cv2.putText(picture, plain, place, _FONT, 0.55, (20, 20, 20), 1, cv2.LINE_AA)


def _point(pixel: NDArray[np.float64]) -> tuple[int, int]:
    return round(pixel[0]), round(pixel[1])
