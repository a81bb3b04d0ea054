# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What differs between two days in the same town: cars, people, leaves, lit windows, clouds."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.city_plan import PARKING_M
from sfd2_lab.simulation.ground import KERB_M, street_kerbs
from sfd2_lab.simulation.people import build_person
from sfd2_lab.simulation.randomness import generator
from sfd2_lab.simulation.stage import MovingObject, Stage
from sfd2_lab.simulation.surfaces import Site, SurfaceBuilder, Surfaces, joined
from sfd2_lab.simulation.tiled_noise import TiledNoise
from sfd2_lab.simulation.traffic import moving_cars
from sfd2_lab.simulation.vegetation import build_tree
from sfd2_lab.simulation.vehicles import CarShape, build_car

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.city import City
    from sfd2_lab.simulation.conditions import Condition

    Point = NDArray[np.float64]

# Instance numbers of a session start here, so that a house keeps its number and no car takes it over.
FIRST_INSTANCE = 1_000_000
INSTANCES_PER_SESSION = 10_000
# What moves during a drive is numbered from here on.
FIRST_MOVING_INSTANCE = 1_000_000_000


def dress_city(city: City, atlas: TextureAtlas, session: int, condition: Condition, route: Point) -> Stage:
    """Return a town as it is in one session under one condition.

    Args:
        city: what stays.
        atlas: where textures go.
        session: number of the session.
        condition: decides the season of the leaves and which windows are lit.
        route: (N, 2) places of the drive, metres; only its surroundings are dressed.
    """
    return _Dresser(city, atlas, session, condition, route).dress()


class _Dresser:
    """Dresses one town for one session."""

    def __init__(self, city: City, atlas: TextureAtlas, session: int, condition: Condition, route: Point) -> None:
        self.city, self.atlas, self.session, self.condition = city, atlas, session, condition
        self.line, self.route = route, route[:: max(1, len(route) // 60)]
        self.seed = city.plan.seed
        self.instance = FIRST_INSTANCE + session * INSTANCES_PER_SESSION

    def dress(self) -> Stage:
        """Return the stage."""
        cars, footprints = self._parked_cars()
        parts = [self._with_lit_windows(), *cars, self._people(), self._trees()]
        drift = generator(self.seed, "clouds", self.session).uniform(0, 512, 2)
        device = self.atlas.device
        return Stage(
            still=joined(parts),
            moving=tuple(self._traffic()),
            atlas=self.atlas,
            occlusion=self.city.occlusion.with_objects(footprints),
            lamps=self.city.lamps,
            roughness=TiledNoise(self.seed, "roughness", 0.35, device),
            clouds=TiledNoise(self.seed, "clouds", 1.35, device),
            cloud_drift=(float(drift[0]), float(drift[1])),
            session=self.session,
            seed=self.seed,
        )

    def _traffic(self) -> list[MovingObject]:
        seeds, lights = (self.seed, self.session), self.condition.has_headlights
        return moving_cars(self.atlas, self.line, seeds, FIRST_MOVING_INSTANCE + self.instance, lights=lights)

    def _next(self) -> int:
        self.instance += 1
        return self.instance - 1

    def _is_near(self, place: Point, reach: float) -> bool:
        return bool(np.linalg.norm(self.route - place, axis=1).min() < reach)

    def _with_lit_windows(self) -> Surfaces:
        """Switch off the windows behind which nobody is in this session."""
        surfaces = self.city.surfaces
        lit = generator(self.seed, "windows", self.session).random(self.city.next_instance)
        is_window = surfaces.label == classes.WINDOW
        is_on = lit[surfaces.instance] < self.condition.window_share
        keep = np.where(is_window & ~is_on, 0.0, 1.0)[:, None]
        return dataclasses.replace(surfaces, emission=surfaces.emission * keep)

    def _parked_cars(self) -> tuple[list[Surfaces], list[Point]]:
        cars: list[Surfaces] = []
        footprints: list[Point] = []
        for street in self.city.plan.streets.values():
            if not self._has_kerbs(street):
                continue
            for number, kerb in enumerate(street_kerbs(self.city.plan, street)):
                self._park_along(kerb if number == 1 else kerb[::-1], street.number * 2 + number, cars, footprints)
        return cars, footprints

    def _has_kerbs(self, street: object) -> bool:
        sides = [block for block in self.city.plan.blocks if street in block.streets]
        return len(sides) == 2

    def _park_along(
        self, kerb: tuple[Point, Point], number: int, cars: list[Surfaces], footprints: list[Point]
    ) -> None:
        """Fill some bays along a kerb that is on the right of its first to last point."""
        first, last = kerb[0], kerb[-1]
        length = float(np.linalg.norm(last - first))
        along = (last - first) / length
        left = np.array((-along[1], along[0]))
        rng = generator(self.seed, "parking", self.session, number)
        place = float(rng.uniform(8, 12))
        while place < length - 11:
            seed = int(rng.integers(1 << 30))
            jitter = rng.normal(0, 1, 3)
            is_there = rng.random() < 0.45
            instance = self._next()
            middle = first + along * (place + jitter[0] * 0.15) + left * (PARKING_M / 2 + 0.03 * jitter[1])
            if is_there and self._is_near(middle, 90):
                turn = float(np.arctan2(along[1], along[0]) + 0.015 * jitter[2])
                pose = np.eye(4)
                pose[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
                pose[:2, 3] = middle
                cars.append(build_car(self.atlas, seed, instance, lights=False).moved(pose))
                footprints.append(CarShape(seed).footprint() @ pose[:2, :2].T + middle)
            place += float(rng.uniform(5.3, 6.2))

    def _people(self) -> Surfaces:
        site = Site(SurfaceBuilder(), self.atlas)
        for block in self.city.plan.blocks:
            rng = generator(self.seed, "people", self.session, *block.cell)
            for side in range(4):
                for _ in range(int(rng.integers(0, 4))):
                    share, inside = float(rng.uniform(0.08, 0.92)), float(rng.uniform(0.3, 0.75))
                    seed, way = int(rng.integers(1 << 30)), 1.0 if rng.random() < 0.5 else -1.0
                    outer = block.kerb[side] + (block.kerb[(side + 1) % 4] - block.kerb[side]) * share
                    inner = block.walls[side] + (block.walls[(side + 1) % 4] - block.walls[side]) * share
                    place = outer + (inner - outer) * inside
                    instance = self._next()
                    if self._is_near(place, 70):
                        heading = (block.kerb[(side + 1) % 4] - block.kerb[side]) * way
                        heading = heading / np.linalg.norm(heading)
                        build_person(site, seed, np.array((*place, KERB_M)), heading, instance)
        return site.builder.build()

    def _trees(self) -> Surfaces:
        leaves = (self.condition.season, self.session)
        if leaves not in self.city.trees_built:
            site = Site(SurfaceBuilder(), self.atlas)
            for pit in self.city.trees:
                if self._is_near(pit.foot[:2], 110):
                    build_tree(site, pit.seed, pit.foot, pit.instance, leaves)
            self.city.trees_built[leaves] = site.builder.build()
        return self.city.trees_built[leaves]
