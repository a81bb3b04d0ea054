# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive past points, without images: keypoints with noise, descriptors, odometry that drifts, GNSS."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.drive import Drive, Keyframe, MountedCamera
from sfd2_ros.core.transforms import inverse, rigid, rotation_angle_rad, rotation_from_vector
from sfd2_ros.core.types import Camera, Features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pose = NDArray[np.float64]

CAMERA = Camera(640, 480, 400.0, 400.0, 319.5, 239.5)
_AHEAD = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
SIGHT_M = 25.0


@dataclass(frozen=True, eq=False)
class PointTown:
    """A drive and its ground truth.

    Attributes:
        drive: with odometry that drifts.
        truth: map_from_base (4, 4) of each keyframe.
        features: of each image of the drive.
        seen: which point each keypoint of an image shows.
        points: (N, 3) in the frame of the true poses.
    """

    drive: Drive
    truth: list[Pose]
    features: list[Features]
    seen: list[NDArray[np.int64]]
    points: NDArray[np.float64]

    def true_matches(self, pairs: list[tuple[int, int]], least: int = 15) -> dict[tuple[int, int], NDArray[np.uint32]]:
        """Return the right matches of pairs of images that have enough."""
        matches = {}
        for i, j in pairs:
            _, first, second = np.intersect1d(self.seen[i], self.seen[j], return_indices=True)
            if len(first) >= least:
                matches[i, j] = np.column_stack([first, second]).astype(np.uint32)
        return matches


def rig() -> tuple[MountedCamera, ...]:
    """Return three cameras: left, ahead, right."""
    mounts = [("left", 90.0, (0.0, 0.5, 1.6)), ("ahead", 0.0, (0.8, 0.0, 1.5)), ("right", -90.0, (0.0, -0.5, 1.6))]
    turned = [rotation_from_vector([0, 0, np.radians(yaw)]) @ _AHEAD for _, yaw, _ in mounts]
    return tuple(
        MountedCamera(name, CAMERA, rigid(turn, place)) for (name, _, place), turn in zip(mounts, turned, strict=True)
    )


def round_block(side_m: float, step_m: float, laps: float = 1.1) -> list[Pose]:
    """Return poses round a square with rounded corners, beginning in the middle of a side."""
    radius = side_m / 5
    straight, arc = side_m - 2 * radius, np.pi / 2 * radius
    poses, pose, done = [], rigid(np.eye(3), [0, 0, 0]), straight / 2
    for _ in range(int(laps * 4 * (straight + arc) / step_m)):
        poses.append(pose.copy())
        turn = step_m / radius if done % (straight + arc) >= straight else 0.0
        pose = pose @ rigid(
            rotation_from_vector([0, 0, turn]), [step_m * np.cos(turn / 2), step_m * np.sin(turn / 2), 0]
        )
        done += step_m
    return poses


def drifting(poses: list[Pose], *, scale: float, deg_per_m: float, seed: int = 0) -> list[Pose]:
    """Return what odometry of a wrong scale and a bias in yaw makes of poses, with 1 % of noise at every step."""
    generator = np.random.default_rng(seed)
    estimate = [poses[0]]
    for before, after in itertools.pairwise(poses):
        step = inverse(before) @ after
        way = float(np.linalg.norm(step[:3, 3]))
        step[:3, 3] *= scale * (1 + generator.normal(0, 0.01))
        turn = np.radians(deg_per_m) * way + generator.normal(0, 0.001) * np.sqrt(way)
        step[:3, :3] = step[:3, :3] @ rotation_from_vector([0, 0, turn])
        estimate.append(estimate[-1] @ step)
    return estimate


def point_town(
    truth: list[Pose],
    odometry: list[Pose],
    *,
    seed: int = 1,
    noise_px: float = 0.5,
    points_per_m: float = 12.0,
    place: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda points: points,
) -> PointTown:
    """Return a drive past walls of points on both sides of the way.

    Args:
        truth: (4, 4) poses.
        odometry: (4, 4) poses.
        seed: of points and noise.
        noise_px: standard deviation of keypoints.
        points_per_m: of the way.
        place: what is done with points (N, 3) before they are seen.
    """
    generator = np.random.default_rng(seed)
    points = place(_walls(truth, points_per_m, generator))
    descriptors = _unit(generator.normal(size=(len(points), 32)))
    cameras, features, seen, keyframes = rig(), [], [], []
    metres = radians = 0.0
    for number, (pose, measured) in enumerate(zip(truth, odometry, strict=True)):
        if number:
            step = inverse(odometry[number - 1]) @ measured
            metres, radians = metres + float(np.linalg.norm(step[:3, 3])), radians + rotation_angle_rad(step)
        for mounted in cameras:
            view, rows = _view(points, descriptors, inverse(pose @ mounted.base_from_cam), noise_px, generator)
            features.append(view)
            seen.append(rows)
        images = tuple((index, f"{mounted.name}/{number:05d}.png") for index, mounted in enumerate(cameras))
        keyframes.append(Keyframe(number * 200_000_000, measured, images, metres, radians))
    return PointTown(Drive(cameras, tuple(keyframes)), truth, features, seen, points)


def _walls(truth: list[Pose], per_m: float, generator: np.random.Generator) -> NDArray[np.float64]:
    places = np.array([pose[:3, 3] for pose in truth])
    way = float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())
    chosen = generator.integers(0, len(truth), int(way * per_m))
    side = generator.choice([-1, 1], len(chosen)) * generator.uniform(5, 10, len(chosen))
    local = np.column_stack([generator.uniform(-1, 1, len(chosen)), side, generator.uniform(0, 6, len(chosen))])
    points = np.array([truth[k][:3, :3] @ each + truth[k][:3, 3] for k, each in zip(chosen, local, strict=True)])
    # A wall within a corner of the way would stand on it.
    clear = np.array([np.min(np.linalg.norm((places - point)[:, :2], axis=1)) > 3 for point in points])
    return points[clear]


def _view(
    points: NDArray[np.float64],
    descriptors: NDArray[np.float32],
    cam_from_map: Pose,
    noise_px: float,
    generator: np.random.Generator,
) -> tuple[Features, NDArray[np.int64]]:
    in_camera = points @ cam_from_map[:3, :3].T + cam_from_map[:3, 3]
    near = np.flatnonzero((in_camera[:, 2] > 1) & (np.linalg.norm(in_camera, axis=1) < SIGHT_M))
    pixels = in_camera[near, :2] / in_camera[near, 2:] * CAMERA.fx + (CAMERA.cx, CAMERA.cy)
    pixels = pixels + generator.normal(scale=noise_px, size=pixels.shape)
    inside = np.all((pixels > 0) & (pixels < (CAMERA.width - 1, CAMERA.height - 1)), axis=1)
    rows, pixels = near[inside], pixels[inside].astype(np.float32)
    noisy = _unit(descriptors[rows] + generator.normal(scale=0.05, size=(len(rows), descriptors.shape[1])))
    ones = np.ones(len(rows), np.float32)
    return Features(pixels, ones, ones, noisy, (CAMERA.height, CAMERA.width), "points"), rows


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit
