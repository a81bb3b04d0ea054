# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The localization procedure of the released SFD2 code, written from its description, on our maps.

Reference images are tried one by one; the first with enough inliers ends the search, and its pose is refined with the
landmarks of the images around it. Without any, the best pose counts; without one, **the pose of the most similar
reference image is returned, which is no measurement**: the published results contain such poses, and here they are
marked. One difference: a landmark of our maps has one descriptor, the mean of its observations, where the released
code keeps one per observation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_ros.core.transforms import inverse, rotation_angle_rad
from sfd2_ros.localization.candidates import landmarks_of
from sfd2_ros.localization.pnp import PnpSolution, reprojection_errors_px, solve_pnp
from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_lab.datasets.benchmarks.procedures import PaperConfig
    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.mapping.map_store import Map

_SAME_WAY_RAD = float(np.radians(10.0))


@dataclass(frozen=True, eq=False)
class PaperPose:
    """What the procedure returns.

    Attributes:
        status: "localized", or "retrieved" when it is the pose of a reference image.
        cam_from_map: (4, 4).
        num_inliers: of a measured pose, else 0.
    """

    status: str
    cam_from_map: NDArray[np.float64]
    num_inliers: int


@dataclass(frozen=True, eq=False)
class _Found:
    """A pose with the matches that it was made from."""

    solution: PnpSolution
    keypoints: NDArray[np.int64]
    landmarks: NDArray[np.int64]

    @property
    def num_inliers(self) -> int:
        return int(self.solution.is_inlier.sum())


class PaperLocalizer:
    """Localizes images in one map as the released code does.

    Args:
        map_: the whole map of a place.
        config: settings.
        device: torch device for matching.
    """

    def __init__(self, map_: Map, config: PaperConfig, device: str = "cpu") -> None:
        self._map, self._config, self._device = map_, config, device
        self._track = np.bincount(map_.landmarks.image_landmarks, minlength=len(map_.landmarks))

    def localize(self, features: Features, camera: Camera, candidates: Sequence[int]) -> PaperPose:
        """Return a pose in any case.

        Args:
            features: of the query.
            camera: its intrinsics.
            candidates: indices of reference images, most similar first; at least one.
        """
        best: tuple[_Found, int] | None = None
        for image in candidates[: self._config.candidates]:
            found = self._solve(features, camera, [image])
            if found is None or found.num_inliers < self._config.min_matches:
                continue
            if best is None or found.num_inliers > best[0].num_inliers:
                best = found, image
            if found.num_inliers >= max(self._config.enough_inliers, self._config.min_inliers):
                refined = self._refine(features, camera, found, image)
                return PaperPose("localized", refined.solution.cam_from_map, refined.num_inliers)
        if best is not None and best[0].num_inliers >= self._config.min_inliers:
            return PaperPose("localized", best[0].solution.cam_from_map, best[0].num_inliers)
        return PaperPose("retrieved", self._map.images[candidates[0]].cam_from_world, 0)

    def _match(self, features: Features, images: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return matched keypoints and landmarks."""
        chosen = landmarks_of(self._map.landmarks, images)
        chosen = chosen[self._track[chosen] >= self._config.min_track]
        query, target = (
            torch.as_tensor(np.asarray(one, np.float32), device=self._device)
            for one in (features.descriptors, self._map.landmarks.descriptors[chosen])
        )
        matches = match_mutual(query, target)
        return matches.query, chosen[matches.target]

    def _solve(self, features: Features, camera: Camera, images: Sequence[int]) -> _Found | None:
        keypoints, landmarks = self._match(features, images)
        return self._pose(features, camera, keypoints, landmarks)

    def _pose(
        self, features: Features, camera: Camera, keypoints: NDArray[np.int64], landmarks: NDArray[np.int64]
    ) -> _Found | None:
        if len(keypoints) < self._config.min_matches:
            return None
        pixels, positions = features.keypoints[keypoints], self._map.landmarks.positions[landmarks]
        solution = solve_pnp(pixels, positions, camera, max_error_px=self._config.max_error_px)
        return None if solution is None else _Found(solution, keypoints, landmarks)

    def _refine(self, features: Features, camera: Camera, found: _Found, image: int) -> _Found:
        """Match the images around, keep what is near its projection, and solve again and again."""
        pose = found.solution.cam_from_map
        keypoints, landmarks = self._match(features, self._around(image, pose))
        near = self._errors_px(features, camera, pose, keypoints, landmarks) <= self._config.radius_px
        keypoints, landmarks = keypoints[near], landmarks[near]
        refined = self._pose(features, camera, keypoints, landmarks)
        if refined is None or refined.num_inliers < found.num_inliers:
            return found
        for _ in range(self._config.rounds):
            pose = refined.solution.cam_from_map
            agrees = self._errors_px(features, camera, pose, keypoints, landmarks) <= self._config.max_error_px
            again = self._pose(features, camera, keypoints[agrees], landmarks[agrees])
            if again is None:
                break
            refined = again
        return refined

    def _errors_px(
        self,
        features: Features,
        camera: Camera,
        pose: NDArray[np.float64],
        keypoints: NDArray[np.int64],
        landmarks: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        positions = self._map.landmarks.positions[landmarks]
        return reprojection_errors_px(pose, features.keypoints[keypoints], positions, camera)

    def _around(self, image: int, cam_from_map: NDArray[np.float64]) -> list[int]:
        """Return the images that refine a pose: covisible with an image, by nearness or by shared landmarks."""
        seen = self._map.landmarks.seen_by(image)
        shared = [
            (len(np.intersect1d(seen, self._map.landmarks.seen_by(other), assume_unique=True)), other)
            for other in range(len(self._map.images))
        ]
        covisible = [(count, other) for count, other in shared if count > 0]
        if self._config.rank == "shared":
            ranked = [other for _, other in sorted(covisible, key=lambda one: -one[0])]
            return ranked[: self._config.covisible]
        centre = inverse(cam_from_map)[:3, 3]
        poses = {other: self._map.images[other].cam_from_world for _, other in covisible}
        same_way = [
            other for other, pose in poses.items() if rotation_angle_rad(pose @ inverse(cam_from_map)) <= _SAME_WAY_RAD
        ]
        distance = {other: float(np.linalg.norm(inverse(poses[other])[:3, 3] - centre)) for other in same_way}
        return sorted(same_way, key=lambda other: distance[other])[: self._config.covisible]
