# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cars on their way: some come towards the camera, some drive ahead of it, others in every session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sfd2_lab.simulation.randomness import generator
from sfd2_lab.simulation.route import pose_on_line
from sfd2_lab.simulation.stage import MovingObject
from sfd2_lab.simulation.vehicles import CarShape, build_car

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas

_OTHER_LANE_M = 2.9
_SPACING_M = 38.0


def moving_cars(
    atlas: TextureAtlas, line: NDArray[np.float64], seeds: tuple[int, int], first_instance: int, *, lights: bool
) -> list[MovingObject]:
    """Return the oncoming cars of a session.

    Args:
        atlas: where textures go.
        line: (N, 2) the own lane of the route (see `route.route_line`); they drive on the lane beside it.
        seeds: of the world and of the session.
        first_instance: number of the first car.
        lights: whether their lamps are on.
    """
    rng = generator(*seeds, "traffic")
    length = len(line) * 0.25
    cars: list[MovingObject] = []
    place = float(rng.uniform(10, _SPACING_M))
    while place < length + 250:
        seed, speed = int(rng.integers(1 << 30)), float(rng.uniform(5.0, 9.0))
        surfaces = build_car(atlas, seed, first_instance + len(cars), lights=lights)
        cars.append(MovingObject(surfaces, partial(_oncoming, line, place, speed), CarShape(seed).footprint()))
        place += float(rng.uniform(0.6, 2.6)) * _SPACING_M
    return cars


def _oncoming(line: NDArray[np.float64], start_m: float, speed_mps: float, time_s: float) -> NDArray[np.float64]:
    """Return world_from_car (4, 4) of a car that drives against the direction of a line."""
    pose = pose_on_line(line, start_m - speed_mps * time_s, _OTHER_LANE_M)
    pose[:2, :2] *= -1
    return pose
