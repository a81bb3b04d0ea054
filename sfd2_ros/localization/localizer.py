# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the features of one image, or of several taken together, and a map to a measured pose or a rejection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.config import check_config
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Evidence, Status
from sfd2_ros.geometry.ideal import ideal_camera, ideal_features, needs_ideal
from sfd2_ros.localization.candidates import MapViews
from sfd2_ros.localization.config import LocalizerConfig
from sfd2_ros.localization.context import MapContext
from sfd2_ros.localization.gates import first_failure, read_gates
from sfd2_ros.localization.global_search import global_search
from sfd2_ros.localization.guided import guided_matching
from sfd2_ros.localization.intrinsics import note_intrinsics
from sfd2_ros.localization.local_search import local_search
from sfd2_ros.localization.measure import conclude, reject_unmeasured
from sfd2_ros.localization.mirror import note_mirror
from sfd2_ros.localization.query import Query, View
from sfd2_ros.localization.results import Rejected
from sfd2_ros.localization.rivals import false_alarms, strongest_rival
from sfd2_ros.localization.second_hypothesis import second_hypothesis
from sfd2_ros.localization.trace import Trace
from sfd2_ros.mapping.image_index import ImageIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.localization.frames import BasePose
    from sfd2_ros.localization.hypotheses import Hypothesis
    from sfd2_ros.localization.local_search import Window
    from sfd2_ros.localization.results import Result
    from sfd2_ros.mapping.map_store import Map


