# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One place under every condition: what changes and what must not."""

from dataclasses import fields, replace

import numpy as np
import pytest

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.conditions import CONDITIONS, condition_named
from sfd2_lab.simulation.drive import DriveConfig, Frame, World
from sfd2_ros.core.errors import ConfigError


@pytest.fixture(scope="module")
def views(world: World, small_drive: DriveConfig) -> dict[str, Frame]:
    """Return the first frame of the same session under each condition."""
    drives = {name: replace(small_drive, frames=1, condition=name) for name in CONDITIONS}
    return {name: next(iter(world.drive(drive))) for name, drive in drives.items()}


def mean_of(frame: Frame, *labels: int) -> np.ndarray:
    """Return the mean colour (3,) of the pixels of some classes."""
    return frame.image[np.isin(frame.labels, labels)].mean(0)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_moves_nothing_that_lasts(views: dict[str, Frame], name: str) -> None:
    first, other = views["overcast"], views[name]
    np.testing.assert_array_equal(first.map_from_cam, other.map_from_cam)
    unstable = [classes.TREE, classes.SKY]
    both = ~np.isin(first.labels, unstable) & ~np.isin(other.labels, unstable)
    assert both.mean() > 0.4
    np.testing.assert_array_equal(first.instances[both], other.instances[both])
    np.testing.assert_array_equal(first.depth_m[both], other.depth_m[both])


def test_conditions_look_as_they_are_called(views: dict[str, Frame]) -> None:
    brightness = {name: frame.image.mean() for name, frame in views.items()}
    assert brightness["night"] < brightness["dusk"] < brightness["overcast"]
    road = {name: mean_of(frame, classes.ROAD) for name, frame in views.items()}
    assert road["snow"].mean() > road["overcast"].mean() + 40
    assert road["sun"].std() < 40
    warm = {name: mean_of(frame, classes.SKY) @ (1, 0, -1) for name, frame in views.items()}
    assert warm["dawn"] > warm["sun"] + 30
    assert warm["sun"] < -20


def test_noise_is_that_of_the_condition(world: World, small_drive: DriveConfig) -> None:
    def roughness(name: str) -> float:
        frame = next(iter(world.drive(replace(small_drive, frames=1, condition=name))))
        sky = frame.image[:10].astype(float)[frame.labels[:10] == classes.SKY]
        return float(np.abs(np.diff(sky[:, 1])).mean())

    assert roughness("night") > 2 * roughness("overcast")


def test_every_condition_names_itself_and_unknown_ones_are_refused() -> None:
    for name in CONDITIONS:
        assert condition_named(name).name == name
    with pytest.raises(ConfigError, match=r"'eclipse'.*overcast"):
        condition_named("eclipse")


def test_no_two_conditions_are_alike() -> None:
    values = [tuple(getattr(one, field.name) for field in fields(one)[1:]) for one in CONDITIONS.values()]
    assert len(set(values)) == len(values)
