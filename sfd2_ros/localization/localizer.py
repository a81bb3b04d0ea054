# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the features of one image and a map to a pose, or to the reason why there is none."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.config import check_config
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Evidence, PoseEstimate, Status
from sfd2_ros.localization.candidates import MapViews, covisible_groups, facing, landmarks_of, similar_images
from sfd2_ros.localization.config import LocalizerConfig
from sfd2_ros.localization.gating import judge, log10_false_alarms, spread
from sfd2_ros.localization.pnp import PnpSolution, project, reprojection_errors_px
from sfd2_ros.localization.refine import Observations, refine_pose
from sfd2_ros.localization.search import (
    Hypothesis,
    LandmarkMatches,
    find_pose,
    find_rival,
    is_other_place,
    match_landmarks,
)
from sfd2_ros.matching.guided import match_guided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.mapping.map_store import Map

_GUIDED_ROUNDS = 2


@dataclass
class _Trace:
    """What a call has learnt so far, kept for the evidence whatever its outcome."""

    num_keypoints: int
    candidates: tuple[str, ...] = ()
    num_matches: int = 0
    log10_false_alarms: float = float("nan")
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start

    def evidence(self) -> Evidence:
        return Evidence(
            self.num_keypoints,
            self.num_matches,
            log10_false_alarms=self.log10_false_alarms,
            candidates=self.candidates,
            seconds=self.seconds,
        )

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
        self._views = MapViews(map_)
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
        found = self._search(groups, features, camera, trace)
        if not found:
            return self._nothing_found(trace)
        best = found[0]
        # Evidence is counted on matches made without knowing the pose: guided ones agree by construction.
        trace.log10_false_alarms = self._false_alarms(best, camera)
        if trace.log10_false_alarms <= self.config.max_log10_false_alarms:
            with trace.timed("pose"):
                rival = self._strongest_rival(found, features, camera)
            if rival is not None:
                trace.num_matches = len(best.matches)
                return trace.refuse(
                    Status.AMBIGUOUS_PLACE,
                    f"{best.num_inliers} matches agree on one place and {rival.num_inliers} on another",
                )
            best = self._guide(best, features, camera, trace)
        return self._conclude(best, features, camera, trace)

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

    def _search(self, groups: list[list[int]], features: Features, camera: Camera, trace: _Trace) -> list[Hypothesis]:
        """Try the places that retrieval proposes; poses with the most inliers first."""
        found = []
        for group in groups:
            with trace.timed("match"):
                chosen = landmarks_of(self.map.landmarks, group)
                matches = match_landmarks(features, self.map.landmarks, chosen, self.config, self._device)
            trace.num_matches = max(trace.num_matches, len(matches))
            if len(matches) >= self.config.min_matches:
                with trace.timed("pose"):
                    hypothesis = find_pose(features, self.map.landmarks, matches, camera, self.config)
                if hypothesis is not None:
                    found.append(hypothesis)
        return sorted(found, key=lambda one: -one.num_inliers)

    def _nothing_found(self, trace: _Trace) -> PoseEstimate:
        if not trace.candidates:
            return trace.refuse(Status.NO_CANDIDATES, "the map has no image to compare with")
        if trace.num_matches < self.config.min_matches:
            reason = f"{trace.num_matches} matches with the map, {self.config.min_matches} are needed"
            return trace.refuse(Status.FEW_MATCHES, reason)
        return trace.refuse(Status.NO_POSE, f"no pose fits the {trace.num_matches} matches")

    def _false_alarms(self, hypothesis: Hypothesis, camera: Camera) -> float:
        return log10_false_alarms(
            num_matches=len(hypothesis.matches),
            num_agreeing=hypothesis.num_inliers,
            radius_px=self.config.max_error_px,
            camera=camera,
        )

    def _strongest_rival(self, found: list[Hypothesis], features: Features, camera: Camera) -> Hypothesis | None:
        """Return a pose of another place that has too large a share of the best one's support, or None."""
        best, landmarks = found[0], self.map.landmarks
        rivals = [one for one in found[1:] if is_other_place(one, best, landmarks)]
        hidden = find_rival(best, features, landmarks, camera, self.config)
        rivals += [] if hidden is None else [hidden]
        needed = self.config.max_rival_share * best.num_inliers
        strong = [
            one
            for one in rivals
            if one.num_inliers > needed and self._false_alarms(one, camera) <= self.config.max_log10_false_alarms / 2
        ]
        return max(strong, key=lambda one: one.num_inliers, default=None)

    def _guide(self, found: Hypothesis, features: Features, camera: Camera, trace: _Trace) -> Hypothesis:
        """Look again for landmarks near the pose where it says they are, and refine it with them."""
        if self.config.guided_radius_px == 0:
            return found
        for round_index in range(_GUIDED_ROUNDS):
            pose = found.solution.cam_from_map
            with trace.timed("match"):
                near = landmarks_of(self.map.landmarks, self._views.near(pose, self.config.neighbours))
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
            found = Hypothesis(LandmarkMatches(keypoints, landmarks, np.ones(len(keypoints), bool)), refined)
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
            if agrees.sum() >= self.config.min_inliers:
                pose = refine_pose(
                    pose, self._observed(keypoints[agrees], landmarks[agrees], features, camera)
                ).cam_from_map
        agrees = reprojection_errors_px(pose, pixels, positions, camera) <= self.config.final_error_px
        return PnpSolution(pose, agrees)

    def _observed(
        self, keypoints: NDArray[np.int64], landmarks: NDArray[np.int64], features: Features, camera: Camera
    ) -> Observations:
        return Observations(
            keypoints=features.keypoints[keypoints],
            positions=self.map.landmarks.positions[landmarks],
            covariances=self.map.landmarks.covariance_of(landmarks),
            camera=camera,
            sigma_px=self.config.sigma_px,
        )

    def _conclude(self, found: Hypothesis, features: Features, camera: Camera, trace: _Trace) -> PoseEstimate:
        """Measure the pose with its uncertainty, and accept or refuse it."""
        pose, agrees = found.solution.cam_from_map, found.solution.is_inlier
        keypoints, landmarks = found.matches.keypoints[agrees], found.matches.landmarks[agrees]
        covariance = None
        if len(keypoints) >= self.config.min_inliers:
            with trace.timed("pose"):
                refined = refine_pose(pose, self._observed(keypoints, landmarks, features, camera))
            pose = refined.cam_from_map
            covariance = None if refined.covariance is None else self.config.covariance_scale * refined.covariance
        pixels, positions = features.keypoints[keypoints], self.map.landmarks.positions[landmarks]
        errors_px = reprojection_errors_px(pose, pixels, positions, camera)
        evidence = replace(
            trace.evidence(),
            num_matches=len(found.matches),
            num_inliers=len(keypoints),
            reprojection_error_px=float(np.sqrt(np.mean(errors_px**2))) if len(errors_px) else float("nan"),
            spread=spread(pixels, camera),
            inlier_keypoints=keypoints,
            inlier_landmarks=landmarks,
        )
        status, reason = judge(evidence, covariance, self.config, metric=self.map.units == "metres")
        if status is not Status.LOCALIZED or covariance is None:
            return trace.refuse(status, reason, evidence)
        return PoseEstimate(status, reason, inverse(pose), covariance, evidence)
