# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The drives that are mapped: routes, and what the sensors of each get wrong."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_lab.simulation.sensors import SensorConfig
from sfd2_ros.core.errors import ConfigError

_SCALE, _HEADING_DEG = 0.01, 2.0
"""Of usual wheel odometry: 1 % too long, and a drift of 2 degrees in 60 m."""
_GNSS_M = 1.0
"""Of a receiver without corrections under an open sky."""


@dataclass(frozen=True)
class DriveCase:
    """A drive.

    Attributes:
        name: of the case.
        route: of the simulator.
        sensors: errors and faults.
        is_localized: whether another session is localized in the map.
    """

    name: str
    route: str
    sensors: SensorConfig
    is_localized: bool = False


def _case(name: str, route: str, *faults: str, gnss: bool = False, is_localized: bool = False) -> DriveCase:
    noise_m = _GNSS_M if gnss else None
    return DriveCase(name, route, SensorConfig(_SCALE, _HEADING_DEG, noise_m, gnss, faults), is_localized)


CASES = {
    case.name: case
    for case in (
        _case("loop", "loop", is_localized=True),
        _case("figure_of_eight", "figure_of_eight", is_localized=True),
        _case("corridor", "corridor", is_localized=True),
        _case("loop_gnss", "loop", gnss=True),
        _case("loop_gnss_outliers", "loop", "gnss_outliers", gnss=True),
        _case("loop_gnss_multipath", "loop", "gnss_multipath", gnss=True),
        _case("loop_odometry_jump", "loop", "odometry_jump"),
        _case("loop_camera_off", "loop", "camera_off"),
        _case("twin_blocks", "twin_blocks"),
        _case("no_camera_info", "loop", "no_camera_info"),
        _case("no_tf", "loop", "no_tf"),
        _case("truncated", "loop", "truncated"),
    )
}
"""By name."""


def cases_named(names: tuple[str, ...]) -> list[DriveCase]:
    """Return the cases of some names; none: all.

    Raises:
        ConfigError: there is no such case.
    """
    unknown = [name for name in names if name not in CASES]
    if unknown:
        raise ConfigError(f"unknown drive {unknown[0]!r}; allowed: {', '.join(CASES)}")
    return [CASES[name] for name in names or CASES]
