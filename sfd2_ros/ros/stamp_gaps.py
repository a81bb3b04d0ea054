# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images that were lost on their way, estimated from the gaps between the stamps of those that arrived."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sfd2_ros.bags.read_poses import NS_PER_S

WINDOW = 20
"""Intervals that are judged together: a second or two of a usual camera."""

MIN_INTERVALS = 5
"""Fewer say nothing about what is regular."""

PERIOD_QUANTILE = 0.2
"""The interval at this quantile is taken for the camera's period: gaps make intervals longer, never shorter."""

GAP_PERIODS = 1.5
"""Half-way between one period and two: a longer interval has room for an image that is missing."""

REGULAR_TOLERANCE = 0.2
"""The latest intervals that differ by less than this fraction are regular: the camera has changed its rate."""

MIN_GAPS = 3
"""Fewer gaps are hiccups of the camera; a network that loses images loses them again and again."""

PAUSE_NS = 5 * NS_PER_S
"""A longer interval is a pause of the camera, which is reported as silence, and not a loss."""

MAX_LOST_FRACTION = 0.1
"""More than this fraction lost is worth a warning; an odd image is lost on every network."""


@dataclass(frozen=True)
class Gaps:
    """Images that are missing among the last ones.

    Attributes:
        lost: estimated number of images that did not arrive; a lower bound where more than half are lost.
        sent: these and the ones that arrived.
        period_s: usual interval between two stamps.
        largest_s: largest interval.
    """

    lost: int
    sent: int
    period_s: float
    largest_s: float

    @property
    def are_many(self) -> bool:
        """Whether a user should know."""
        return self.lost > MAX_LOST_FRACTION * self.sent


NO_GAPS = Gaps(0, 0, float("nan"), float("nan"))


class StampGaps:
    """Looks for gaps in the stamps of one camera's images."""

    def __init__(self) -> None:
        self._last_ns: int | None = None
        self._intervals: deque[int] = deque(maxlen=WINDOW)

    def add(self, stamp_ns: int) -> None:
        """Take the stamp of an image that has arrived."""
        last_ns, self._last_ns = self._last_ns, stamp_ns
        if last_ns is None:
            return
        if 0 < stamp_ns - last_ns <= PAUSE_NS:
            self._intervals.append(stamp_ns - last_ns)
        else:  # a pause, or a clock that was set
            self._intervals.clear()

    def judge(self) -> Gaps:
        """Return what is missing among the last images."""
        intervals = list(self._intervals)
        if len(intervals) < MIN_INTERVALS:
            return Gaps(0, len(intervals), float("nan"), float("nan"))
        period_ns = sorted(intervals)[int(PERIOD_QUANTILE * len(intervals))]
        latest = intervals[-MIN_INTERVALS:]
        is_regular = max(latest) - min(latest) < REGULAR_TOLERANCE * max(latest)
        gaps = [] if is_regular else [each for each in intervals if each > GAP_PERIODS * period_ns]
        lost = sum(round(each / period_ns) - 1 for each in gaps) if len(gaps) >= MIN_GAPS else 0
        return Gaps(lost, lost + len(intervals), period_ns / NS_PER_S, max(intervals) / NS_PER_S)
