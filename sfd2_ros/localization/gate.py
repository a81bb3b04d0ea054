# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A gate: one test that a frame must pass to be localized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_ros.core.types import Evidence, GateValue, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_ros.localization.gates import GatesConfig

MIN, MAX = True, False
"""Direction of a gate: the value must be at least the limit, or at most."""


@dataclass(frozen=True)
class Gate:
    """One test.

    Attributes:
        name: of the gate.
        status: of a frame that fails it.
        setting: of `GatesConfig` that is the limit.
        unit: of value and limit.
        at_least: True: the value must be at least the limit; False: at most.
        measure: the value, from the evidence; NaN where it was not measured.
        reason: a sentence with the fields value, limit and evidence.
        is_tracked: whether it is measured in a frame that is only tracked; `local_search` says why not.
        is_required: whether a frame without a value fails when the pose is complete.
    """

    name: str
    status: Status
    setting: str
    unit: str
    at_least: bool
    measure: Callable[[Evidence], float]
    reason: str
    is_tracked: bool = True
    is_required: bool = False

    def read(self, evidence: Evidence, limits: GatesConfig) -> GateValue:
        """Return the value measured in a frame beside the limit."""
        limit = float(getattr(limits, self.setting))
        return GateValue(self.name, self.status, float(self.measure(evidence)), limit, self.unit, self.at_least)
