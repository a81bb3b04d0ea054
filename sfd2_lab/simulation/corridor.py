# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A corridor in one session: what stands about, which lamps are on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.furniture import build_box
from sfd2_lab.simulation.indoor import CorridorMason
from sfd2_lab.simulation.indoor_plan import plan_corridor
from sfd2_lab.simulation.occlusion import OcclusionMap
from sfd2_lab.simulation.people import build_person
from sfd2_lab.simulation.randomness import generator
from sfd2_lab.simulation.route import ring_line
from sfd2_lab.simulation.session import FIRST_INSTANCE, INSTANCES_PER_SESSION
from sfd2_lab.simulation.stage import Stage
from sfd2_lab.simulation.surfaces import Site, SurfaceBuilder, joined
from sfd2_lab.simulation.tiled_noise import TiledNoise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.conditions import Condition
    from sfd2_lab.simulation.surfaces import Surfaces

_WINDOW_LIGHT = 0.30
_LAMPS_BY_DAY, _LAMPS_BY_NIGHT = 0.75, 0.3


class Corridor:
    """A corridor that drives lead through; see `world.Place`."""

    def __init__(self, seed: int, atlas: TextureAtlas) -> None:
        self._seed, self._atlas = seed, atlas
        self._plan = plan_corridor(seed)
        self._built = CorridorMason(self._plan, atlas)
        self.line: NDArray[np.float64] = ring_line(self._plan.middle())

    def condition(self, condition: Condition) -> Condition:
        """Return a condition as it is indoors: some daylight, lamps on, no weather."""
        is_dark = condition.has_headlights
        light = condition.sky_light
        return dataclasses.replace(
            condition,
            sky_light=(light[0] * _WINDOW_LIGHT, light[1] * _WINDOW_LIGHT, light[2] * _WINDOW_LIGHT),
            lamp_share=_LAMPS_BY_NIGHT if is_dark else _LAMPS_BY_DAY,
            wetness=0.0,
            snow=0.0,
            litter=0.0,
            rain_streaks=0,
            drops=0,
            flakes=0,
            haze_per_m=0.0,
            exposure=1.9 if is_dark else 1.25,
        )

    def stage(self, session: int, condition: Condition) -> Stage:
        """Return the corridor as it is in one session."""
        surfaces = joined([self._built.surfaces, self._clutter(session)])
        bounds = (*(self._plan.outer.min(0) - 5).tolist(), *(self._plan.outer.max(0) + 5).tolist())
        lamps = self._lamps_on(session, is_dark=condition.has_headlights)
        is_lamp = surfaces.label == classes.LIGHT
        is_off = is_lamp & ~np.isin(surfaces.instance, lamps)
        emission = np.where(is_off[:, None], 0.0, surfaces.emission)
        device = self._atlas.device
        built = self._built.lamps
        on = np.isin(self._built.lamp_instances, lamps)
        return Stage(
            still=dataclasses.replace(surfaces, emission=emission),
            moving=(),
            atlas=self._atlas,
            occlusion=OcclusionMap(bounds),
            lamps=type(built)(built.position[on], built.power[on]),
            roughness=TiledNoise(self._seed, "roughness", 0.35, device),
            clouds=TiledNoise(self._seed, "clouds", 1.35, device),
            cloud_drift=(17.0 * session, 5.0 * session),
            session=session,
            seed=self._seed,
            is_indoor=True,
        )

    def _lamps_on(self, session: int, *, is_dark: bool) -> NDArray[np.int64]:
        """Return the instances of the lamps that are on: nearly all by day, every third by night."""
        chance = generator(self._seed, "lamps", session).random(len(self._built.lamp_instances))
        return self._built.lamp_instances[chance < (0.4 if is_dark else 0.95)]

    def _clutter(self, session: int) -> Surfaces:
        """Return people, boxes and bins along the walls of one session."""
        site = Site(SurfaceBuilder(), self._atlas)
        rng = generator(self._seed, "clutter", session)
        instance = FIRST_INSTANCE + session * INSTANCES_PER_SESSION
        for side in range(4):
            first, second = self._plan.inner[side], self._plan.inner[(side + 1) % 4]
            along = (second - first) / np.linalg.norm(second - first)
            outward = np.array((along[1], -along[0]))
            for _ in range(int(rng.integers(3, 7))):
                share, seed = float(rng.uniform(0.03, 0.97)), int(rng.integers(1 << 30))
                wall = first + (second - first) * share
                if rng.random() < 0.3:
                    place = np.array((*(wall + outward * 0.5), 0.0))
                    build_person(site, seed, place, along if rng.random() < 0.5 else -along, instance)
                else:
                    build_box(site, seed, np.array((*(wall + outward * 0.35), 0.0)), -along, instance)
                instance += 1
        return site.builder.build()
