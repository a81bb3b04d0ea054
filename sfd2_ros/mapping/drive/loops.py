# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Places seen again: candidates by how images look, poses by landmarks, and which of them can be right."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap

from sfd2_ros.core.transforms import inverse, rotation_angle_rad
from sfd2_ros.geometry.colmap_types import colmap_camera, colmap_points, matrix_from_rigid3d, rigid3d_from_matrix
from sfd2_ros.mapping.drive.odometry import RelativePose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.drive import Drive
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.drive.config import DriveConfig
    from sfd2_ros.mapping.match_images import PairMatches

    Poses = Sequence[NDArray[np.float64]]

_LOOP_SIGMA_M, _LOOP_SIGMA_RAD = 0.1, 0.01
"""Of a pose by landmarks that odometry placed: what some metres of odometry and a pixel come to. Not tuned."""
_MAX_ERROR_PX = 6.0
"""Of a match that agrees with the pose of a loop: landmarks are not exact yet."""
_MIN_SHARE = 0.1
"""Of the matches that must agree; between different places chance gives a few per cent. Not tuned."""
_NEAR_KEYFRAMES = 6
"""Loops whose ends are as few keyframes apart are of one place and must agree."""
_AGREE_M, _AGREE_RAD = 0.5, 0.05
"""Five times what one loop is exact to, see above."""
_FEWEST_TRIALS, _MOST_TRIALS = 50, 1000
"""Three of ten matches that are right are drawn together once in 37 trials. Not tuned."""
_DRIFT_SIGMAS = 5.0
"""What images leave open of a drift: more than usual outliers' three, as their errors are not normal. Not tuned."""
_LEAST_MISS_M, _LEAST_MISS_RAD = 1.0, np.radians(5.0)
"""By which any loop may be missed: ten of its own standard deviations. Not tuned."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A place that was seen again, or taken for it.

    Attributes:
        pose: of the later keyframe in the earlier one.
        rejected: why it is not used; empty for a loop that is.
    """

    pose: RelativePose
    rejected: str = ""


