# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the features of one image and a map to a pose, or to the reason why there is none."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_ros.core.config import check_config
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Evidence, PoseEstimate, Status
from sfd2_ros.localization.candidates import covisible_groups, facing, images_near, landmarks_of, similar_images
from sfd2_ros.localization.config import LocalizerConfig
from sfd2_ros.localization.gating import judge, log10_false_alarms, spread
from sfd2_ros.localization.pnp import (
    PnpSolution,
    pose_covariance,
    project,
    refine_pose,
    reprojection_errors_px,
    solve_pnp,
)
from sfd2_ros.matching.guided import match_guided
from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.mapping.map_store import Map

_GUIDED_ROUNDS = 2


@dataclass(frozen=True, eq=False)
class _Found:
    """Matches of query keypoints with landmarks, and the pose that they agree on."""

    keypoints: NDArray[np.int64]
    landmarks: NDArray[np.int64]
    solution: PnpSolution

    @property
    def num_inliers(self) -> int:
        return int(self.solution.is_inlier.sum())


@dataclass
class _Trace:
    """What a call has learnt so far, kept for the evidence whatever its outcome."""

    num_keypoints: int
    candidates: tuple[str, ...] = ()
    num_matches: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start

    def evidence(self) -> Evidence:
        return Evidence(self.num_keypoints, self.num_matches, candidates=self.candidates, seconds=self.seconds)

    def refuse(self, status: Status, reason: str, evidence: Evidence | None = None) -> PoseEstimate:
        return PoseEstimate(status, reason, None, None, evidence or self.evidence())


