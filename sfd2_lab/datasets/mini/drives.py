# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The drives of a miniature copy: one town, a drive per condition, each in a session and on a line of its own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sfd2_lab.simulation.scene_folder import QUERY_LATERAL_M, QUERY_START_M
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfd2_lab.simulation.drive import DriveConfig


def drive_of(base: DriveConfig, number: int, condition: str) -> DriveConfig:
    """Return the drive of a condition; number 0 is the reference, others are later sessions beside its line."""
    if number == 0:
        return dataclasses.replace(base, condition=condition)
    return dataclasses.replace(
        base,
        condition=condition,
        session=base.session + number,
        lateral_m=base.lateral_m + QUERY_LATERAL_M[number % len(QUERY_LATERAL_M)],
        start_m=base.start_m + QUERY_START_M,
    )


def check_conditions(conditions: Sequence[str], known: Mapping[str, object], data_set: str) -> None:
    """Refuse conditions that a data set has not, or names twice.

    Raises:
        ConfigError: names the conditions that it has.
    """
    for name in conditions:
        if name not in known:
            raise ConfigError(f"{data_set} has no condition {name!r}; allowed: {', '.join(known)}")
    if len(set(conditions)) < len(conditions):
        raise ConfigError(f"conditions {', '.join(conditions)} name one twice; each makes one part of {data_set}")
