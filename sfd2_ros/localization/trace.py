# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The evidence of one frame while it is gathered, and its judgement by the gates."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sfd2_ros.core.types import Evidence
from sfd2_ros.localization.gates import first_failure, read_gates
from sfd2_ros.localization.results import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfd2_ros.core.types import Status
    from sfd2_ros.localization.gates import GatesConfig
    from sfd2_ros.localization.hypotheses import Hypothesis


@dataclass
class Trace:
    """Evidence of one frame so far.

    Attributes:
        limits: of the gates.
        evidence: measured so far; the values of the gates are read when the frame ends.
        sentences: more exact reasons than the table's, by the name of the gate.
    """

    limits: GatesConfig
    evidence: Evidence = field(default_factory=Evidence)
    sentences: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time of a block to a step."""
        start, seconds = time.perf_counter(), self.evidence.seconds
        try:
            yield
        finally:
            seconds[step] = seconds.get(step, 0.0) + time.perf_counter() - start

    def note(self, **measured: Any) -> None:
        """Add fields of `Evidence` that were measured."""
        self.evidence = replace(self.evidence, **{"gates": (), **measured})

    def note_rival(self, best: Hypothesis, rival: Hypothesis | None) -> None:
        """Add the support of the strongest other place."""
        if rival is None:
            self.note(rival_share=0.0)
            return
        self.note(rival_share=rival.num_inliers / best.num_inliers)
        self.sentences["rival"] = f"{best.num_inliers} matches agree on one place and {rival.num_inliers} on another"

    def judged(self) -> Evidence:
        """Return the evidence with the values of all gates, which are read once for all that was measured so far."""
        if not self.evidence.gates:
            self.note(gates=read_gates(self.evidence, self.limits))
        return self.evidence

    def failure(self, *, is_complete: bool = False) -> Rejected | None:
        """Return the rejection by the first gate that the evidence fails so far, or None.

        Args:
            is_complete: True: nothing more will be measured.
        """
        failure = first_failure(self.judged(), is_complete=is_complete)
        if failure is None:
            return None
        gate, reason = failure
        return Rejected(gate.status, self.sentences.get(gate.name, reason), self.judged())

    def rejected(self, status: Status, reason: str) -> Rejected:
        """Return a rejection: by the first gate that the evidence fails, else by this status and reason."""
        return self.failure() or Rejected(status, reason, self.judged())
