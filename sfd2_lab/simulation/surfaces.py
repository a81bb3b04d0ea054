# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Flat textured surfaces with up to four corners: what the world is made of."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from sfd2_lab.simulation.atlas import TextureAtlas

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """What a surface looks like and what it is.

    Attributes:
        texture: number in the `TextureAtlas`.
        label: class id (see `classes`).
        instance: number of the object that it belongs to.
        emission: light given off where the texture's mask is set, linear RGB, 1 = white paper under overcast sky.
        gloss: mirror reflection where the mask is set, in [0, 1].
        shade: share of the light that reaches it, for recesses.
        ground: 0 no ground, 1 road, 2 pavement; decides about wetness, snow and fallen leaves.
        is_double_sided: seen from behind too.
        is_cutout: holes where the texture's mask is below a half.
    """

    texture: int
    label: int
    instance: int
    emission: Vector = (0.0, 0.0, 0.0)
    gloss: float = 0.0
    shade: float = 1.0
    ground: int = 0
    is_double_sided: bool = False
    is_cutout: bool = False


@dataclass(frozen=True, eq=False)
class Surfaces:
    """N surfaces as arrays.

    Attributes:
        corners: (N, 4, 3) float64 metres, counter-clockwise seen from the front; triangles repeat a corner.
        uv_origin: (N, 3) the point whose texture coordinates are (0, 0), the lower left corner of the texture.
        u_axis: (N, 3) texture metres to the right per metre of the world.
        v_axis: (N, 3) texture metres up per metre of the world.
        texture: (N,) int64.
        label: (N,) int64.
        instance: (N,) int64.
        emission: (N, 3) float64.
        finish: (N, 3) float64: gloss, shade, ground.
        is_double_sided: (N,) bool.
        is_cutout: (N,) bool.
    """

    corners: NDArray[np.float64]
    uv_origin: NDArray[np.float64]
    u_axis: NDArray[np.float64]
    v_axis: NDArray[np.float64]
    texture: NDArray[np.int64]
    label: NDArray[np.int64]
    instance: NDArray[np.int64]
    emission: NDArray[np.float64]
    finish: NDArray[np.float64]
    is_double_sided: NDArray[np.bool_]
    is_cutout: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.corners)

    def select(self, which: NDArray[np.generic]) -> Surfaces:
        """Return the surfaces at a mask or at indices."""
        return Surfaces(*(getattr(self, field.name)[which] for field in dataclasses.fields(self)))

    def moved(self, world_from_object: NDArray[np.float64]) -> Surfaces:
        """Return them moved by a rigid (4, 4) transform."""
        rotation, translation = world_from_object[:3, :3], world_from_object[:3, 3]
        return dataclasses.replace(
            self,
            corners=rotated(self.corners, rotation) + translation,
            uv_origin=rotated(self.uv_origin, rotation) + translation,
            u_axis=rotated(self.u_axis, rotation),
            v_axis=rotated(self.v_axis, rotation),
        )

    def normals(self) -> NDArray[np.float64]:
        """Return the (N, 3) unit normals; zero for surfaces without area."""
        diagonal = self.corners[:, 2] - self.corners[:, 0]
        normals = np.cross(diagonal, self.corners[:, 3] - self.corners[:, 1])
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        unit: NDArray[np.float64] = normals / np.maximum(lengths, 1e-12)
        return unit


