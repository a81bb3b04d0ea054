# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far a trajectory is from the true one: errors after alignment, gaps of loops, scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, rotation_angle_rad
from sfd2_ros.geometry.alignment import alignment_scale, rigid_alignment
from sfd2_ros.geometry.geodesy import enu_from_geodetic, geodetic_from_enu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Poses = NDArray[np.float64]

LOOP_M = 4.0
"""Poses that are this near, and whose directions of view are similar, are of one place; a lane is 3 m wide."""
LOOP_DEG = 30.0
"""Half of what a usual camera sees: the two images share half of what they show."""
LOOP_WAY_M = 40.0
"""Way between two visits of a place: more than odometry needs to see the place again without leaving it."""
_LEVER_M = 1.0
"""Length of the axes that are aligned with the positions: the roll of a straight drive is free otherwise."""


@dataclass(frozen=True)
class TrajectoryScores:
    """Errors of a trajectory.

    Attributes:
        poses: number.
        median_m: median of the distances to the true positions after alignment by a rotation and a translation.
        worst_m: the largest of them.
        scaled_median_m: the median after alignment by a rotation, a translation and a scale: what remains where scale
            is not observable.
        median_deg: median angle between the aligned and the true rotations.
        scale_error: by which fraction the trajectory is too long; of the best alignment by a similarity.
        loops: places that were visited twice.
        gap_m: median over the loops of the error of the second pose in the frame of the first, metres; None without.
        worst_gap_m: the largest; None without.
    """

    poses: int
    median_m: float
    worst_m: float
    scaled_median_m: float
    median_deg: float
    scale_error: float
    loops: int
    gap_m: float | None
    worst_gap_m: float | None


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a map lies in the true frame.

    Attributes:
        true_from_map: (4, 4) rigid motion of the map after its lengths are multiplied by `scale`.
        scale: 1 where the map is compared with its own scale.
    """

    true_from_map: Poses
    scale: float

    def moved(self, map_from_body: Poses) -> Poses:
        """Return poses (4, 4) or (N, 4, 4) of the map in the true frame."""
        return self.true_from_map @ _times(map_from_body, self.scale)


def placement(estimated: Poses, true: Poses, *, with_scale: bool) -> Placed:
    """Return where a trajectory lies in the true frame, with the smallest squared errors.

    The ends of axes of one metre count as positions too, so that a straight drive has a roll.

    Args:
        estimated: (N, 4, 4) frame_from_body.
        true: (N, 4, 4) likewise.
        with_scale: whether lengths may be multiplied by a scale.
    """
    scale = 1 / (1 + scale_error(estimated, true)) if with_scale else 1.0
    return Placed(rigid_alignment(_with_axes(_times(estimated, scale)), _with_axes(true)), scale)


def trajectory_scores(estimated: Poses, true: Poses, tracks: Sequence[str]) -> TrajectoryScores:
    """Score a trajectory.

    Args:
        estimated: (N, 4, 4) frame_from_cam, each track in the order of time.
        true: (N, 4, 4) map_from_cam.
        tracks: of each pose the name of its camera; loops are searched within a track.
    """
    aligned = placement(estimated, true, with_scale=False).moved(estimated)
    errors_m = np.linalg.norm(aligned[:, :3, 3] - true[:, :3, 3], axis=1)
    scaled = placement(estimated, true, with_scale=True).moved(estimated)
    errors_deg = [np.degrees(rotation_angle_rad(inverse(a) @ b)) for a, b in zip(aligned, true, strict=True)]
    names = np.array(tracks)
    gaps = [gap for name in dict.fromkeys(tracks) for gap in _gaps(estimated[names == name], true[names == name])]
    return TrajectoryScores(
        poses=len(true),
        median_m=float(np.median(errors_m)),
        worst_m=float(errors_m.max()),
        scaled_median_m=float(np.median(np.linalg.norm(scaled[:, :3, 3] - true[:, :3, 3], axis=1))),
        median_deg=float(np.median(errors_deg)),
        scale_error=scale_error(estimated, true),
        loops=len(gaps),
        gap_m=float(np.median(gaps)) if gaps else None,
        worst_gap_m=float(np.max(gaps)) if gaps else None,
    )


def scale_error(estimated: Poses, true: Poses) -> float:
    """Return the fraction by which positions of (N, 4, 4) poses are too far apart; 0 for poses at one spot."""
    scale = alignment_scale(estimated[:, :3, 3], true[:, :3, 3])
    return 0.0 if scale is None else 1 / scale - 1


def absolute_errors_m(
    estimated: Poses, true: Poses, datum: tuple[float, float, float], true_datum: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Return (N,) distances of positions that are compared on the earth, without any alignment.

    Args:
        estimated: (N, 4, 4) poses in a map whose axes are east, north and up at its origin.
        true: (N, 4, 4) likewise.
        datum: latitude and longitude in degrees and height in metres (WGS84) of the origin of the map.
        true_datum: of the true poses.
    """
    places = enu_from_geodetic(geodetic_from_enu(estimated[:, :3, 3], datum), true_datum)
    errors_m: NDArray[np.float64] = np.linalg.norm(places - true[:, :3, 3], axis=1)
    return errors_m


def loop_pairs(true: Poses) -> list[tuple[int, int]]:
    """Return the pairs (earlier, later) of poses of one place: for each pose the nearest one of another visit.

    Args:
        true: (N, 4, 4) map_from_cam of one camera, in the order of time.
    """
    places, views = true[:, :3, 3], true[:, :3, 2]
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])
    pairs = []
    for later in range(len(true)):
        before = np.flatnonzero(way < way[later] - LOOP_WAY_M)
        distances = np.linalg.norm(places[before] - places[later], axis=1)
        near = (distances < LOOP_M) & (views[before] @ views[later] > np.cos(np.radians(LOOP_DEG)))
        if near.any():
            pairs.append((int(before[near][np.argmin(distances[near])]), later))
    return pairs


def _gaps(estimated: Poses, true: Poses) -> list[float]:
    gaps = []
    for earlier, later in loop_pairs(true):
        between_estimated = inverse(estimated[earlier]) @ estimated[later]
        between_true = inverse(true[earlier]) @ true[later]
        gaps.append(float(np.linalg.norm(between_estimated[:3, 3] - between_true[:3, 3])))
    return gaps


def _times(poses: Poses, scale: float) -> Poses:
    """Return poses (4, 4) or (N, 4, 4) with their positions times a scale."""
    scaled = poses.copy()
    scaled[..., :3, 3] *= scale
    return scaled


def _with_axes(poses: Poses) -> NDArray[np.float64]:
    """Return the (4N, 3) positions and ends of axes of (N, 4, 4) poses."""
    centres = poses[:, :3, 3]
    return np.concatenate([centres, *(centres + _LEVER_M * poses[:, :3, axis] for axis in range(3))])
