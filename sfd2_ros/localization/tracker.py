# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The state machine: tracks the robot cheaply while that works, searches the whole map when it does not.

    UNINITIALIZED --localized--> TRACKING --rejected--> LOST --localized--> TRACKING
    any --on request, or a pose that contradicts the prediction--> RELOCALIZING --localized--> TRACKING

The prediction decides where landmarks are searched and which poses need confirmation. It never becomes a pose: every
pose is measured in the images of its moment, and a search of the whole map, which does not use the prediction, confirms
it now and then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from sfd2_ros.core.config import check_config
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.localization.gates import first_failure, read_gates
from sfd2_ros.localization.hypotheses import are_apart
from sfd2_ros.localization.local_search import Window
from sfd2_ros.localization.motion import Fix, MotionConfig, after, mahalanobis2, predict
from sfd2_ros.localization.results import Localized, Rejected
from sfd2_ros.localization.states import Method, RobotState
from sfd2_ros.localization.tracker_config import TrackerConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.localization.frames import BasePose
    from sfd2_ros.localization.hint import PlaceHint
    from sfd2_ros.localization.localizer import Localizer
    from sfd2_ros.localization.query import View
    from sfd2_ros.localization.results import Result

ResultT = TypeVar("ResultT", Localized, Rejected)


@dataclass(frozen=True, eq=False)
class RigFrame:
    """Input of the tracker.

    Attributes:
        stamp_ns: of the images.
        views: at least one; poses of the cameras on the base at the stamp.
        odom_from_base: (4, 4) at the stamp; None for a robot without odometry.
    """

    stamp_ns: int
    views: Sequence[View]
    odom_from_base: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class TrackerMemory:
    """What a tracker knows of its robot.

    Attributes:
        state: of the robot.
        last: pose that was published last.
        candidate: pose of another place that contradicted the prediction.
        agreeing: frames in a row that agree on the candidate.
        since_verified: tracked frames since a search of the whole map confirmed one.
        verified_inliers: of that frame.
    """

    state: RobotState = RobotState.UNINITIALIZED
    last: Fix | None = None
    candidate: Fix | None = None
    agreeing: int = 0
    since_verified: int = 0
    verified_inliers: int = 0