def rotated(vectors: NDArray[np.float64], rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotate (..., 3) vectors; sums are written out, since BLAS may round them otherwise with other threads."""
    x, y, z = vectors[..., 0:1], vectors[..., 1:2], vectors[..., 2:3]
    turned: NDArray[np.float64] = x * rotation[:, 0] + y * rotation[:, 1] + z * rotation[:, 2]
    return turned


def joined(parts: Sequence[Surfaces]) -> Surfaces:
    """Return all surfaces of several sets, in order."""
    names = [field.name for field in dataclasses.fields(Surfaces)]
    return Surfaces(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class SurfaceBuilder:
    """Collects surfaces given in the frame of an object."""

    def __init__(self) -> None:
        self._corners: list[NDArray[np.float64]] = []
        self._axes: list[NDArray[np.float64]] = []
        self._looks: list[Look] = []

    def __len__(self) -> int:
        return len(self._looks)

    def rectangle(
        self,
        frame: NDArray[np.float64],
        origin: ArrayLike,
        edge_u: ArrayLike,
        edge_v: ArrayLike,
        look: Look,
        *,
        uv: tuple[float, float] | None = None,
    ) -> None:
        """Add the rectangle origin + a edge_u + b edge_v, 0 <= a, b <= 1, seen from the side of edge_u x edge_v.

        Args:
            frame: (4, 4) world_from_object.
            origin: (3,) lower left corner, metres in the object.
            edge_u: (3,) to the lower right corner; the texture's right.
            edge_v: (3,) to the upper left corner; the texture's up.
            look: texture and class.
            uv: texture coordinates of the origin in metres; None takes the origin's x and y.
        """
        start, along, up = (np.asarray(part, dtype=np.float64) for part in (origin, edge_u, edge_v))
        corners = np.stack([start, start + along, start + along + up, start + up])
        u_axis, v_axis = along / np.linalg.norm(along), up / np.linalg.norm(up)
        at = (float(start[0]), float(start[1])) if uv is None else uv
        self.polygon(frame, corners, look, (start - at[0] * u_axis - at[1] * v_axis, u_axis, v_axis))

    def polygon(
        self,
        frame: NDArray[np.float64],
        corners: ArrayLike,
        look: Look,
        texture_axes: tuple[ArrayLike, ArrayLike, ArrayLike],
    ) -> None:
        """Add a convex flat polygon.

        Args:
            frame: (4, 4) world_from_object.
            corners: (3, 3) or (4, 3) metres in the object, counter-clockwise seen from the front.
            look: texture and class.
            texture_axes: uv_origin, u_axis and v_axis, (3,) each, in the object (see `Surfaces`).
        """
        points = np.asarray(corners, dtype=np.float64)
        if len(points) == 3:
            points = np.concatenate([points, points[2:]])
        axes = np.stack([np.asarray(part, dtype=np.float64) for part in texture_axes])
        rotation, translation = frame[:3, :3], frame[:3, 3]
        axes = rotated(axes, rotation)
        axes[0] += translation
        self._corners.append(rotated(points, rotation) + translation)
        self._axes.append(axes)
        self._looks.append(look)

    def build(self) -> Surfaces:
        """Return everything added so far."""
        looks = self._looks
        axes = np.array(self._axes, dtype=np.float64).reshape(-1, 3, 3)
        return Surfaces(
            corners=np.array(self._corners, dtype=np.float64).reshape(-1, 4, 3),
            uv_origin=axes[:, 0],
            u_axis=axes[:, 1],
            v_axis=axes[:, 2],
            texture=np.array([look.texture for look in looks], np.int64),
            label=np.array([look.label for look in looks], np.int64),
            instance=np.array([look.instance for look in looks], np.int64),
            emission=np.array([look.emission for look in looks], np.float64).reshape(-1, 3),
            finish=np.array([(look.gloss, look.shade, look.ground) for look in looks], np.float64).reshape(-1, 3),
            is_double_sided=np.array([look.is_double_sided for look in looks], np.bool_),
            is_cutout=np.array([look.is_cutout for look in looks], np.bool_),
        )


@dataclass(frozen=True, eq=False)
class Site:
    """Where things are built: surfaces go to `builder`, textures to `atlas`."""

    builder: SurfaceBuilder
    atlas: TextureAtlas


def raised(point: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    """Return the place (3,) that is `height` metres above a (3,) point, or above a (2,) one of the ground."""
    base = point[2] if len(point) == 3 else 0.0
    return np.array([point[0], point[1], base + height])


def frame_at(
    position: ArrayLike, right: ArrayLike = (1.0, 0.0, 0.0), up: ArrayLike = (0.0, 0.0, 1.0)
) -> NDArray[np.float64]:
    """Return world_from_object for an object with x to the right, y up and z out of the image.

    Args:
        position: (3,) origin of the object in the world.
        right: (3,) direction of its x axis, any length.
        up: (3,) direction of its y axis, at a right angle to `right`.
    """
    x_axis, y_axis = np.asarray(right, dtype=np.float64), np.asarray(up, dtype=np.float64)
    x_axis, y_axis = x_axis / np.linalg.norm(x_axis), y_axis / np.linalg.norm(y_axis)
    frame = np.eye(4)
    frame[:3, 0], frame[:3, 1], frame[:3, 2] = x_axis, y_axis, np.cross(x_axis, y_axis)
    frame[:3, 3] = np.asarray(position, dtype=np.float64)
    return frame
