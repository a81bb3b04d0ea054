# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the LocalFeatures messages of one moment and TF to the robot's pose, or to a rejection."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns
from sfd2_ros.bags.transform_history import TransformUnavailableError
from sfd2_ros.core.errors import CameraError, MessageError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Evidence, Status
from sfd2_ros.localization import Localized, PoseFusion, Rejected, RigFrame, Tracker, TrackerMemory, View
from sfd2_ros.localization.frames import map_from_odom
from sfd2_ros.localization.gravity import is_level, tilt_rad
from sfd2_ros.localization.states import RobotState
from sfd2_ros.ros.conversions.features import STATUS_OK, features_from_message
from sfd2_ros.ros.transforms import TransformListener, lookup_when_heard

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.localization import Localizer, Result
    from sfd2_ros.localization.fusion import FusedPose
    from sfd2_ros.localization.hint import PlaceHint
    from sfd2_ros.msg import LocalFeatures
    from sfd2_ros.ros.node_config import LocalizerSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameResult:
    """The result of one frame, with what its outputs need.

    Attributes:
        result: the pose of the base, or the rejection.
        state: what is known of the robot's place after the frame.
        stamp_ns: of the pose or the rejection.
        camera_frames: optical frames of the cameras that were used, or of all where none could be.
        cameras: of each camera that was used, the pose of its optical frame in the map (4, 4), and its intrinsics;
            empty unless localized.
        map_from_odom: (4, 4) where odometry's frame lies in the map, fused where fusion is enabled; None for a robot
            without odometry, and unless localized.
        fused: the pose fused with those before; None where fusion is disabled, and unless localized.
        steps: seconds by step.
    """

    result: Result
    state: RobotState
    stamp_ns: int
    camera_frames: tuple[str, ...]
    cameras: tuple[tuple[NDArray[np.float64], Camera], ...] = ()
    map_from_odom: NDArray[np.float64] | None = None
    fused: FusedPose | None = None
    steps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Picture:
    """The content of one message."""

    time_ns: int
    frame: str
    features: Features
    camera: Camera