class Tracker:
    """Tracks one robot in one map. To forget the robot, make another one.

    Attributes:
        memory: what is known of the robot; changed by each frame.
    """

    def __init__(
        self,
        localizer: Localizer,
        config: TrackerConfig | None = None,
        motion: MotionConfig | None = None,
        *,
        memory: TrackerMemory | None = None,
    ) -> None:
        """Keep the settings.

        Args:
            localizer: with the map, and the limits of the gates.
            config: None for the defaults.
            motion: uncertainty of odometry; None for the defaults.
            memory: what is known of the robot; None: nothing.

        Raises:
            ConfigError: a setting is not allowed.
        """
        self.localizer = localizer
        self.config, self.motion = config or TrackerConfig(), motion or MotionConfig()
        check_config(self.config)
        check_config(self.motion)
        self.memory = memory or TrackerMemory()

    def with_settings(self, localizer: Localizer, config: TrackerConfig, motion: MotionConfig) -> Tracker:
        """Return a tracker with other settings that knows of the robot what this one knows.

        Raises:
            ConfigError: a setting is not allowed.
        """
        return Tracker(localizer, config, motion, memory=self.memory)

    @property
    def state(self) -> RobotState:
        """What is known of the robot's place."""
        return self.memory.state

    def missed(self) -> RobotState:
        """Note a frame that could not be used, and return the state."""
        if self.state is RobotState.TRACKING:
            self._remember(state=RobotState.LOST)
        return self.state

    def process(self, frame: RigFrame, hint: PlaceHint | None = None) -> Result:
        """Localize one frame.

        Args:
            frame: later than the one before.
            hint: rejects poses that contradict it, until several frames agree on one; the map images near it are tried
                as well.

        Returns:
            `Localized` or `Rejected`; the evidence has `method` and `jump`.
        """
        predicted = self._predict(self.memory.last, frame)
        tracked = None if predicted is None else self._track(frame, predicted)
        if isinstance(tracked, Localized) and not self._needs_confirmation(tracked):
            return self._accept(frame, tracked, Method.TRACKED)
        searched = self.localizer.localize_rig(frame.views, near=_last_known(hint, predicted, tracked))
        if isinstance(searched, Localized) and hint is not None:
            hinted = self._gated(searched, hint_deviations=hint.deviations(searched))
            if isinstance(hinted, Rejected):  # a hint is a preference: several frames that agree know better
                return self._contradicted(frame, searched, hinted)
            searched = hinted
        if isinstance(tracked, Localized):
            return self._confirm(frame, predicted, tracked, searched)
        if isinstance(searched, Rejected):
            return self._reject(_explained(searched, tracked))
        return self._accept_searched(frame, searched, predicted)

    def _predict(self, last: Fix | None, frame: RigFrame) -> BasePose | None:
        return None if last is None else predict(last, frame.stamp_ns, frame.odom_from_base, self.motion)

    def _track(self, frame: RigFrame, predicted: BasePose) -> Result | None:
        """Measure near the prediction; None where tracking is disabled."""
        if not self.config.enabled:
            return None
        window = Window(self.config.min_window_px, self.config.max_window_px, self.config.sure_log10_false_alarms)
        result = self.localizer.local_search(frame.views, predicted, window)
        if isinstance(result, Rejected):
            return result
        return self._gated(result, jump=mahalanobis2(result, predicted))

    def _gated(self, pose: Localized, **measured: Any) -> Result:
        """Return a pose with more evidence, or its rejection by a gate on that evidence."""
        limits, evidence = self.localizer.config.gates, replace(pose.evidence, **measured)
        evidence = replace(evidence, gates=read_gates(evidence, limits))
        failure = first_failure(evidence)
        return (
            replace(pose, evidence=evidence) if failure is None else Rejected(failure[0].status, failure[1], evidence)
        )

    def _needs_confirmation(self, tracked: Localized) -> bool:
        """Return whether a tracked pose needs a search of the whole map."""
        memory = self.memory
        return (
            memory.state is not RobotState.TRACKING
            or memory.since_verified + 1 >= self.config.verify_every
            or not self._is_sure(tracked)
            or tracked.evidence.num_inliers < self.config.weak_share * memory.verified_inliers
        )

    def _is_sure(self, tracked: Localized) -> bool:
        return tracked.evidence.log10_false_alarms <= self.config.sure_log10_false_alarms

    def _confirm(self, frame: RigFrame, predicted: BasePose | None, tracked: Localized, searched: Result) -> Result:
        """Accept a tracked pose when the search finds the same, or, for a while, when it finds nothing."""
        if isinstance(searched, Rejected):
            if self._is_sure(tracked) and self.memory.since_verified < self.config.max_unverified:
                return self._accept(frame, _with_time_of(tracked, searched), Method.TRACKED)
            reason = f"localized near the prediction, but no search of the whole map confirms it: {searched.reason}"
            return self._reject(replace(searched, reason=reason))
        seen = self.localizer.map.landmarks.positions[tracked.evidence.inlier_landmarks]
        if are_apart(inverse(searched.map_from_base), inverse(tracked.map_from_base), seen):
            return self._contradicted(frame, searched, self._contradiction(searched, predicted))
        return self._accept(frame, _with_time_of(tracked, searched), Method.VERIFIED)

    def _accept_searched(self, frame: RigFrame, searched: Localized, predicted: BasePose | None) -> Result:
        """Accept a searched pose unless it contradicts the prediction."""
        if predicted is None:
            return self._accept(frame, searched, Method.SEARCHED)
        gated = self._gated(searched, jump=mahalanobis2(searched, predicted))
        if isinstance(gated, Localized):
            return self._accept(frame, gated, Method.SEARCHED)
        return self._contradicted(frame, searched, self._contradiction(searched, predicted))

    def _contradicted(self, frame: RigFrame, searched: Localized, rejected: Rejected) -> Result:
        """Accept a place that contradicts the prediction, or the hint, when several frames agree on it."""
        candidate = self.memory.candidate
        again = self._predict(candidate, frame)
        confirmed = None if again is None else self._gated(searched, jump=mahalanobis2(searched, again))
        agrees = isinstance(confirmed, Localized)
        agreeing = self.memory.agreeing + 1 if agrees else 1
        candidate = after(candidate if agrees else None, frame.stamp_ns, searched, frame.odom_from_base)
        self._remember(candidate=candidate, agreeing=agreeing)
        if agreeing >= self.config.confirmations:
            self._remember(last=candidate if agreeing > 1 else None)
            return self._accept(frame, confirmed if isinstance(confirmed, Localized) else searched, Method.SEARCHED)
        self._remember(state=RobotState.RELOCALIZING)
        return self._reject(rejected)

    def _contradiction(self, searched: Localized, predicted: BasePose | None) -> Rejected:
        """Return the rejection of a pose that the prediction, or a pose tracked from it, contradicts."""
        evidence = searched.evidence
        reason = "the search of the whole map and the search near the prediction find different places"
        if predicted is not None:
            gated = self._gated(searched, jump=mahalanobis2(searched, predicted))
            evidence, reason = gated.evidence, gated.reason if isinstance(gated, Rejected) else reason
        agreement = f"accepted when {self.config.confirmations} frames agree on it"
        return Rejected(Status.IMPLAUSIBLE_JUMP, f"{reason}; {agreement}", evidence)

    def _accept(self, frame: RigFrame, pose: Localized, method: Method) -> Localized:
        is_tracked = method is Method.TRACKED
        self._remember(
            state=RobotState.TRACKING,
            last=after(self.memory.last, frame.stamp_ns, pose, frame.odom_from_base),
            candidate=None,
            agreeing=0,
            since_verified=self.memory.since_verified + 1 if is_tracked else 0,
        )
        if not is_tracked:
            self._remember(verified_inliers=pose.evidence.num_inliers)
        return replace(pose, evidence=replace(pose.evidence, method=method.value))

    def _reject(self, rejected: Rejected) -> Rejected:
        self.missed()
        return replace(rejected, evidence=replace(rejected.evidence, method=Method.SEARCHED.value))

    def _remember(self, **changes: object) -> None:
        self.memory = replace(self.memory, **changes)  # type: ignore[arg-type]  # the names are checked when it runs


def _last_known(
    hint: PlaceHint | None, predicted: BasePose | None, tracked: Result | None
) -> NDArray[np.float64] | None:
    """Return the pose (4, 4) whose near map images a search tries beside those that look alike, or None.

    A search that is to confirm a tracked pose gets none: images near that pose would let it confirm itself.
    """
    if hint is not None:
        return hint.map_from_base
    return None if predicted is None or isinstance(tracked, Localized) else predicted.map_from_base


def _explained(searched: Rejected, tracked: Rejected | None) -> Rejected:
    """Return the rejection by the search, with the reason of the one near the prediction."""
    if tracked is None:
        return searched
    timed = _with_time_of(searched, tracked)
    return replace(timed, reason=f"{searched.reason}; near the predicted pose: {tracked.reason}")


def _with_time_of(result: ResultT, other: Result) -> ResultT:
    """Return a result that took the time of another one, too."""
    seconds = dict(result.evidence.seconds)
    for step, duration in other.evidence.seconds.items():
        seconds[step] = seconds.get(step, 0.0) + duration
    return replace(result, evidence=replace(result.evidence, seconds=seconds))
