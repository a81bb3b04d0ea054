# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What stays, what changes, and that nothing depends on the process."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.city_plan import plan_city
from sfd2_lab.simulation.drive import DriveConfig, Frame, World
from sfd2_lab.simulation.world import Town
from sfd2_ros.core.errors import ConfigError

_HASH_A_FRAME = """
import hashlib, sys, cv2, torch
torch.set_num_threads(int(sys.argv[1])); cv2.setNumThreads(int(sys.argv[1]))
from sfd2_lab.simulation import DriveConfig, render_drive
frame, = render_drive(DriveConfig(seed=0, frames=1, size=(200, 150), condition="night_rain"))
parts = frame.image, frame.depth_m, frame.labels, frame.instances
print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""


def test_another_process_with_other_threads_renders_the_same_bits(world: World, small_drive: DriveConfig) -> None:
    (frame,) = world.drive(replace(small_drive, frames=1, condition="night_rain"))
    parts = frame.image, frame.depth_m, frame.labels, frame.instances
    expected = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    threads = "1" if torch.get_num_threads() > 1 else "2"
    other = subprocess.run(
        [sys.executable, "-c", _HASH_A_FRAME, threads],
        env={**os.environ, "OMP_NUM_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == expected


def test_a_second_drive_of_one_world_gives_the_same_bits(
    world: World, frames: list[Frame], small_drive: DriveConfig
) -> None:
    def digest(drive: list[Frame]) -> str:
        return hashlib.sha256(b"".join(frame.image.tobytes() for frame in drive)).hexdigest()

    assert digest(list(world.drive(small_drive))) == digest(frames)


def test_another_session_differs_only_in_what_does_not_last(
    world: World, frames: list[Frame], small_drive: DriveConfig
) -> None:
    other = still_camera(world, replace(small_drive, session=1, frames=1), frames[0])
    first, second = frames[0], other
    lasting = np.array(
        [classes.CLASSES[label].is_lasting if label in classes.CLASSES else False for label in range(256)]
    )
    both = lasting[first.labels] & lasting[second.labels]
    assert both.mean() > 0.4
    assert (first.instances == second.instances)[both].all()
    np.testing.assert_array_equal(first.depth_m[both], second.depth_m[both])
    assert (first.instances != second.instances).any()


def test_sessions_differ_in_cars_people_and_leaves_only(
    world: World, frames: list[Frame], small_drive: DriveConfig
) -> None:
    first, second = frames[0], still_camera(world, replace(small_drive, session=1, frames=1), frames[0])
    comes_and_goes = [classes.CAR, classes.PERSON, classes.TREE, classes.PLANT]
    explained = np.isin(first.labels, comes_and_goes) | np.isin(second.labels, comes_and_goes)
    assert 0.02 < explained.mean() < 0.6
    for name in ("labels", "instances", "depth_m"):
        differs = getattr(first, name) != getattr(second, name)
        assert differs.any()
        assert not (differs & ~explained).any(), name


def still_camera(world: World, config: DriveConfig, like: Frame) -> Frame:
    """Render a session from the pose of a frame of another one."""
    poses = world.poses
    try:
        world.poses = lambda _config: ([like.map_from_base], [like.stamp_ns])  # type: ignore[method-assign]
        return next(iter(world.drive(config)))
    finally:
        world.poses = poses  # type: ignore[method-assign]


def town_of(world: World) -> Town:
    assert isinstance(world.place, Town)
    return world.place


def test_twenty_seeds_give_twenty_towns() -> None:
    plans = [plan_city(seed) for seed in range(20)]
    sizes = {tuple(np.round(plan.nodes[2, 3] - plan.nodes[1, 1], 3)) for plan in plans}
    assert len(sizes) == 20


def test_houses_do_not_look_alike(world: World) -> None:
    surfaces = town_of(world).city.surfaces
    houses = np.unique(surfaces.texture[surfaces.label == classes.BUILDING])
    assert len(houses) > 200


@pytest.mark.parametrize(
    "change",
    [{"condition": "eclipse"}, {"rig": "drone"}, {"frames": 5000}, {"seed": 1}],
    ids=["condition", "rig", "frames", "other world"],
)
def test_impossible_drives_are_refused_with_the_value(
    world: World, small_drive: DriveConfig, change: dict[str, object]
) -> None:
    with pytest.raises(ConfigError, match=str(next(iter(change.values())))):
        next(iter(world.drive(replace(small_drive, **change))))  # type: ignore[arg-type]


def test_unknown_routes_and_negative_seeds_are_refused() -> None:
    with pytest.raises(ConfigError, match="'maze'"):
        World(0, "maze")
    with pytest.raises(ConfigError, match="-1"):
        World(-1)