class FrameLocalizer:
    """Localizes the frames of one robot in one map.

    Args:
        localizer: with the map.
        transforms: TF.
        settings: at the start.
        state: of the robot at the start.
    """

    def __init__(
        self,
        localizer: Localizer,
        transforms: TransformListener,
        settings: LocalizerSettings,
        state: RobotState = RobotState.UNINITIALIZED,
    ) -> None:
        self.map = localizer.map
        self._is_level = is_level([image.cam_from_world for image in localizer.map.images])
        self._transforms = transforms
        self._settings = settings
        self._tracker = Tracker(localizer, settings.tracker, settings.motion, memory=TrackerMemory(state))
        self._fusion = PoseFusion(settings.fusion, settings.motion) if settings.fusion.enabled else None

    @property
    def state(self) -> RobotState:
        """What is known of the robot's place."""
        return self._tracker.state

    def restarted(self, state: RobotState) -> FrameLocalizer:
        """Return one for the same map without knowledge of the robot."""
        return FrameLocalizer(self._tracker.localizer, self._transforms, self._settings, state)

    def localize(
        self, messages: Sequence[LocalFeatures], started_ns: int, hint: PlaceHint | None, settings: LocalizerSettings
    ) -> FrameResult:
        """Localize one frame.

        Args:
            messages: from feature_node, of one camera or of several that took them at one moment.
            started_ns: now, on the node's clock; 0 before a simulated clock has started.
            hint: rejects poses that contradict it.
            settings: of this frame.
        """
        self._adopt(settings)
        steps = {name: max(float(getattr(message, f"{name}_s")) for message in messages) for name in _BEFORE}
        age_s = (started_ns - stamp_ns(messages[0].header.stamp)) / NS_PER_S if started_ns > 0 else 0.0
        steps["hand_over"] = age_s - sum(steps.values())
        read = [self._read(message, age_s) for message in messages]
        pictures = [picture for picture in read if isinstance(picture, _Picture)]
        if not pictures:
            problems = [problem for problem in read if not isinstance(problem, _Picture)]
            return self._unusable(messages, problems[0], steps)
        started = time.monotonic()
        placed = self._place_cameras(pictures, started + settings.node.transform_timeout_s)
        steps["transform"] = time.monotonic() - started
        if not isinstance(placed, RigFrame):
            return self._unusable(messages, placed, steps)
        frames, before = tuple(picture.frame for picture in pictures), self._tracker.memory
        result = self._tracker.process(placed, hint)
        tilted = self._tilted(result, frames)
        if tilted is not None:
            self._tracker.memory = before
            return self._unusable(messages, tilted, steps)
        steps.update(result.evidence.seconds)
        if isinstance(result, Localized):
            return self._localized(result, placed, frames, steps)
        return FrameResult(result=result, state=self.state, stamp_ns=placed.stamp_ns, camera_frames=frames, steps=steps)

    def failed(self, messages: Sequence[LocalFeatures], err: Exception) -> FrameResult:
        """Return the rejection of a frame that the localizer failed on."""
        problem = Status.BAD_IMAGE, f"the features cannot be used: {type(err).__name__}: {err}"
        return self._unusable(messages, problem, {})

    def _adopt(self, settings: LocalizerSettings) -> None:
        """Replace what works with settings when these have changed; only between frames."""
        if settings == self._settings:
            return
        localizer = self._tracker.localizer
        if settings.localizer != localizer.config:
            localizer = localizer.with_config(settings.localizer)
        self._tracker = self._tracker.with_settings(localizer, settings.tracker, settings.motion)
        if self._fusion is not None:
            self._fusion = self._fusion.with_settings(settings.fusion, settings.motion)
        self._settings = settings

    def _tilted(self, result: Result, frames: tuple[str, ...]) -> tuple[Status, str] | None:
        """Return why a pose is rejected that has the base far from upright in a level map; None where it is not."""
        limit_rad = self._settings.node.max_tilt_rad
        if not self._is_level or isinstance(result, Rejected) or tilt_rad(result.map_from_base) <= limit_rad:
            return None
        return Status.NO_TRANSFORM, (
            f"{self._settings.node.base_frame} would be tilted by {tilt_rad(result.map_from_base):.2f} rad in a level "
            f"map, {limit_rad:.2f} rad are allowed (max_tilt_rad): frame {', '.join(frames)} on TF is probably not the "
            "optical frame (z forward, x right, y down); set the frame_id of the images to it, or correct its mount"
        )

    def _localized(
        self, pose: Localized, frame: RigFrame, camera_frames: tuple[str, ...], steps: dict[str, float]
    ) -> FrameResult:
        odom = frame.odom_from_base
        fused = None
        if odom is not None and self._fusion is not None:
            max_jump = self._settings.localizer.gates.max_jump
            fused = self._fusion.fuse(frame.stamp_ns, pose, odom, max_jump=max_jump)
        drift = None if odom is None else fused.map_from_odom if fused else map_from_odom(pose.map_from_base, odom)
        return FrameResult(
            result=pose,
            state=self.state,
            stamp_ns=frame.stamp_ns,
            camera_frames=camera_frames,
            cameras=tuple((pose.map_from_base @ view.base_from_cam, view.camera) for view in frame.views),
            map_from_odom=drift,
            fused=fused,
            steps=steps,
        )

    def _unusable(
        self, messages: Sequence[LocalFeatures], problem: tuple[Status, str], steps: dict[str, float]
    ) -> FrameResult:
        return FrameResult(
            result=Rejected(*problem, Evidence()),
            state=self._tracker.missed(),
            stamp_ns=stamp_ns(messages[0].header.stamp),
            camera_frames=tuple(message.header.frame_id for message in messages),
            steps=steps,
        )

    def _read(self, message: LocalFeatures, age_s: float) -> _Picture | tuple[Status, str]:
        """Return the content of a message, or why it is rejected before anything is computed."""
        problem = self._problem(message, age_s)
        if problem is not None:
            return problem
        try:
            features, camera = features_from_message(message)
        except MessageError as err:
            return Status.BAD_IMAGE, str(err)
        except CameraError as err:
            return Status.NO_CAMERA_INFO, str(err)
        return _Picture(stamp_ns(message.header.stamp), message.header.frame_id, features, camera)

    def _problem(self, message: LocalFeatures, age_s: float) -> tuple[Status, str] | None:
        node = self._settings.node
        if message.status in _OF_IMAGES:
            return _OF_IMAGES[message.status], message.reason
        if message.status != STATUS_OK:
            return Status.BAD_IMAGE, f"status {message.status!r} is none of feature_node; its reason: {message.reason}"
        if stamp_ns(message.header.stamp) == 0:
            return Status.STALE_STAMP, "image header.stamp is 0; the camera driver must set the acquisition time"
        if 0 < node.max_age_s < age_s:
            return Status.STALE_STAMP, f"the image is {age_s:.2f} s old, {node.max_age_s:.2f} s are allowed (max_age_s)"
        if age_s < -node.max_future_s:
            return Status.STALE_STAMP, (
                f"image header.stamp is {-age_s:.2f} s in the future, {node.max_future_s:.2f} s are allowed "
                "(max_future_s); synchronise the clocks of camera and localizer"
            )
        is_framed = bool(message.header.frame_id)
        problem = Status.NO_TRANSFORM, "image header.frame_id is empty; the camera driver must set it"
        return None if is_framed else problem

    def _place_cameras(self, pictures: list[_Picture], deadline: float) -> RigFrame | tuple[Status, str]:
        """Put the cameras on the base, each by the transforms at its stamp; takes out of the list those without."""
        node = self._settings.node
        has_odometry = node.publish == "map_to_odom"
        views: list[View] = []
        odom_from_base: NDArray[np.float64] | None = None
        reasons = []
        for picture in list(pictures):
            try:
                base_from_cam = self._lookup(node.base_frame, picture.frame, picture.time_ns, deadline)
                if has_odometry:
                    odom = self._lookup(node.odom_frame, node.base_frame, picture.time_ns, deadline)
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
# What feature_node publishes of an image without features; nothing else is passed on.
_OF_IMAGES = {status.value: status for status in (Status.BAD_IMAGE, Status.NO_CAMERA_INFO, Status.NO_FEATURES)}
