# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a drive leads: a line along streets and round corners, and the motion along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation.randomness import generator
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_lab.simulation.city_plan import CityPlan

    Line = NDArray[np.float64]

_LANE_M = 1.45
_TURN_RADIUS_M = 8.0
_INDOOR_RADIUS_M = 1.3
_STEP_M = 0.25

_STRAIGHT = ((1, 0), (1, 1), (1, 2), (1, 3), (1, 4))
_LOOP = ((1, 1), (1, 2), (2, 2), (2, 1), (1, 1), (1, 2))
_EIGHT = ((2, 1), (2, 2), (2, 3), (3, 3), (3, 2), (2, 2), (1, 2), (1, 1), (2, 1), (2, 2))
"""Round a block to the right, across its own way, and round another one to the left."""
TWIN_BLOCKS = "twin_blocks"
_NODES = {"street": _STRAIGHT, "loop": _LOOP, "figure_of_eight": _EIGHT, TWIN_BLOCKS: _STRAIGHT}


@dataclass(frozen=True)
class Motion:
    """How a vehicle drives.

    Attributes:
        speed_mps: mean speed, metres a second.
        rate_hz: images a second.
        lateral_m: offset to the left of the middle of its lane, metres.
        seed: decides swaying and changes of speed.
        start_m: where it starts along the route, metres.
    """

    speed_mps: float = 6.0
    rate_hz: float = 4.0
    lateral_m: float = 0.0
    seed: int = 0
    start_m: float = 0.0


STREET_ROUTES = tuple(_NODES)


def route_line(plan: CityPlan, kind: str) -> Line:
    """Return the middle of the right-hand lane of a route as points (N, 2), every 0.25 m.

    Args:
        plan: of the town.
        kind: one of `STREET_ROUTES`: "street" and "twin_blocks" straight on over junctions, "loop" round a block and on
            into its first street again, "figure_of_eight" round two blocks that meet at a junction, which is crossed
            both ways, and on into its first street again.
    """
    nodes = [plan.nodes[node] for node in _NODES[kind]]
    if _NODES[kind] is _STRAIGHT:
        nodes[0] = (nodes[0] * 0.45 + nodes[1] * 0.55) * 1.0
        nodes[-1] = nodes[-1] * 0.45 + nodes[-2] * 0.55
    else:
        nodes[0] = (nodes[0] + nodes[1]) / 2
        nodes[-1] = nodes[-2] * 0.1 + nodes[-1] * 0.9  # some 30 m of the way are driven again
    return _resampled(_rounded(_shifted(nodes), _TURN_RADIUS_M))


def ring_line(corners: Line) -> Line:
    """Return points (N, 2), every 0.25 m, once round a ring of corners (K, 2) and on to the end of its first side."""
    middle = (corners[0] + corners[1]) / 2
    way = [middle, *corners[1:], corners[0], corners[0] * 0.1 + corners[1] * 0.9]
    return _resampled(_rounded(way, _INDOOR_RADIUS_M))


def poses_along(line: Line, motion: Motion, count: int) -> tuple[list[NDArray[np.float64]], list[int]]:
    """Return map_from_base (4, 4) and the stamp in nanoseconds of each image of a drive.

    Args:
        line: (N, 2) from `route_line`.
        motion: speed, offset, seed.
        count: number of images.

    Raises:
        ConfigError: the route is too short for so many images.
    """
    rng = generator(motion.seed, "motion")
    times, place = _places(rng, motion, count)
    length = (len(line) - 1) * _STEP_M
    if count and place[-1] > length - 1:
        fits = int(np.searchsorted(place, length - 1))
        raise ConfigError(f"{count} frames need {place[-1]:.0f} m of a route of {length:.0f} m; allowed here: {fits}")
    sway = motion.lateral_m + 0.22 * _waves(rng, place, (37.0, 16.0))
    x, y, yaw = _on_line(line, place)
    x, y = x - sway * np.sin(yaw), y + sway * np.cos(yaw)
    ahead = 0.1
    turned = 0.22 * (_waves_again(rng, place + ahead) - _waves_again(rng, place)) / ahead
    poses = [
        _base_pose(
            x[k], y[k], yaw[k] + turned[k] * 0.15 + rng.normal(0, 0.004), rng.normal(0, 0.003, 2), rng.normal(0, 0.006)
        )
        for k in range(count)
    ]
    return poses, [round(t * 1e9) for t in times]


def frames_that_fit(line: Line, motion: Motion) -> int:
    """Return the number of images of a drive from its start to the end of a route (N, 2) from `route_line`."""
    length = (len(line) - 1) * _STEP_M
    more_than_enough = int(2 * length / motion.speed_mps * motion.rate_hz) + 2
    _, place = _places(generator(motion.seed, "motion"), motion, more_than_enough)
    return int(np.searchsorted(place, length - 1))


