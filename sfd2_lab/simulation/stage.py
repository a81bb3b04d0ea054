# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a camera can see at one time: surfaces, textures, lamps, and fields of noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_lab.simulation.surfaces import Surfaces, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas
    from sfd2_lab.simulation.lighting import Lamps
    from sfd2_lab.simulation.occlusion import OcclusionMap
    from sfd2_lab.simulation.tiled_noise import TiledNoise


@dataclass(frozen=True, eq=False)
class MovingObject:
    """A rigid thing on its way.

    Attributes:
        surfaces: in its own frame.
        pose_at: time in seconds -> (4, 4) world_from_object.
        footprint: (4, 2) corners on the ground in its own frame, metres.
    """

    surfaces: Surfaces
    pose_at: Callable[[float], NDArray[np.float64]]
    footprint: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moment:
    """What the light of one time depends on.

    Attributes:
        world_from_base: (4, 4) of the vehicle, for its headlights.
        movers: (4, 4) world_from_object and (4, 2) footprint of each moving thing.
    """

    world_from_base: NDArray[np.float64]
    movers: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]


@dataclass(frozen=True, eq=False)
class Stage:
    """A world in one session.

    Attributes:
        still: surfaces that do not move.
        moving: things that do.
        atlas: textures.
        occlusion: sky seen from the ground.
        lamps: street lamps.
        roughness: fine noise of every surface.
        clouds: field of clouds; also decides where puddles and snow lie.
        cloud_drift: where the clouds stand in this session, texels.
        session: number of the session.
        seed: of the world.
        is_indoor: light comes from everywhere rather than from above.
    """

    still: Surfaces
    moving: tuple[MovingObject, ...]
    atlas: TextureAtlas
    occlusion: OcclusionMap
    lamps: Lamps
    roughness: TiledNoise
    clouds: TiledNoise
    cloud_drift: tuple[float, float]
    session: int
    seed: int
    is_indoor: bool = False

    def moment(self, world_from_base: NDArray[np.float64], time_s: float) -> Moment:
        """Return what the light of one time depends on."""
        poses = [thing.pose_at(time_s) for thing in self.moving]
        return Moment(world_from_base, tuple(zip(poses, (thing.footprint for thing in self.moving), strict=True)))

    def surfaces_at(self, time_s: float) -> Surfaces:
        """Return all surfaces at a time."""
        moved = [thing.surfaces.moved(thing.pose_at(time_s)) for thing in self.moving]
        return joined([self.still, *moved])
