# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Places that drives lead through: streets of a town, or a corridor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sfd2_lab.simulation.city import build_city
from sfd2_lab.simulation.city_plan import plan_city
from sfd2_lab.simulation.corridor import Corridor
from sfd2_lab.simulation.route import STREET_ROUTES, TWIN_BLOCKS, route_line
from sfd2_lab.simulation.session import dress_city
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.conditions import Condition
    from sfd2_lab.simulation.stage import Stage

CORRIDOR = "corridor"
ROUTES = (*STREET_ROUTES, CORRIDOR)


class Place(Protocol):
    """Somewhere to drive."""

    line: NDArray[np.float64]

    def condition(self, condition: Condition) -> Condition:
        """Return a condition as it is at this place."""

    def stage(self, session: int, condition: Condition) -> Stage:
        """Return the place as it is in one session under one condition."""


class Town:
    """Streets; see `Place`."""

    def __init__(self, seed: int, route: str, atlas: TextureAtlas) -> None:
        self._atlas = atlas
        plan = plan_city(seed, has_twins=route == TWIN_BLOCKS)
        self.line: NDArray[np.float64] = route_line(plan, route)
        self.city = build_city(plan, atlas, self.line)

    def condition(self, condition: Condition) -> Condition:
        """Return the condition as it is."""
        return condition

    def stage(self, session: int, condition: Condition) -> Stage:
        """Return the town as it is in one session under one condition."""
        return dress_city(self.city, self._atlas, session, condition, self.line)


def make_place(seed: int, route: str, atlas: TextureAtlas) -> Place:
    """Build the place of a world seed round a route.

    Raises:
        ConfigError: there is no such route.
    """
    if route not in ROUTES:
        raise ConfigError(f"unknown route {route!r}; allowed: {', '.join(ROUTES)}")
    return Corridor(seed, atlas) if route == CORRIDOR else Town(seed, route, atlas)
