# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which moments of a drive may become keyframes: images of one moment together, then by the robot's motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, rotation_angle_rad

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

TOGETHER_NS = 2_000_000
"""Images of a rig whose stamps differ by less are of one moment: at 10 m/s a robot moves 2 cm meanwhile."""
_SPREAD = 0.2
"""The sharpest moment is looked for within this fraction of the distance between keyframes, before and after."""


@dataclass(frozen=True, eq=False)
class Instant:
    """A moment at which cameras took images.

    Attributes:
        stamp_ns: of the first image.
        images: topic and stamp of each.
        odom_from_base: (4, 4) pose of the robot by odometry.
    """

    stamp_ns: int
    images: tuple[tuple[str, int], ...]
    odom_from_base: NDArray[np.float64]


def group_by_stamp(stamps: Mapping[str, Sequence[int]]) -> list[tuple[tuple[str, int], ...]]:
    """Return the images, topic and stamp, of each moment; a moment has at most one image of a topic."""
    groups: list[list[tuple[str, int]]] = []
    for time_ns, topic in sorted((time_ns, topic) for topic, times in stamps.items() for time_ns in times):
        last = groups[-1] if groups else []
        if last and time_ns - last[0][1] <= TOGETHER_NS and topic not in {name for name, _ in last}:
            last.append((topic, time_ns))
        else:
            groups.append([(topic, time_ns)])
    return [tuple(group) for group in groups]


def offered_instants(instants: Sequence[Instant], *, every_m: float, every_rad: float) -> list[list[Instant]]:
    """Return the moments of which one each is to become a keyframe.

    Moments of different cameras are judged apart, so that cameras that are not triggered together all get keyframes.

    Args:
        instants: in the order of time.
        every_m: distance between keyframes.
        every_rad: turn between keyframes.

    Returns:
        For each keyframe the moments to choose from, in the order of time of the first.
    """
    by_cameras: dict[frozenset[str], list[Instant]] = {}
    for instant in instants:
        by_cameras.setdefault(frozenset(topic for topic, _ in instant.images), []).append(instant)
    offers = [offer for some in by_cameras.values() for offer in _offers(some, every_m, every_rad)]
    return sorted(offers, key=lambda offer: offer[0].stamp_ns)


def _offers(instants: Sequence[Instant], every_m: float, every_rad: float) -> list[list[Instant]]:
    offers: list[list[Instant]] = []
    last: Instant | None = None
    held: list[Instant] = []
    for instant in instants:
        moved = np.inf if last is None else _moved(last, instant, every_m, every_rad)
        if moved < 1 - _SPREAD:
            continue
        if held and moved > 1 + _SPREAD:
            offers.append(held)
            last, held = held[len(held) // 2], []
            if _moved(last, instant, every_m, every_rad) < 1 - _SPREAD:
                continue
        held.append(instant)
        if last is None:
            offers.append(held)
            last, held = instant, []
    return [*offers, held] if held else offers


def _moved(before: Instant, now: Instant, every_m: float, every_rad: float) -> float:
    """Return the motion as a multiple of what a keyframe needs."""
    step = inverse(before.odom_from_base) @ now.odom_from_base
    metres, radians = float(np.linalg.norm(step[:3, 3])), rotation_angle_rad(step)
    return max(metres / every_m if every_m > 0 else np.inf, radians / every_rad if every_rad > 0 else np.inf)