class Localizer:
    """Localizes images in one map; the same for files and for the live node."""

    def __init__(self, map_: Map, config: LocalizerConfig | None = None, *, device: str = "cpu") -> None:
        """Keep a map and the settings.

        Args:
            map_: from `mapping.load_map`.
            config: None for the defaults.
            device: torch device for matching.

        Raises:
            ConfigError: a setting is not allowed.
        """
        self.map = map_
        self.config = config or LocalizerConfig()
        self._device = device
        check_config(self.config)

    def localize(self, features: Features, camera: Camera) -> PoseEstimate:
        """Find where a camera was.

        Args:
            features: of its image, made with the weights of the map.
            camera: its intrinsics, for the image that the features were extracted from.

        Returns:
            A measured pose with covariance and evidence, or the reason why there is none.
        """
        trace = _Trace(len(features))
        refusal = self._unfit(features, camera, trace)
        if refusal is not None:
            return refusal
        with trace.timed("retrieve"):
            candidates = similar_images(self.map, features, self.config.candidates)
            groups = covisible_groups(self.map.landmarks, candidates, self.config.min_shared_landmarks)
        trace.candidates = tuple(self.map.images[index].name for index in candidates)
        best = self._search(groups, features, camera, trace)
        if isinstance(best, PoseEstimate):
            return best
        # Evidence is counted on matches made without knowing the pose: guided ones agree by construction.
        false_alarms = log10_false_alarms(
            num_matches=len(best.keypoints),
            num_agreeing=best.num_inliers,
            radius_px=self.config.max_error_px,
            camera=camera,
        )
        if false_alarms <= self.config.max_log10_false_alarms:
            best = self._guide(best, features, camera, trace)
        return self._conclude(best, features, camera, trace, false_alarms)

    def _unfit(self, features: Features, camera: Camera, trace: _Trace) -> PoseEstimate | None:
        if features.weights_id != self.map.weights_id:
            return trace.refuse(
                Status.WRONG_WEIGHTS,
                f"features are of weights {features.weights_id!r}, the map of {self.map.weights_id!r}; "
                "build the map again with the weights in use",
            )
        if features.image_size != (camera.height, camera.width):
            height, width = features.image_size
            return trace.refuse(
                Status.WRONG_IMAGE_SIZE,
                f"the image is {width}x{height}, its camera {camera.width}x{camera.height}",
            )
        if len(features) < self.config.min_matches:
            return trace.refuse(
                Status.NO_FEATURES, f"{len(features)} keypoints found, {self.config.min_matches} are needed"
            )
        return None

    def _search(
        self, groups: list[list[int]], features: Features, camera: Camera, trace: _Trace
    ) -> _Found | PoseEstimate:
        """Try the places that retrieval proposes and return the best pose, or the refusal."""
        best: _Found | None = None
        for group in groups:
            landmarks = landmarks_of(self.map.landmarks, group)
            with trace.timed("match"):
                found = match_mutual(
                    torch.as_tensor(features.descriptors, device=self._device),
                    torch.as_tensor(
                        np.asarray(self.map.landmarks.descriptors[landmarks], np.float32), device=self._device
                    ),
                    min_similarity=self.config.min_similarity,
                )
            trace.num_matches = max(trace.num_matches, len(found))
            if len(found) < self.config.min_matches:
                continue
            chosen = landmarks[found.target]
            with trace.timed("pose"):
                solution = solve_pnp(
                    features.keypoints[found.query],
                    self.map.landmarks.positions[chosen],
                    camera,
                    max_error_px=self.config.max_error_px,
                )
            if solution is not None and (best is None or int(solution.is_inlier.sum()) > best.num_inliers):
                best = _Found(found.query, chosen, solution)
        if best is not None:
            return best
        if not groups:
            return trace.refuse(Status.NO_CANDIDATES, "the map has no image to compare with")
        if trace.num_matches < self.config.min_matches:
            reason = f"{trace.num_matches} matches with the map, {self.config.min_matches} are needed"
            return trace.refuse(Status.FEW_MATCHES, reason)
        return trace.refuse(Status.NO_POSE, f"no pose fits the {trace.num_matches} matches")

    def _guide(self, found: _Found, features: Features, camera: Camera, trace: _Trace) -> _Found:
        """Look again for landmarks near the pose where it says they are, and refine it with them."""
        if self.config.guided_radius_px == 0:
            return found
        for round_index in range(_GUIDED_ROUNDS):
            pose = found.solution.cam_from_map
            with trace.timed("match"):
                near = landmarks_of(self.map.landmarks, images_near(self.map, pose, self.config.neighbours))
                near = facing(self.map.landmarks, near, pose)
                matches = match_guided(
                    features.keypoints,
                    features.descriptors,
                    project(pose, self.map.landmarks.positions[near], camera),
                    self.map.landmarks.descriptors[near],
                    radius_px=self.config.guided_radius_px / (1 + round_index),
                    min_similarity=self.config.min_similarity,
                )
            keypoints, landmarks = matches.query, near[matches.target]
            with trace.timed("pose"):
                refined = self._refine(pose, keypoints, landmarks, features, camera)
            if refined.is_inlier.sum() < self.config.min_inliers:
                return found
            found = _Found(keypoints, landmarks, refined)
        return found

    def _refine(
        self,
        pose: NDArray[np.float64],
        keypoints: NDArray[np.int64],
        landmarks: NDArray[np.int64],
        features: Features,
        camera: Camera,
    ) -> PnpSolution:
        pixels, positions = features.keypoints[keypoints], self.map.landmarks.positions[landmarks]
        for limit_px in (self.config.max_error_px, self.config.final_error_px):
            agrees = reprojection_errors_px(pose, pixels, positions, camera) <= limit_px
            pose = refine_pose(pose, pixels[agrees], positions[agrees], camera)
        agrees = reprojection_errors_px(pose, pixels, positions, camera) <= self.config.final_error_px
        return PnpSolution(pose, agrees)

    def _conclude(
        self, found: _Found, features: Features, camera: Camera, trace: _Trace, false_alarms: float
    ) -> PoseEstimate:
        pose, agrees = found.solution.cam_from_map, found.solution.is_inlier
        keypoints, landmarks = found.keypoints[agrees], found.landmarks[agrees]
        pixels, positions = features.keypoints[keypoints], self.map.landmarks.positions[landmarks]
        errors_px = reprojection_errors_px(pose, pixels, positions, camera)
        rms_px = float(np.sqrt(np.mean(errors_px**2))) if len(errors_px) else float("nan")
        evidence = replace(
            trace.evidence(),
            num_matches=len(found.keypoints),
            num_inliers=len(keypoints),
            reprojection_error_px=rms_px,
            spread=spread(pixels, camera),
            log10_false_alarms=false_alarms,
            inlier_keypoints=keypoints,
            inlier_landmarks=landmarks,
        )
        covariance = None
        if len(keypoints) >= self.config.min_inliers:
            # Errors are two-dimensional: each axis has 1/sqrt(2) of the distance.
            sigma_px = max(rms_px / np.sqrt(2), self.config.min_sigma_px)
            covariance = pose_covariance(pose, positions, camera, sigma_px=sigma_px)
        status, reason = judge(evidence, covariance, self.config, metric=self.map.units == "metres")
        if status is not Status.LOCALIZED or covariance is None:
            return trace.refuse(status, reason, evidence)
        return PoseEstimate(status, reason, inverse(pose), covariance, evidence)
