# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The state machine: follows the robot cheaply while that holds, searches the whole map when it does not.

    UNINITIALIZED --localized--> TRACKING --refused--> LOST --localized--> TRACKING
    any --asked to, or a pose that contradicts the prediction--> RELOCALIZING --localized--> TRACKING

The prediction decides where to look and what to doubt. It never becomes a pose: what is returned was measured in the
images of that moment, and a search of the whole map, which knows nothing of the prediction, confirms it now and then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sfd2_ros.core.config import check_config
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Status
from sfd2_ros.localization.follow import Window
from sfd2_ros.localization.frames import RigEstimate
from sfd2_ros.localization.motion import Fix, MotionConfig, after, mahalanobis2, predict
from sfd2_ros.localization.search import are_apart
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


@dataclass(frozen=True, eq=False)
class RigFrame:
    """What the tracker is fed with.

    Attributes:
        stamp_ns: of the images.
        views: at least one; poses of the cameras on the base at the stamp.
        odom_from_base: (4, 4) at the stamp; None for a robot without odometry.
    """

    stamp_ns: int
    views: Sequence[View]
    odom_from_base: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class TrackedEstimate:
    """What the tracker answers.

    Attributes:
        estimate: a measured pose of the base, or the reason why there is none.
        state: after this frame.
        method: how it was found or refused.
        jump: squared Mahalanobis distance from the prediction; NaN without one.
    """

    estimate: RigEstimate
    state: RobotState
    method: Method
    jump: float = float("nan")


