# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The indoor world."""

from dataclasses import replace

import numpy as np

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.drive import DriveConfig, World
from sfd2_ros.core.transforms import inverse

CONFIG = DriveConfig(seed=0, frames=2, size=(160, 120), route="corridor")


def test_a_corridor_is_seen_from_inside_at_walking_pace() -> None:
    world = World(0, "corridor")
    first, second = world.drive(CONFIG)
    step = inverse(first.map_from_base) @ second.map_from_base
    assert 0.2 < step[0, 3] < 0.6
    labels = set(np.unique(first.labels).tolist())
    assert {classes.WALL, classes.FLOOR, classes.CEILING} <= labels
    assert not labels & {classes.ROAD, classes.CAR}
    assert first.depth_m[first.labels == classes.CEILING].min() > 0.5


def test_weather_stays_outside_and_night_is_dark() -> None:
    world = World(0, "corridor")
    day, snow, night = (
        next(iter(world.drive(replace(CONFIG, frames=1, condition=name)))) for name in ("overcast", "snow", "night")
    )
    floor = day.labels == classes.FLOOR
    assert np.abs(day.image[floor].mean() - snow.image[floor].mean()) < 25
    assert night.image.mean() < 0.7 * day.image.mean()


def test_the_way_leads_round_between_the_walls() -> None:
    for seed in range(8):
        world = World(seed, "corridor")
        line = world.place.line
        assert 60 < len(line) * 0.25 < 140
        assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 0.26