def candidate_pairs(
    drive: Drive, aggregates: NDArray[np.float32], config: DriveConfig
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return pairs of images (i, j), i < j, to match: neighbours in time, and those of other times that look alike.

    Args:
        drive: of the images.
        aggregates: (I, G) global descriptors of the images.
        config: how many.
    """
    keyframe = np.array([number for number, _, _ in drive.images])
    camera = np.array([camera for _, camera, _ in drive.images])
    way = np.array([one.travelled_m for one in drive.keyframes])[keyframe]
    near: set[tuple[int, int]] = set()
    alike: set[tuple[int, int]] = set()
    for index in range(len(keyframe)):
        later = keyframe - keyframe[index]
        follows = (later > 0) & (later <= config.neighbours) & (camera == camera[index])
        beside = (later >= 0) & (later <= 1) & (camera != camera[index]) & _sees_alike(drive, camera, index)
        near.update((index, int(other)) for other in np.flatnonzero(follows | beside) if other != index)
        similarity = np.where(np.abs(way - way[index]) >= config.apart_m, aggregates @ aggregates[index], -np.inf)
        for other in np.argsort(-similarity, kind="stable")[: config.similar_per_image]:
            if np.isfinite(similarity[other]):
                alike.add((min(index, int(other)), max(index, int(other))))
    ordered = {(min(pair), max(pair)) for pair in near}
    return sorted(ordered), sorted(alike - ordered)


def _sees_alike(drive: Drive, camera: NDArray[np.int64], index: int) -> NDArray[np.bool_]:
    """Return (I,) whether the cameras of images look the same way as that of one image, as those of a stereo pair."""
    axes = np.array([mounted.base_from_cam[:3, 2] for mounted in drive.cameras])
    alike = axes @ axes.T > np.cos(np.radians(45.0))
    return np.asarray(alike[camera[index], camera])


def find_loops(
    drive: Drive,
    features: Sequence[Features],
    matches: PairMatches,
    model: Any,
    config: DriveConfig,
    *,
    min_share: float = _MIN_SHARE,
) -> list[RelativePose]:
    """Return the poses of keyframes in others that landmarks give.

    Args:
        drive: cameras and keyframes.
        features: of each image.
        matches: of pairs of images of different places in time, not verified.
        model: the drive with landmarks that neighbours placed, see `rig_model`.
        config: when a pose counts.
        min_share: of the matches that must agree.
    """
    by_keyframes: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for pair in matches:
        by_keyframes[drive.images[pair[0]][0], drive.images[pair[1]][0]].append(pair)
    cameras = [colmap_camera(one.camera) for one in drive.cameras]
    mounts = [rigid3d_from_matrix(inverse(one.base_from_cam)) for one in drive.cameras]
    placed = [_placed(model, image_id) for image_id in range(1, len(drive.images) + 1)]
    found = []
    for (first, second), pairs in sorted(by_keyframes.items()):
        if first == second:
            continue
        base_from_map = matrix_from_rigid3d(model.frame(first + 1).rig_from_world)
        points, pixels, which = [], [], []
        for i, j in pairs:
            own = placed[i][matches[i, j][:, 0]]
            has = np.isfinite(own[:, 0])
            points.append(own[has])
            pixels.append(features[j].keypoints[matches[i, j][has, 1]])
            which += [drive.images[j][1]] * int(has.sum())
        if len(which) >= config.min_loop_inliers:
            seen = np.concatenate(points) @ base_from_map[:3, :3].T + base_from_map[:3, 3]
            pixel = colmap_points(np.concatenate(pixels))
            least = max(config.min_loop_inliers, int(np.ceil(min_share * len(which))))
            pose = _pose(seen, pixel, which, (mounts, cameras), least)
            if pose is not None:
                found.append(RelativePose(first, second, pose[0], _LOOP_SIGMA_M, _LOOP_SIGMA_RAD, pose[1]))
    return found


def _placed(model: Any, image_id: int) -> NDArray[np.float64]:
    """Return (N, 3) where the landmark of each keypoint of an image lies in the map; NaN where it has none."""
    points = model.image(image_id).points2D
    placed = np.full((len(points), 3), np.nan)
    for index, point in enumerate(points):
        if point.has_point3D():
            placed[index] = model.point3D(point.point3D_id).xyz
    return placed


def _pose(
    points: NDArray[np.float64],
    pixels: NDArray[np.float64],
    which: list[int],
    rig: tuple[list[Any], list[Any]],
    min_inliers: int,
) -> tuple[NDArray[np.float64], int] | None:
    """Return first_from_second (4, 4) and the number of matches that agree, or None when they are too few."""
    options = pycolmap.RANSACOptions()
    options.max_error, options.random_seed = _MAX_ERROR_PX, 0
    options.min_num_trials, options.max_num_trials = _FEWEST_TRIALS, _MOST_TRIALS
    answer = pycolmap.estimate_and_refine_generalized_absolute_pose(pixels, points, which, *rig, options)
    if answer is None:
        return None
    inliers = int(np.count_nonzero(answer["inlier_mask"]))
    if inliers < min_inliers:
        return None
    return inverse(matrix_from_rigid3d(answer["rig_from_world"])), inliers


def judged_loops(
    drive: Drive,
    found: Sequence[RelativePose],
    poses: Poses,
    config: DriveConfig,
    covariances: NDArray[np.float64] | None = None,
) -> list[Loop]:
    """Return loops, with those rejected that odometry cannot have missed so far, or that no loop beside them confirms.

    Args:
        drive: for the way between keyframes.
        found: poses of keyframes in others.
        poses: map_from_base (4, 4) by odometry, or better.
        config: how far odometry drifts.
        covariances: (K, 6, 6) of the poses, ROS's order: images that follow each other leave less open than odometry;
            None: of odometry alone.
    """
    possible = [_drift_problem(drive, one, poses, config, covariances) for one in found]
    plausible = [one for one, problem in zip(found, possible, strict=True) if not problem]
    judged = []
    for one, problem in zip(found, possible, strict=True):
        lonely = not problem and not any(_confirms(one, other, poses) for other in plausible if other is not one)
        judged.append(Loop(one, problem or ("no loop beside it agrees" if lonely else "")))
    return judged


def _drift_problem(
    drive: Drive, loop: RelativePose, poses: Poses, config: DriveConfig, covariances: NDArray[np.float64] | None
) -> str:
    way_m = drive.keyframes[loop.second].travelled_m - drive.keyframes[loop.first].travelled_m
    turn_rad = np.radians(config.max_drift_deg_per_m) * way_m
    turned_m = turn_rad * way_m / 2
    if covariances is not None:
        ends = covariances[[loop.first, loop.second]]
        turned_m = min(turned_m, _DRIFT_SIGMAS * _root_traces(ends[:, :3, :3]))
        turn_rad = min(turn_rad, _DRIFT_SIGMAS * _root_traces(ends[:, 3:, 3:]))
    allowed_m = config.max_drift_share * way_m + turned_m + _LEAST_MISS_M
    missed = inverse(loop.first_from_second) @ inverse(poses[loop.first]) @ poses[loop.second]
    missed_m, missed_rad = float(np.linalg.norm(missed[:3, 3])), rotation_angle_rad(missed)
    if missed_m > allowed_m:
        return f"odometry misses it by {missed_m:.1f} m on a way of {way_m:.0f} m, at most {allowed_m:.1f} m is allowed"
    if missed_rad > turn_rad + _LEAST_MISS_RAD:
        return f"odometry misses it by {np.degrees(missed_rad):.0f} degrees on a way of {way_m:.0f} m"
    return ""


def _root_traces(covariances: NDArray[np.float64]) -> float:
    """Return the sum of the standard deviations of vectors with covariances (N, 3, 3)."""
    return float(np.sqrt(np.maximum(np.trace(covariances, axis1=1, axis2=2), 0.0)).sum())


def _confirms(one: RelativePose, other: RelativePose, poses: Poses) -> bool:
    """Return whether two loops of nearly the same keyframes agree, with the poses between their ends."""
    if max(abs(one.first - other.first), abs(one.second - other.second)) > _NEAR_KEYFRAMES:
        return False
    first_ends = inverse(poses[one.first]) @ poses[other.first]
    second_ends = inverse(poses[one.second]) @ poses[other.second]
    round_trip = inverse(one.first_from_second @ second_ends) @ first_ends @ other.first_from_second
    return bool(np.linalg.norm(round_trip[:3, 3]) <= _AGREE_M and rotation_angle_rad(round_trip) <= _AGREE_RAD)