def pose_on_line(line: Line, place_m: float, left_m: float) -> NDArray[np.float64]:
    """Return the (4, 4) pose at a distance along a line, beside it to the left; straight on beyond its ends."""
    length = (len(line) - 1) * _STEP_M
    x, y, yaw = (float(value[0]) for value in _on_line(line, np.array([np.clip(place_m, 0, length)])))
    beyond = place_m - float(np.clip(place_m, 0, length))
    cos, sin = np.cos(yaw), np.sin(yaw)
    pose = np.eye(4)
    pose[:2, :2] = [[cos, -sin], [sin, cos]]
    pose[:2, 3] = x + beyond * cos - left_m * sin, y + beyond * sin + left_m * cos
    return pose


def _places(rng: np.random.Generator, motion: Motion, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the times in seconds and the distances along the route in metres of the images of a drive, (count,)."""
    step_s = 1 / motion.rate_hz
    times = np.arange(count, dtype=np.float64) * step_s
    speed = motion.speed_mps * (1 + 0.15 * _waves(rng, times, (9.0, 4.0)))
    return times, motion.start_m + np.concatenate([[0.0], np.cumsum(speed[1:] * step_s)])


def _waves(rng: np.random.Generator, place: NDArray[np.floating], periods: Sequence[float]) -> NDArray[np.float64]:
    """Return smooth values within about [-1, 1] along a length or a time."""
    parts = [np.sin(2 * np.pi * place / period + rng.uniform(0, 2 * np.pi)) for period in periods]
    return np.asarray(sum(parts) / len(periods), dtype=np.float64)


def _waves_again(rng: np.random.Generator, place: NDArray[np.float64]) -> NDArray[np.float64]:
    del rng
    return np.sin(place / 5.0)


def _base_pose(x: float, y: float, yaw: float, tilt: NDArray[np.float64], rise: float) -> NDArray[np.float64]:
    """Return map_from_base with yaw, and the small roll and pitch (radians) and heave (metres) of springs."""
    roll, pitch = tilt.tolist()
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    roll_turn = np.array([[1, 0, 0], [0, np.cos(roll), -np.sin(roll)], [0, np.sin(roll), np.cos(roll)]])
    pitch_turn = np.array([[np.cos(pitch), 0, np.sin(pitch)], [0, 1, 0], [-np.sin(pitch), 0, np.cos(pitch)]])
    pose = np.eye(4)
    pose[:3, :3] = turn @ pitch_turn @ roll_turn
    pose[:3, 3] = x, y, rise
    return pose


def _on_line(
    line: Line, place: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    along = np.arange(len(line)) * _STEP_M
    x, y = np.interp(place, along, line[:, 0]), np.interp(place, along, line[:, 1])
    span = 1.0
    ahead_x, ahead_y = np.interp(place + span, along, line[:, 0]), np.interp(place + span, along, line[:, 1])
    back_x, back_y = np.interp(place - span, along, line[:, 0]), np.interp(place - span, along, line[:, 1])
    return x, y, np.arctan2(ahead_y - back_y, ahead_x - back_x)


def _shifted(nodes: Sequence[Line]) -> list[Line]:
    """Move a polyline to the right by half a lane."""
    moved: list[Line] = []
    for k in range(len(nodes)):
        before = nodes[k] - nodes[k - 1] if k else nodes[1] - nodes[0]
        after = nodes[k + 1] - nodes[k] if k + 1 < len(nodes) else before
        before, after = before / np.linalg.norm(before), after / np.linalg.norm(after)
        rights = np.array([(before[1], -before[0]), (after[1], -after[0])])
        # The moved corner keeps the lane's distance from both streets.
        moved.append(nodes[k] + np.linalg.lstsq(rights, np.full(2, _LANE_M), rcond=None)[0])
    return moved


def _rounded(corners: Sequence[Line], radius_m: float) -> Line:
    """Replace corners by smooth bends of about a radius."""
    points = [corners[0]]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        into, out = (
            (corner - before) / np.linalg.norm(corner - before),
            (after - corner) / np.linalg.norm(after - corner),
        )
        bend = float(np.arccos(np.clip(into @ out, -1, 1)))
        cut = min(radius_m * float(np.tan(bend / 2)), 15.0)
        first, last = corner - into * cut, corner + out * cut
        shares = np.linspace(0, 1, 24)[:, None]
        # A quadratic curve turns smoothly and meets both straights in their direction.
        points.extend((1 - shares) ** 2 * first + 2 * shares * (1 - shares) * corner + shares**2 * last)
    points.append(corners[-1])
    return np.array(points)


def _resampled(points: Line) -> Line:
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    places = np.arange(0, along[-1], _STEP_M)
    return np.stack([np.interp(places, along, points[:, 0]), np.interp(places, along, points[:, 1])], 1)