class Tracker:
    """Follows one robot through one map. To forget what it knows, make another one."""

    def __init__(
        self,
        localizer: Localizer,
        config: TrackerConfig | None = None,
        motion: MotionConfig | None = None,
        *,
        state: RobotState = RobotState.UNINITIALIZED,
    ) -> None:
        """Start without knowing where the robot is.

        Args:
            localizer: with the map.
            config: None for the defaults.
            motion: uncertainty of odometry; None for the defaults.
            state: to begin with: UNINITIALIZED, or RELOCALIZING when it was known before.

        Raises:
            ConfigError: a setting is not allowed.
        """
        self.localizer = localizer
        self.use(config or TrackerConfig(), motion or MotionConfig())
        self.state = state
        self._last: Fix | None = None
        self._candidate: Fix | None = None
        self._agreeing = 0
        self._since_verified = 0
        self._verified_inliers = 0

    def use(self, config: TrackerConfig, motion: MotionConfig) -> None:
        """Go on with other settings, with what is known of the robot.

        Raises:
            ConfigError: a setting is not allowed.
        """
        check_config(config)
        check_config(motion)
        self.config, self.motion = config, motion

    def missed(self) -> RobotState:
        """Note a frame that could not be used at all, and return the state."""
        if self.state is RobotState.TRACKING:
            self.state = RobotState.LOST
        return self.state

    def process(self, frame: RigFrame, hint: PlaceHint | None = None) -> TrackedEstimate:
        """Localize one frame.

        Args:
            frame: later than the one before.
            hint: rejects poses that contradict it; the map images near it are tried as well.
        """
        expected = self._expected(self._last, frame)
        tracked = None if expected is None else self._follow(frame, expected)
        if tracked is not None and tracked.is_localized and not self._is_doubtful(tracked):
            return self._accept(frame, tracked, Method.TRACKED, expected)
        near = None if hint is None else hint.map_from_base
        searched = self.localizer.localize_rig(frame.views, near=near)
        if searched.base is not None and hint is not None and hint.is_contradicted_by(searched.base):
            deviations = hint.deviations(searched.base)
            reason = f"the pose is {deviations:.1f} standard deviations from the hint"
            return self._refuse(_refusal(searched, Status.IMPLAUSIBLE_JUMP, reason))
        return self._decide(frame, expected, tracked, searched)

    def _expected(self, last: Fix | None, frame: RigFrame) -> BasePose | None:
        return None if last is None else predict(last, frame.stamp_ns, frame.odom_from_base, self.motion)

    def _follow(self, frame: RigFrame, expected: BasePose) -> RigEstimate | None:
        """Measure near the prediction; None where that is switched off."""
        if not self.config.enabled:
            return None
        window = Window(self.config.min_window_px, self.config.max_window_px)
        found = self.localizer.follow(frame.views, expected, window)
        if found.base is None or mahalanobis2(found.base, expected) <= self.config.max_jump:
            return found
        return _refusal(found, Status.IMPLAUSIBLE_JUMP, self._far(found.base, expected))

    def _is_doubtful(self, tracked: RigEstimate) -> bool:
        """Return whether a tracked pose needs the search to confirm it."""
        return (
            self.state is not RobotState.TRACKING
            or self._since_verified + 1 >= self.config.verify_every
            or not self._is_sure(tracked)
            or tracked.evidence.num_inliers < self.config.weak_share * self._verified_inliers
        )

    def _is_sure(self, tracked: RigEstimate) -> bool:
        return tracked.evidence.log10_false_alarms <= self.config.sure_log10_false_alarms

    def _decide(
        self, frame: RigFrame, expected: BasePose | None, tracked: RigEstimate | None, searched: RigEstimate
    ) -> TrackedEstimate:
        """Weigh what was found near the prediction against what the search of the whole map found."""
        if tracked is not None and tracked.base is not None:
            return self._confirmed(frame, expected, tracked, searched)
        if searched.base is None:
            return self._refuse(_explained(searched, tracked))
        if expected is None or mahalanobis2(searched.base, expected) <= self.config.max_jump:
            return self._accept(frame, searched, Method.SEARCHED, expected)
        return self._contradicted(frame, searched, expected)

    def _confirmed(
        self, frame: RigFrame, expected: BasePose | None, tracked: RigEstimate, searched: RigEstimate
    ) -> TrackedEstimate:
        """Accept a tracked pose when the search finds the same, or, for a while, when it finds nothing."""
        if searched.base is None:
            if self._is_sure(tracked) and self._since_verified < self.config.max_unverified:
                return self._accept(frame, _timed_as(tracked, searched), Method.TRACKED, expected)
            reason = f"found near the prediction, not confirmed by a search of the whole map: {searched.reason}"
            return self._refuse(_refusal(searched, searched.status, reason))
        if tracked.base is None:
            raise ValueError("only a measured pose can be confirmed")
        seen = self.localizer.map.landmarks.positions[tracked.evidence.inlier_landmarks]
        if are_apart(inverse(searched.base.map_from_base), inverse(tracked.base.map_from_base), seen):
            return self._contradicted(frame, searched, expected)
        return self._accept(frame, _timed_as(tracked, searched), Method.VERIFIED, expected)

    def _contradicted(self, frame: RigFrame, searched: RigEstimate, expected: BasePose | None) -> TrackedEstimate:
        """Believe a place that contradicts the prediction when several frames agree on it."""
        if searched.base is None:
            raise ValueError("only a measured pose can contradict a prediction")
        again = self._expected(self._candidate, frame)
        agrees = again is not None and mahalanobis2(searched.base, again) <= self.config.max_jump
        self._agreeing = self._agreeing + 1 if agrees else 1
        self._candidate = after(
            self._candidate if agrees else None, frame.stamp_ns, searched.base, frame.odom_from_base
        )
        if self._agreeing >= self.config.confirmations:
            self._last = self._candidate if self._agreeing > 1 else None
            return self._accept(frame, searched, Method.SEARCHED, expected)
        self.state = RobotState.RELOCALIZING
        far = "" if expected is None else self._far(searched.base, expected)
        reason = f"{far}; believed when {self.config.confirmations} frames agree on it"
        return self._refuse(_refusal(searched, Status.IMPLAUSIBLE_JUMP, reason))

    def _accept(
        self, frame: RigFrame, found: RigEstimate, method: Method, expected: BasePose | None
    ) -> TrackedEstimate:
        if found.base is None:
            raise ValueError(f"an estimate with status {found.status.value!r} has no pose to accept")
        jump = float("nan") if expected is None else mahalanobis2(found.base, expected)
        self._last = after(self._last, frame.stamp_ns, found.base, frame.odom_from_base)
        self._candidate, self._agreeing = None, 0
        self._since_verified += 1
        if method is not Method.TRACKED:
            self._since_verified, self._verified_inliers = 0, found.evidence.num_inliers
        self.state = RobotState.TRACKING
        return TrackedEstimate(found, self.state, method, jump)

    def _refuse(self, refused: RigEstimate) -> TrackedEstimate:
        return TrackedEstimate(refused, self.missed(), Method.SEARCHED)

    def _far(self, found: BasePose, expected: BasePose) -> str:
        distance = mahalanobis2(found, expected)
        return (
            f"the pose contradicts the prediction (squared distance {distance:.0f}, {self.config.max_jump:.0f} allowed)"
        )


def _refusal(found: RigEstimate, status: Status, reason: str) -> RigEstimate:
    return RigEstimate(status, reason, None, found.evidence)


def _explained(searched: RigEstimate, tracked: RigEstimate | None) -> RigEstimate:
    """Return the refusal of the search, with what was found near the prediction."""
    if tracked is None:
        return searched
    timed = _timed_as(searched, tracked)
    return replace(timed, reason=f"{searched.reason}; near the predicted pose: {tracked.reason}")


def _timed_as(found: RigEstimate, other: RigEstimate) -> RigEstimate:
    """Return an estimate that took the time of another one, too."""
    seconds = dict(found.evidence.seconds)
    for step, duration in other.evidence.seconds.items():
        seconds[step] = seconds.get(step, 0.0) + duration
    return replace(found, evidence=replace(found.evidence, seconds=seconds))