class Localizer:
    """Localizes images in one map; the same for files and for the live node. It never changes.

    Attributes:
        map: as given.
        config: as given.
    """

    def __init__(
        self,
        map_: Map,
        config: LocalizerConfig | None = None,
        *,
        device: str = "cpu",
        places: MapViews | None = None,
        index: ImageIndex | None = None,
    ) -> None:
        """Keep a map and the settings.

        Args:
            map_: from `mapping.load_map`.
            config: None for the defaults.
            device: torch device for matching.
            places: where the cameras of the map stood; None: read from the map.
            index: what the images of the map look like; None: made from the map.

        Raises:
            ConfigError: a setting is not allowed.
        """
        self.map = map_
        self.config = config or LocalizerConfig()
        check_config(self.config)
        index = index or ImageIndex(map_.aggregates)
        self._context = MapContext(map_, places or MapViews(map_), index, self.config, device)

    def with_config(self, config: LocalizerConfig) -> Localizer:
        """Return a localizer with other settings, in the same map.

        Raises:
            ConfigError: a setting is not allowed.
        """
        context = self._context
        return Localizer(self.map, config, device=context.device, places=context.places, index=context.index)

    def localize(self, features: Features, camera: Camera) -> Result:
        """Find where a camera was.

        Args:
            features: of its image, made with the weights of the map.
            camera: its intrinsics, for the image that the features were extracted from.

        Returns:
            `Localized` with map_from_cam (4, 4) and covariance (6, 6), or `Rejected`. Both have status, reason and
            evidence.
        """
        return self.localize_rig([View(features, camera, np.eye(4))])

    def localize_rig(self, views: Sequence[View], *, near: NDArray[np.float64] | None = None) -> Result:
        """Find where a body was that carries one camera or several, by a search of the whole map.

        Args:
            views: images of one moment, at least one; those that cannot be used are left out.
            near: (4, 4) map_from_base of a hint; the map images near it are tried beside those that look alike.

        Returns:
            `Localized` with map_from_base (4, 4) and covariance (6, 6), or `Rejected`.
        """
        trace = self._trace(views)
        usable = self._usable(views, trace)
        if isinstance(usable, Rejected):
            return usable
        query = Query(usable)
        nearby = [] if near is None else self._near(query, near)
        hypotheses = global_search(query, self._context, trace, nearby)
        if not hypotheses:
            return self._nothing_found(trace)
        best, second = hypotheses[0], None
        self._note_search_evidence(hypotheses, query, trace)
        if (rejected := reject_unmeasured(best, query, self._context, trace)) is not None:
            return rejected
        second = self._second_hypothesis(best, query, trace)
        found, best = best, guided_matching(best, query, self._context, trace)
        note_mirror(found, best, query, self._context, trace)
        return conclude(best, query, self._context, trace, second=second)

    def local_search(self, views: Sequence[View], predicted: BasePose, window: Window) -> Result:
        """Find where a body was, matching only the landmarks in view from a predicted pose.

        Cheaper than `localize_rig`. The prediction limits where landmarks are searched. The pose is measured from the
        images alone, and needs evidence that the prediction does not imply.

        Args:
            views: as for `localize_rig`.
            predicted: pose of the body, with its uncertainty.
            window: radius within which landmarks are searched.
        """
        trace = self._trace(views)
        usable = self._usable(views, trace)
        if isinstance(usable, Rejected):
            return usable
        return local_search(Query(usable), self._context, trace, predicted=predicted, window=window)

    def _trace(self, views: Sequence[View]) -> Trace:
        counts = [len(view.features) for view in views]
        return Trace(self.config.gates, Evidence(num_keypoints=sum(counts), most_keypoints=max(counts)))

    def _usable(self, views: Sequence[View], trace: Trace) -> list[View] | Rejected:
        """Return the views that can be localized with, or the rejection of the first when there are none."""
        problems = [self._problem(view.features, view.camera) for view in views]
        usable = [_ideal(view) for view, problem in zip(views, problems, strict=True) if problem is None]
        if problems[0] is not None and not usable:
            return Rejected(*problems[0], trace.judged())
        return usable

    def _problem(self, features: Features, camera: Camera) -> tuple[Status, str] | None:
        """Return why a view cannot be used, or None."""
        if features.weights_id != self.map.weights_id:
            return Status.WRONG_WEIGHTS, (
                f"features are of weights {features.weights_id!r}, the map of {self.map.weights_id!r}; "
                "build the map again with the weights in use"
            )
        if features.image_size != (camera.height, camera.width):
            height, width = features.image_size
            return Status.WRONG_IMAGE_SIZE, (
                f"the image is {width}x{height}, its camera {camera.width}x{camera.height}"
            )
        evidence = Evidence(most_keypoints=len(features))
        failure = first_failure(replace(evidence, gates=read_gates(evidence, self.config.gates)))
        return None if failure is None else (failure[0].status, failure[1])

    def _near(self, query: Query, map_from_base: NDArray[np.float64]) -> list[int]:
        """Return the map images near a pose that look the way of one of the cameras."""
        poses = [query.cam_from_map(view, inverse(map_from_base)) for view in range(len(query.views))]
        return [image for pose in poses for image in self._context.places.near(pose, self.config.retrieval.candidates)]

    def _nothing_found(self, trace: Trace) -> Rejected:
        if not trace.evidence.candidates:
            return Rejected(Status.NO_CANDIDATES, "the map has no image to compare with", trace.judged())
        return trace.rejected(Status.NO_POSE, f"no pose fits the {trace.evidence.num_matches} matches")

    def _note_search_evidence(self, hypotheses: list[Hypothesis], query: Query, trace: Trace) -> None:
        """Measure what speaks against the best hypothesis; nothing more where chance explains it.

        The evidence is counted on matches made without a known pose: guided ones agree by construction.
        """
        best, area_px = hypotheses[0], query.image_area_px
        trace.note(num_matches=len(best.matches), log10_false_alarms=false_alarms(best, self._context, area_px))
        if trace.failure() is not None:
            return
        with trace.timed("pose"):
            note_intrinsics(best, query, self._context, trace)
            rival = strongest_rival(best, query, self._context, area_px=area_px, others=hypotheses[1:])
        trace.note_rival(best, rival)
        if best.num_distinct >= self.config.gates.min_matches:
            trace.note(distinct_share=best.distinct_share)

    def _second_hypothesis(self, best: Hypothesis, query: Query, trace: Trace) -> Hypothesis | None:
        """Return a second pose that the matches of the best one fit beyond chance, after guided matching, or None."""
        limits = self.config.gates
        with trace.timed("pose"):
            second = second_hypothesis(best, query, self._context)
        if second is None:
            return None
        contradicted = second.num_distinct >= limits.min_matches and second.distinct_share < limits.min_distinct_share
        if contradicted or false_alarms(second, self._context, query.image_area_px) > limits.max_log10_false_alarms:
            return None
        return guided_matching(second, query, self._context, trace)


def _ideal(view: View) -> View:
    """Return a view whose lens COLMAP has a model of."""
    if not needs_ideal(view.camera):
        return view
    return replace(view, features=ideal_features(view.features, view.camera), camera=ideal_camera(view.camera))
