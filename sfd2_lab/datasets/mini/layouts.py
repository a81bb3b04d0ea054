# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The data sets that can be copied in miniature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sfd2_lab.datasets.mini.aachen import CONDITIONS as AACHEN_CONDITIONS
from sfd2_lab.datasets.mini.aachen import RIG as AACHEN_RIG
from sfd2_lab.datasets.mini.aachen import write_mini_aachen
from sfd2_lab.datasets.mini.cmu import RIG as CMU_RIG
from sfd2_lab.datasets.mini.cmu import write_mini_cmu
from sfd2_lab.datasets.mini.drives import check_conditions
from sfd2_lab.datasets.mini.robotcar import RIG as ROBOTCAR_RIG
from sfd2_lab.datasets.mini.robotcar import SEQUENCES, write_mini_robotcar
from sfd2_lab.datasets.mini.robotcar_seasons import CONDITIONS as SEASONS_CONDITIONS
from sfd2_lab.datasets.mini.robotcar_seasons import write_mini_robotcar_seasons
from sfd2_lab.simulation.conditions import CONDITIONS as SIMULATED
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sfd2_lab.simulation.drive import DriveConfig, Frame, World


class Write(Protocol):
    """Renders a miniature copy."""

    def __call__(
        self,
        world: World,
        base: DriveConfig,
        conditions: Sequence[str],
        path: Path,
        *,
        overwrite: bool,
        on_frame: Callable[[Frame], None],
    ) -> int:
        """Write a copy to a folder and return the number of pictures."""
        ...


@dataclass(frozen=True)
class Layout:
    """A data set that can be copied in miniature.

    Attributes:
        name: of the data set.
        rig: of the simulator.
        conditions: those of the simulator that it can have.
        write: makes the copy.
    """

    name: str
    rig: str
    conditions: Mapping[str, object]
    write: Write

    def check(self, conditions: Sequence[str]) -> None:
        """Refuse conditions that the data set has not.

        Raises:
            ConfigError: names those that it has.
        """
        check_conditions(conditions, self.conditions, f"the miniature {self.name}")


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("robotcar", ROBOTCAR_RIG, SEQUENCES, write_mini_robotcar),
        Layout("robotcar-seasons", ROBOTCAR_RIG, SEASONS_CONDITIONS, write_mini_robotcar_seasons),
        Layout("aachen", AACHEN_RIG, AACHEN_CONDITIONS, write_mini_aachen),
        Layout("cmu", CMU_RIG, SIMULATED, write_mini_cmu),
    )
}


def layout_named(name: str) -> Layout:
    """Return a layout by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in LAYOUTS:
        raise ConfigError(f"unknown data set {name!r}; allowed: {', '.join(LAYOUTS)}")
    return LAYOUTS[name]
