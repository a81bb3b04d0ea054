# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Renders drives: a vehicle with cameras goes along a street, and every frame comes with its ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_lab.simulation.atlas import TextureAtlas
from sfd2_lab.simulation.camera_effects import develop
from sfd2_lab.simulation.conditions import condition_named
from sfd2_lab.simulation.motion_blur import motion_blurred
from sfd2_lab.simulation.odometry import camera_moves
from sfd2_lab.simulation.renderer import Renderer
from sfd2_lab.simulation.rigs import make_rig
from sfd2_lab.simulation.route import Motion, frames_that_fit, poses_along
from sfd2_lab.simulation.world import make_place
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.features.device import choose_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.simulation.rigs import RigCamera


FIRST_STAMP_NS = 1_600_000_000_000_000_000
_SPEEDS_MPS = {"corridor": 1.6}
DAY_NS = 86_400_000_000_000


@dataclass(frozen=True)
class DriveConfig:
    """One drive.

    Attributes:
        seed: of the world; decides the town.
        session: decides cars, people, leaves, and how the vehicle sways; 0 is usually the mapping drive.
        frames: number of instants; each gives an image per camera.
        condition: see `conditions.CONDITIONS`.
        rig: see `rigs.RIGS`.
        size: (w, h) of the images, pixels.
        route: see `world.ROUTES`.
        lateral_m: offset to the left of the lane's middle.
        start_m: where along the route it starts.
        speed_mps: mean speed; None for 6 in a street, 1.6 in a corridor.
        rate_hz: instants a second.
    """

    seed: int = 0
    session: int = 0
    frames: int = 40
    condition: str = "overcast"
    rig: str = "front"
    size: tuple[int, int] = (640, 480)
    route: str = "street"
    lateral_m: float = 0.0
    start_m: float = 0.0
    speed_mps: float | None = None
    rate_hz: float = 4.0


@dataclass(frozen=True, eq=False)
class Frame:
    """One image with its ground truth.

    Attributes:
        index: of the instant in the drive.
        stamp_ns: time of the image; sessions are a day apart.
        camera: of the rig.
        image: (h, w, 3) uint8 RGB.
        depth_m: (h, w) float32 along the optical axis, infinite in the sky.
        labels: (h, w) uint8 classes.
        instances: (h, w) int32 objects.
        map_from_base: (4, 4) the vehicle in the map, metres.
        map_from_cam: (4, 4) the optical frame in the map.
    """

    index: int
    stamp_ns: int
    camera: RigCamera
    image: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    labels: NDArray[np.uint8]
    instances: NDArray[np.int32]
    map_from_base: NDArray[np.float64]
    map_from_cam: NDArray[np.float64]


class World:
    """A town, or a corridor, that several drives share, so that its textures are painted once."""

    def __init__(self, seed: int, route: str = "street", *, device: str = "cpu") -> None:
        """Build the place of a seed around a route.

        Raises:
            ConfigError: the route or the device is unknown, or the seed negative.
            DependencyError: the device is not there.
        """
        if seed < 0:
            raise ConfigError(f"seed {seed!r} is negative; allowed: 0, 1, 2, ...")
        self.seed, self.route = seed, route
        self.device = choose_device(device)
        self.atlas = TextureAtlas(self.device)
        self.place = make_place(seed, route, self.atlas)

    def rig(self, config: DriveConfig) -> tuple[RigCamera, ...]:
        """Return the cameras of a drive."""
        return make_rig(config.rig, config.size)

    def speed_mps(self, config: DriveConfig) -> float:
        """Return the mean speed of a drive, metres a second."""
        return config.speed_mps or _SPEEDS_MPS.get(config.route, 6.0)

    def poses(self, config: DriveConfig) -> tuple[list[NDArray[np.float64]], list[int]]:
        """Return map_from_base (4, 4) and the stamp in nanoseconds of each instant of a drive.

        Raises:
            ConfigError: the route is too short for so many frames.
        """
        poses, since_start = poses_along(self.place.line, self._motion(config), config.frames)
        # Time 0 means "unknown" or "latest" in ROS, so that clocks of drives start elsewhere.
        start = FIRST_STAMP_NS + config.session * DAY_NS
        return poses, [start + stamp for stamp in since_start]

    def frames_that_fit(self, config: DriveConfig) -> int:
        """Return the number of instants of a drive that goes on to the end of its route."""
        return frames_that_fit(self.place.line, self._motion(config))

    def _motion(self, config: DriveConfig) -> Motion:
        return Motion(
            speed_mps=self.speed_mps(config),
            rate_hz=config.rate_hz,
            lateral_m=config.lateral_m,
            seed=config.seed * 1000 + config.session,
            start_m=config.start_m,
        )

    def drive(self, config: DriveConfig) -> Iterator[Frame]:
        """Yield the frames of a drive through this world, all cameras of one instant after another.

        Raises:
            ConfigError: the drive belongs to another world, or a setting is not allowed.
        """
        if (config.seed, config.route) != (self.seed, self.route):
            raise ConfigError(f"drive of world {config.seed}/{config.route} given to world {self.seed}/{self.route}")
        condition, rig = self.place.condition(condition_named(config.condition)), self.rig(config)
        poses, stamps = self.poses(config)
        stage = self.place.stage(config.session, condition)
        renderer = Renderer(stage, condition, self.device)
        moves = camera_moves(poses, condition.shutter_s * config.rate_hz)
        for index, (map_from_base, stamp_ns) in enumerate(zip(poses, stamps, strict=True)):
            for number, camera in enumerate(rig):
                map_from_cam = map_from_base @ camera.base_from_cam
                picture = renderer.draw(camera.camera, map_from_cam, map_from_base, (stamp_ns - stamps[0]) * 1e-9)
                later_from_now = inverse(camera.base_from_cam) @ moves[index] @ camera.base_from_cam
                light = motion_blurred(picture.light, picture.depth_m, camera.camera, later_from_now)
                key = (config.seed, config.session, config.condition, index, number)
                image = develop(light, condition, key)
                truth = (picture.depth_m, picture.labels, picture.instances, map_from_base, map_from_cam)
                yield Frame(index, stamp_ns, camera, image, *truth)


def render_drive(config: DriveConfig | None = None, *, device: str = "cpu") -> Iterator[Frame]:
    """Yield the frames of one drive.

    Args:
        config: which drive; None the default one.
        device: "cpu", "cuda", "cuda:1" and so on, or "auto".

    Raises:
        ConfigError: a setting is not allowed.
    """
    chosen = config or DriveConfig()
    yield from World(chosen.seed, chosen.route, device=device).drive(chosen)
