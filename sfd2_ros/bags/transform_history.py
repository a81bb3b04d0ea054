# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A tree of frames through time, for machines whose ROS has no tf2_ros: interpolates, never extrapolates."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector, vector_from_rotation

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TransformUnavailableError(Exception):
    """Two frames are not connected at the wanted time, as far as is known now; what is missing may still arrive."""


@dataclass
class _Edge:
    """What is known of one frame in its parent: samples by time, or one sample for all times."""

    parent: str
    is_static: bool
    stamps_ns: list[int] = field(default_factory=list)
    samples: list[NDArray[np.float64]] = field(default_factory=list)


class TransformHistory:
    """Remembers transforms and answers for a moment in between.

    Args:
        duration_s: samples older than this before the newest of their edge are forgotten.
    """

    def __init__(self, duration_s: float = 10.0) -> None:
        self._duration_ns = int(duration_s * NS_PER_S)
        self._edges: dict[str, _Edge] = {}

    def insert(
        self, parent: str, child: str, stamp_ns: int, parent_from_child: NDArray[np.float64], *, is_static: bool
    ) -> None:
        """Add a sample; a frame that changes its parent, or begins or ceases to be static, starts anew.

        A transform from a frame to itself is ignored, as tf2 does. Slashes before the names of frames mean nothing.
        """
        parent, child = parent.lstrip("/"), child.lstrip("/")
        if parent == child:
            return
        edge = self._edges.get(child)
        if edge is None or edge.parent != parent or edge.is_static != is_static or is_static:
            edge = self._edges[child] = _Edge(parent, is_static)
        if edge.stamps_ns and stamp_ns < edge.stamps_ns[-1] - self._duration_ns:  # time jumped back: a bag in a loop
            edge.stamps_ns.clear()
            edge.samples.clear()
        place = bisect.bisect_left(edge.stamps_ns, stamp_ns)
        if place < len(edge.stamps_ns) and edge.stamps_ns[place] == stamp_ns:
            edge.samples[place] = parent_from_child
            return
        edge.stamps_ns.insert(place, stamp_ns)
        edge.samples.insert(place, parent_from_child)
        expired = bisect.bisect_left(edge.stamps_ns, edge.stamps_ns[-1] - self._duration_ns)
        del edge.stamps_ns[:expired], edge.samples[:expired]

    def clear(self) -> None:
        """Forget what moves; static transforms stay."""
        self._edges = {child: edge for child, edge in self._edges.items() if edge.is_static}

    def lookup(self, target: str, source: str, stamp_ns: int) -> NDArray[np.float64]:
        """Return target_from_source (4, 4) at a time.

        Raises:
            TransformUnavailableError: a frame is unknown, the two are in different trees, or an edge between them has
                no samples on both sides of the time.
        """
        target, source = target.lstrip("/"), source.lstrip("/")
        target_line, source_line = self._ancestors(target), self._ancestors(source)
        common = next((frame for frame in target_line if frame in source_line), None)
        if common is None:
            raise TransformUnavailableError(self._why_apart(target, source))
        common_from_target = self._climb(target_line[: target_line.index(common)], stamp_ns)
        common_from_source = self._climb(source_line[: source_line.index(common)], stamp_ns)
        return inverse(common_from_target) @ common_from_source

    def carrier(self, frame: str) -> str:
        """Return the frame farthest up the tree that a frame is fixed to; the frame itself if it moves in its parent.

        Raises:
            TransformUnavailableError: frames form a loop.
        """
        for one in self._ancestors(frame.lstrip("/")):
            edge = self._edges.get(one)
            if edge is None or not edge.is_static:
                return one
        return frame.lstrip("/")

    def _ancestors(self, frame: str) -> list[str]:
        """Return the frame and its parents up to the root."""
        line = [frame]
        while (edge := self._edges.get(line[-1])) is not None:
            if edge.parent in line:
                raise TransformUnavailableError(f"frames form a loop: {' -> '.join([*line, edge.parent])}")
            line.append(edge.parent)
        return line

    def _climb(self, line: list[str], stamp_ns: int) -> NDArray[np.float64]:
        """Return the frame above the last of `line` from the first of it."""
        total = np.eye(4)
        for frame in line:
            total = self._sample(frame, stamp_ns) @ total
        return total

    def _sample(self, child: str, stamp_ns: int) -> NDArray[np.float64]:
        edge = self._edges[child]
        if edge.is_static:
            return edge.samples[0]
        after = bisect.bisect_left(edge.stamps_ns, stamp_ns)
        if after < len(edge.stamps_ns) and edge.stamps_ns[after] == stamp_ns:
            return edge.samples[after]
        if after == len(edge.stamps_ns):
            late = (stamp_ns - edge.stamps_ns[-1]) / NS_PER_S
            raise TransformUnavailableError(
                f"{edge.parent!r} -> {child!r} is known until {late:.3f} s before the image"
            )
        if after == 0:
            early = (edge.stamps_ns[0] - stamp_ns) / NS_PER_S
            raise TransformUnavailableError(f"{edge.parent!r} -> {child!r} is known from {early:.3f} s after the image")
        start, end = edge.stamps_ns[after - 1], edge.stamps_ns[after]
        return interpolate(edge.samples[after - 1], edge.samples[after], (stamp_ns - start) / (end - start))

    def _why_apart(self, target: str, source: str) -> str:
        known = set(self._edges) | {edge.parent for edge in self._edges.values()}
        unknown = [repr(frame) for frame in (target, source) if frame not in known]
        if unknown:
            return f"no node publishes a transform with frame {' or '.join(unknown)}"
        return f"frames {target!r} and {source!r} are not connected"


def interpolate(first: NDArray[np.float64], second: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return the transform at `share` (0 to 1) of the way, straight in position and by the shortest turn."""
    turn = vector_from_rotation(rigid(first[:3, :3].T @ second[:3, :3], np.zeros(3)))
    position = (1 - share) * first[:3, 3] + share * second[:3, 3]
    return rigid(first[:3, :3] @ rotation_from_vector(share * turn), position)
