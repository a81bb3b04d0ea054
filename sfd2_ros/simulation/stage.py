# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a camera can see at one time: surfaces, textures, lamps, and fields of noise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfd2_ros.simulation.surfaces import Surfaces, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.simulation.atlas import TextureAtlas
    from sfd2_ros.simulation.lighting import Lamps
    from sfd2_ros.simulation.occlusion import OcclusionMap
    from sfd2_ros.simulation.tiled_noise import TiledNoise


@dataclass(frozen=True, eq=False)
class MovingObject:
    """A rigid thing on its way.

    Attributes:
        surfaces: in its own frame.
        pose_at: time in seconds -> (4, 4) world_from_object.
    """

    surfaces: Surfaces
    pose_at: Callable[[float], NDArray[np.float64]]


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
    _grids: dict[str, object] = field(default_factory=dict)

    def surfaces_at(self, time_s: float) -> Surfaces:
        """Return all surfaces at a time."""
        moved = [thing.surfaces.moved(thing.pose_at(time_s)) for thing in self.moving]
        return joined([self.still, *moved])
