# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a localization learns on its way, kept for the evidence whatever the outcome."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfd2_ros.core.types import Evidence
from sfd2_ros.localization.frames import RigEstimate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfd2_ros.core.types import Status


@dataclass
class Trace:
    """What a call has learnt so far.

    Attributes:
        num_keypoints: in the query.
        candidates: names of the map images that were tried, best first.
        num_matches: offered to the pose solver.
        log10_false_alarms: of the best pose so far.
        seconds: by step.
    """

    num_keypoints: int
    candidates: tuple[str, ...] = ()
    num_matches: int = 0
    log10_false_alarms: float = float("nan")
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time of a block to a step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start

    def evidence(self) -> Evidence:
        """Return what is known without a pose."""
        return Evidence(
            self.num_keypoints,
            self.num_matches,
            log10_false_alarms=self.log10_false_alarms,
            candidates=self.candidates,
            seconds=self.seconds,
        )

    def refuse(self, status: Status, reason: str, evidence: Evidence | None = None) -> RigEstimate:
        """Return an estimate without a pose."""
        return RigEstimate(status, reason, None, evidence or self.evidence())
