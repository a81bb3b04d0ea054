# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which landmarks of two sessions are the same point, and which landmarks were visible in a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from sfd2_ros.core.noise import NoiseConfig
from sfd2_ros.core.transforms import inverse
from sfd2_ros.geometry.projection import image_points, in_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import PosedImage
    from sfd2_ros.mapping.landmarks import Landmarks

SAME_LOOK_COSINE = 0.6
"""Descriptors of one point that are less alike are two appearances of it, such as by day and by night. The median
cosine of two observations in one session is about 0.8. Not tuned."""
_CANDIDATES = 8
"""Number of nearest landmarks that each is compared with. Not tuned."""
_CHI_SQUARE_99, _CHI_SQUARE_75 = 11.34, 4.11
"""Limits for three degrees of freedom: for alike descriptors, and for unlike ones."""
_FACING_COSINE = 0.5
"""Largest angle between the viewing directions of two landmarks of one point: 60 degrees. Not tuned."""
_NEIGHBOUR_PX = 40.0
"""A landmark was visible where the image observes another within this distance, at about its depth. Not tuned."""
_DEPTH_SHARE = 0.3
"""Largest difference of the two depths, as a fraction: a landmark farther behind was hidden. Not tuned."""


@dataclass(frozen=True, eq=False)
class SamePoints:
    """Landmarks of two sessions that are one point.

    Attributes:
        base: (M,) rows in the first session, each once.
        other: (M,) rows in the second session, each once.
        same_look: (M,) whether the descriptors are alike, too.
    """

    base: NDArray[np.int64]
    other: NDArray[np.int64]
    same_look: NDArray[np.bool_]


def find_same_points(base: Landmarks, other: Landmarks, *, alignment_std_m: float) -> SamePoints:
    """Find landmarks that are the same point, by position, viewing direction and descriptor.

    Landmarks with alike descriptors must lie within the 99 % region of their difference and be mutual nearest
    neighbours by descriptor. Of the others, mutual nearest neighbours by position within the 75 % region are one point
    with two descriptors.

    Args:
        base: landmarks of the one session.
        other: of the other, in the same frame.
        alignment_std_m: how exactly the two frames are known to agree, metres.
    """
    if len(base) == 0 or len(other) == 0:
        empty = np.empty(0, np.int64)
        return SamePoints(empty, empty, np.empty(0, bool))
    left, right, squares = _near_pairs(base, other, alignment_std_m)
    cosine = np.einsum("ij,ij->i", base.descriptors[left], other.descriptors[right])
    alike = _mutual(left, right, np.where((squares <= _CHI_SQUARE_99) & (cosine >= SAME_LOOK_COSINE), -cosine, np.inf))
    is_free = ~np.isin(left, left[alike]) & ~np.isin(right, right[alike])
    unlike = _mutual(left, right, np.where(is_free & (squares <= _CHI_SQUARE_75), squares, np.inf))
    chosen = np.concatenate([alike, unlike])
    same_look = np.arange(len(chosen)) < len(alike)
    return SamePoints(left[chosen], right[chosen], same_look)


def _near_pairs(
    base: Landmarks, other: Landmarks, alignment_std_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return rows of both, and the squared normalised distances, of pairs seen from the same side."""
    count = min(_CANDIDATES, len(base))
    nearest = np.asarray(cKDTree(base.positions).query(other.positions, k=count)[1]).reshape(len(other), count)
    left, right = nearest.reshape(-1).astype(np.int64), np.repeat(np.arange(len(other)), count)
    facing = np.einsum("ij,ij->i", base.normals[left], other.normals[right]) >= _FACING_COSINE
    left, right = left[facing], right[facing]
    difference = base.positions[left] - other.positions[right]
    variance = NoiseConfig().landmark_sigma_px ** 2
    covariances = variance * (base.covariance_of(left) + other.covariance_of(right))
    covariances += alignment_std_m**2 * np.eye(3)
    squares = np.einsum("ni,ni->n", difference, np.linalg.solve(covariances, difference[..., None])[..., 0])
    return left, right, squares


def _mutual(left: NDArray[np.int64], right: NDArray[np.int64], cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the pairs whose cost is the least of both of their ends; infinite ones are none."""
    best_left, best_right = (np.full(int(side.max(initial=-1)) + 1, np.inf) for side in (left, right))
    np.minimum.at(best_left, left, cost)
    np.minimum.at(best_right, right, cost)
    chosen = np.flatnonzero(np.isfinite(cost) & (cost == best_left[left]) & (cost == best_right[right]))
    chosen = chosen[np.unique(left[chosen], return_index=True)[1]]
    found: NDArray[np.int64] = chosen[np.unique(right[chosen], return_index=True)[1]]
    return found


def visible_in_session(base: Landmarks, other: Landmarks, images: Sequence[PosedImage]) -> NDArray[np.bool_]:
    """Return (L,) which landmarks of the base were visible in a session.

    A landmark was visible in an image whose viewing direction is like the one of its observations, and that observes
    another landmark near it at about its depth: nothing hid it, and the image had light and texture there.

    Args:
        base: landmarks of the map.
        other: landmarks of the session.
        images: of the session, in the frame of the base.
    """
    found = np.zeros(len(base), bool)
    normals = base.normals[:]
    for index, image in enumerate(images):
        seen = np.asarray(other.seen_by(index))
        if len(seen) == 0:
            continue
        pose, camera = image.cam_from_world, image.camera
        rotated, mapped = (rows @ pose[:3, :3].T + pose[:3, 3] for rows in (base.positions, other.positions[seen]))
        towards = inverse(pose)[:3, 3] - base.positions
        cosine = np.einsum("ij,ij->i", towards, normals) / np.maximum(np.linalg.norm(towards, axis=1), 1e-12)
        tested = np.flatnonzero(~found & (rotated[:, 2] > 0) & (cosine >= _FACING_COSINE))
        pixels = image_points(camera, rotated[tested])
        inside = in_image(camera, pixels)
        tested, pixels = tested[inside], pixels[inside]
        distance, nearest = cKDTree(other.keypoints_of(index)).query(pixels, distance_upper_bound=_NEIGHBOUR_PX)
        near = np.isfinite(distance)
        depths = mapped[np.where(near, nearest, 0), 2]
        found[tested[near & (np.abs(rotated[tested, 2] - depths) <= _DEPTH_SHARE * depths)]] = True
    return found
