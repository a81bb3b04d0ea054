# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the LocalFeatures messages of one moment and TF to the robot's pose, or to the reason why there is none."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns
from sfd2_ros.bags.transform_history import TransformUnavailableError
from sfd2_ros.core.errors import CameraError, MessageError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Evidence, Status
from sfd2_ros.localization import PoseFusion, RigFrame, Tracker, View
from sfd2_ros.localization.frames import map_from_odom
from sfd2_ros.localization.states import RobotState
from sfd2_ros.ros.conversions.features import STATUS_OK, features_from_message
from sfd2_ros.ros.transforms import TransformListener, lookup_when_heard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.localization import Localizer
    from sfd2_ros.localization.frames import BasePose
    from sfd2_ros.localization.fusion import FusedPose
    from sfd2_ros.localization.hint import PlaceHint
    from sfd2_ros.msg import LocalFeatures
    from sfd2_ros.ros.node_config import LocalizerNodeConfig


@dataclass(frozen=True, eq=False)
class Fix:
    """A measured pose of the robot.

    Attributes:
        base: pose of the base in the map, with covariance.
        cameras: of each camera that was used, the pose of its optical frame in the map (4, 4), and its intrinsics.
        map_from_odom: (4, 4) where odometry's frame lies in the map, fused where that is switched on; None for a robot
            without odometry.
        fused: the pose fused with those before; None where that is switched off.
    """

    base: BasePose
    cameras: tuple[tuple[NDArray[np.float64], Camera], ...]
    map_from_odom: NDArray[np.float64] | None
    fused: FusedPose | None = None


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What became of one frame.

    Attributes:
        status: LOCALIZED, or why the frame was refused.
        reason: one sentence.
        state: what is known of the robot's place after it.
        stamp_ns: that the pose, or the refusal, is of.
        camera_frames: optical frames of the cameras that were used, or offered where none could be.
        fix: the pose; None unless localized.
        method: "tracked", "verified" or "searched"; empty where nothing could be computed.
        jump: squared Mahalanobis distance of the pose from the prediction; NaN without one.
        evidence: what speaks for it.
        steps: seconds by step.
    """

    status: Status
    reason: str
    state: RobotState
    stamp_ns: int
    camera_frames: tuple[str, ...]
    fix: Fix | None = None
    method: str = ""
    jump: float = float("nan")
    evidence: Evidence = field(default_factory=Evidence)
    steps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Picture:
    """What could be read of one message."""

    time_ns: int
    frame: str
    features: Features
    camera: Camera


class FrameLocalizer:
    """Localizes frames in one map, and knows of the robot what its tracker knows.

    Args:
        localizer: with the map.
        transforms: TF.
        settings: of the node: "" its own, "tracker", "motion", "fusion".
        state: that the tracker begins with.
    """

    def __init__(
        self,
        localizer: Localizer,
        transforms: TransformListener,
        settings: Mapping[str, Any],
        state: RobotState = RobotState.UNINITIALIZED,
    ) -> None:
        self.localizer = localizer
        self._transforms = transforms
        self._settings = settings
        self._config: LocalizerNodeConfig = settings[""]
        self._tracker = Tracker(localizer, settings["tracker"], settings["motion"], state=state)
        self._fusion = PoseFusion(settings["fusion"], settings["motion"]) if settings["fusion"].enabled else None

    @property
    def state(self) -> RobotState:
        """What is known of the robot's place."""
        return self._tracker.state

    def use(self, settings: Mapping[str, Any]) -> None:
        """Go on with changed settings; "localizer" are those of the localizer."""
        self._settings, self._config = settings, settings[""]
        self.localizer.use(settings["localizer"])
        self._tracker.use(settings["tracker"], settings["motion"])
        if self._fusion is not None:
            self._fusion.use(settings["fusion"], settings["motion"])

    def restarted(self, state: RobotState) -> FrameLocalizer:
        """Return one for the same map that knows nothing of the robot."""
        return FrameLocalizer(self.localizer, self._transforms, self._settings, state)

    def localize(self, messages: Sequence[LocalFeatures], started_ns: int, hint: PlaceHint | None) -> FrameResult:
        """Localize one frame.

        Args:
            messages: from feature_node, of one camera or of several that took them at one moment.
            started_ns: now, on the node's clock.
            hint: rejects poses that contradict it.
        """
        steps = {name: max(float(getattr(each, f"{name}_s")) for each in messages) for name in _BEFORE}
        age_s = (started_ns - stamp_ns(messages[0].header.stamp)) / NS_PER_S
        steps["hand_over"] = age_s - sum(steps.values())
        read = [self._read(message, age_s) for message in messages]
        pictures = [one for one in read if isinstance(one, _Picture)]
        if not pictures:
            refusals = [one for one in read if not isinstance(one, _Picture)]
            return self._unusable(messages, refusals[0], steps)
        started = time.monotonic()
        placed = self._place_cameras(pictures, started + self._config.transform_timeout_s)
        steps["transform"] = time.monotonic() - started
        if not isinstance(placed, RigFrame):
            return self._unusable(messages, placed, steps)
        found = self._tracker.process(placed, hint)
        estimate = found.estimate
        steps.update(estimate.evidence.seconds)
        return FrameResult(
            estimate.status,
            estimate.reason,
            found.state,
            placed.stamp_ns,
            tuple(picture.frame for picture in pictures),
            None if estimate.base is None else self._fix(estimate.base, placed),
            found.method.value,
            found.jump,
            estimate.evidence,
            steps,
        )

    def _fix(self, base: BasePose, frame: RigFrame) -> Fix:
        cameras = tuple((base.map_from_base @ view.base_from_cam, view.camera) for view in frame.views)
        odom = frame.odom_from_base
        if odom is None:
            return Fix(base, cameras, None)
        if self._fusion is None:
            return Fix(base, cameras, map_from_odom(base.map_from_base, odom))
        fused = self._fusion.fuse(frame.stamp_ns, base, odom, max_jump=self._tracker.config.max_jump)
        return Fix(base, cameras, fused.map_from_odom, fused)

    def _unusable(
        self, messages: Sequence[LocalFeatures], refusal: tuple[Status, str], steps: dict[str, float]
    ) -> FrameResult:
        frames = tuple(message.header.frame_id for message in messages)
        state, time_ns = self._tracker.missed(), stamp_ns(messages[0].header.stamp)
        return FrameResult(*refusal, state, time_ns, frames, steps=steps)

    def _read(self, message: LocalFeatures, age_s: float) -> _Picture | tuple[Status, str]:
        """Return what a message holds, or why it is refused before anything is computed."""
        refusal = self._refusal(message, age_s)
        if refusal is not None:
            return refusal
        try:
            features, camera = features_from_message(message)
        except MessageError as err:
            return Status.BAD_IMAGE, str(err)
        except CameraError as err:
            return Status.NO_CAMERA_INFO, str(err)
        return _Picture(stamp_ns(message.header.stamp), message.header.frame_id, features, camera)

    def _refusal(self, message: LocalFeatures, age_s: float) -> tuple[Status, str] | None:
        if message.status != STATUS_OK:
            known = {status.value for status in Status}
            return Status(message.status if message.status in known else "bad_image"), message.reason
        if stamp_ns(message.header.stamp) == 0:
            return Status.STALE_STAMP, "the image has no stamp (0); mend its driver"
        if 0 < self._config.max_age_s < age_s:
            return Status.STALE_STAMP, f"the image is {age_s:.2f} s old, {self._config.max_age_s:.2f} s are allowed"
        if not message.header.frame_id:
            return Status.NO_TRANSFORM, "the image has no frame_id; mend its driver"
        return None

    def _place_cameras(self, pictures: list[_Picture], deadline: float) -> RigFrame | tuple[Status, str]:
        """Put the cameras on the base, each by the transforms at its stamp; takes out of the list those without."""
        has_odometry = self._config.publish == "map_to_odom"
        views: list[View] = []
        odom_from_base: NDArray[np.float64] | None = None
        reasons = []
        for picture in list(pictures):
            try:
                base_from_cam = self._lookup(self._config.base_frame, picture.frame, picture.time_ns, deadline)
                if has_odometry:
                    odom = self._lookup(self._config.odom_frame, self._config.base_frame, picture.time_ns, deadline)
                    odom_from_base = odom if odom_from_base is None else odom_from_base
                    # The robot moves between the stamps of cameras that are not triggered together.
                    base_from_cam = inverse(odom_from_base) @ odom @ base_from_cam
            except TransformUnavailableError as err:
                reasons.append(str(err))
                pictures.remove(picture)
                continue
            views.append(View(picture.features, picture.camera, base_from_cam))
        if not views:
            return Status.NO_TRANSFORM, reasons[0]
        return RigFrame(pictures[0].time_ns, views, odom_from_base)

    def _lookup(self, target: str, source: str, time_ns: int, deadline: float) -> NDArray[np.float64]:
        # ROS 1 wrote frames with a slash before them, and so do bags converted from it; tf2 wants none.
        return lookup_when_heard(self._transforms, target, source.lstrip("/"), time_ns, deadline)


_BEFORE = ("transport", "extraction")
