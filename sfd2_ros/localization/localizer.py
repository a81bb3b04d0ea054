# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the features of one image, or of several taken together, and a map to a pose, or to why there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.config import check_config
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.geometry.ideal import ideal_camera, ideal_features, needs_ideal
from sfd2_ros.localization.candidates import MapViews
from sfd2_ros.localization.config import LocalizerConfig
from sfd2_ros.localization.context import MapContext
from sfd2_ros.localization.follow import follow
from sfd2_ros.localization.gating import log10_false_alarms
from sfd2_ros.localization.intrinsics import intrinsics_contradiction
from sfd2_ros.localization.measure import conclude, look_again
from sfd2_ros.localization.modes import other_mode
from sfd2_ros.localization.places import search_places
from sfd2_ros.localization.query import Query, View
from sfd2_ros.localization.search import Hypothesis, find_rival, is_other_place
from sfd2_ros.localization.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features, PoseEstimate
    from sfd2_ros.localization.follow import Window
    from sfd2_ros.localization.frames import BasePose, RigEstimate
    from sfd2_ros.mapping.map_store import Map


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
        check_config(self.config)
        self._context = MapContext(map_, MapViews(map_), self.config, device)

    def use(self, config: LocalizerConfig) -> None:
        """Go on with other settings, in the same map.

        Raises:
            ConfigError: a setting is not allowed.
        """
        check_config(config)
        self.config = config
        self._context = replace(self._context, config=config)

    def localize(self, features: Features, camera: Camera) -> PoseEstimate:
        """Find where a camera was.

        Args:
            features: of its image, made with the weights of the map.
            camera: its intrinsics, for the image that the features were extracted from.

        Returns:
            A measured pose with covariance and evidence, or the reason why there is none.
        """
        return self.localize_rig([View(features, camera, np.eye(4))]).of_camera()

    def localize_rig(self, views: Sequence[View], *, near: NDArray[np.float64] | None = None) -> RigEstimate:
        """Find where a body was that carries one camera or several, searching the whole map.

        Args:
            views: pictures of one moment, at least one; those that hold nothing to go by are left out.
            near: (4, 4) map_from_base of a hint; the map images near it are tried beside those that look alike.

        Returns:
            A measured pose of the body with covariance and evidence, or the reason why there is none.
        """
        trace = Trace(sum(len(view.features) for view in views))
        usable, refusal = self._usable(views, trace)
        if refusal is not None:
            return refusal
        query = Query(usable)
        nearby = [] if near is None else self._near(query, near)
        found = search_places(query, self._context, trace, nearby)
        if not found:
            return self._nothing_found(trace)
        best, other = found[0], None
        # Evidence is counted on matches made without knowing the pose: guided ones agree by construction.
        trace.log10_false_alarms = self._false_alarms(best, query)
        if trace.log10_false_alarms <= self.config.max_log10_false_alarms:
            contradiction = self._contradiction(found, query, trace)
            if contradiction is not None:
                trace.num_matches = len(best.matches)
                return trace.refuse(*contradiction)
            other = self._other_mode(best, query, trace)
            best = look_again(best, query, self._context, trace)
        return conclude(best, query, self._context, trace, other=other)

    def follow(self, views: Sequence[View], expected: BasePose, window: Window) -> RigEstimate:
        """Find where a body was that is expected somewhere, looking only at the landmarks in view from there.

        Cheaper than `localize_rig`. The expectation tells where to look, never where the body is: the pose is
        measured from the images alone, and needs evidence that the expectation does not imply.

        Args:
            views: as for `localize_rig`.
            expected: predicted pose, with its uncertainty.
            window: how far landmarks are looked for.
        """
        trace = Trace(sum(len(view.features) for view in views))
        usable, refusal = self._usable(views, trace)
        if refusal is not None:
            return refusal
        return follow(Query(usable), self._context, trace, expected=expected, window=window)

    def _usable(self, views: Sequence[View], trace: Trace) -> tuple[list[View], RigEstimate | None]:
        """Return the views that can be localized with, and a refusal when there are none."""
        refusals = [self._unfit(view.features, view.camera, trace) for view in views]
        usable = [_ideal(view) for view, refusal in zip(views, refusals, strict=True) if refusal is None]
        return usable, None if usable else refusals[0]

    def _unfit(self, features: Features, camera: Camera, trace: Trace) -> RigEstimate | None:
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

    def _near(self, query: Query, map_from_base: NDArray[np.float64]) -> list[int]:
        """Return the map images near a pose that look the way of one of the cameras."""
        poses = [query.cam_from_map(view, inverse(map_from_base)) for view in range(len(query.views))]
        return [image for pose in poses for image in self._context.places.near(pose, self.config.candidates)]

    def _nothing_found(self, trace: Trace) -> RigEstimate:
        if not trace.candidates:
            return trace.refuse(Status.NO_CANDIDATES, "the map has no image to compare with")
        if trace.num_matches < self.config.min_matches:
            reason = f"{trace.num_matches} matches with the map, {self.config.min_matches} are needed"
            return trace.refuse(Status.FEW_MATCHES, reason)
        return trace.refuse(Status.NO_POSE, f"no pose fits the {trace.num_matches} matches")

    def _false_alarms(self, hypothesis: Hypothesis, query: Query) -> float:
        return log10_false_alarms(
            num_matches=len(hypothesis.matches),
            num_agreeing=hypothesis.num_inliers,
            radius_px=self.config.max_error_px,
            area_px=query.image_area_px,
        )

    def _contradiction(self, found: list[Hypothesis], query: Query, trace: Trace) -> tuple[Status, str] | None:
        """Return what speaks against the best pose although many matches agree on it, or None."""
        best = found[0]
        with trace.timed("pose"):
            contradiction = intrinsics_contradiction(best, query, self._context)
            rival = None if contradiction else self._strongest_rival(found, query)
        if contradiction is not None:
            return contradiction
        if rival is not None:
            said = f"{best.num_inliers} matches agree on one place and {rival.num_inliers} on another"
            return Status.AMBIGUOUS_PLACE, said
        if self._is_of_common_things(best):
            agreeing, distinct = best.distinct
            said = f"{agreeing} of the {distinct} most distinct matches agree with the pose"
            return Status.LOW_INLIER_RATIO, said
        return None

    def _is_of_common_things(self, one: Hypothesis) -> bool:
        """Return whether distinct matches contradict a pose: crossings, lane marks and kerbs are alike everywhere."""
        agreeing, distinct = one.distinct
        return distinct >= self.config.min_matches and agreeing < self.config.min_distinct_share * distinct

    def _other_mode(self, best: Hypothesis, query: Query, trace: Trace) -> Hypothesis | None:
        """Return a second pose that the matches of the best one fit beyond chance, looked at again, or None."""
        with trace.timed("pose"):
            other = other_mode(best, query, self._context)
        if other is None or self._is_of_common_things(other):
            return None
        if self._false_alarms(other, query) > self.config.max_log10_false_alarms:
            return None
        return look_again(other, query, self._context, trace)

    def _strongest_rival(self, found: list[Hypothesis], query: Query) -> Hypothesis | None:
        """Return a pose of another place that has too large a share of the best one's support, or None."""
        best, landmarks = found[0], self.map.landmarks
        rivals = [one for one in found[1:] if is_other_place(one, best, landmarks)]
        hidden = find_rival(best, query, landmarks, self.config)
        rivals += [] if hidden is None else [hidden]
        needed = self.config.max_rival_share * best.num_inliers
        strong = [
            one
            for one in rivals
            if one.num_inliers > needed and self._false_alarms(one, query) <= self.config.max_log10_false_alarms / 2
        ]
        return max(strong, key=lambda one: one.num_inliers, default=None)


def _ideal(view: View) -> View:
    """Return a view whose lens COLMAP has a model of."""
    if not needs_ideal(view.camera):
        return view
    return replace(view, features=ideal_features(view.features, view.camera), camera=ideal_camera(view.camera))
