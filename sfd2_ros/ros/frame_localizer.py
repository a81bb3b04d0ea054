# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From one LocalFeatures message and TF to the robot's pose, or to the reason why there is none."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import CameraError, MessageError
from sfd2_ros.core.types import Evidence, Status
from sfd2_ros.localization.frames import BasePose, base_pose, map_from_odom
from sfd2_ros.ros.conversions.features import STATUS_OK, features_from_message
from sfd2_ros.ros.conversions.poses import NS_PER_S, stamp_ns
from sfd2_ros.ros.transform_history import TransformUnavailableError
from sfd2_ros.ros.transforms import TransformListener, lookup_when_heard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, PoseEstimate
    from sfd2_ros.localization import Localizer, LocalizerConfig
    from sfd2_ros.localization.hint import PlaceHint
    from sfd2_ros.msg import LocalFeatures
    from sfd2_ros.ros.node_config import LocalizerNodeConfig


@dataclass(frozen=True, eq=False)
class Fix:
    """A measured pose of the robot.

    Attributes:
        base: pose of the base in the map, with covariance.
        map_from_cam: (4, 4) pose of the camera's optical frame.
        map_from_odom: (4, 4) where odometry's frame lies in the map; None for a robot without odometry.
        camera: intrinsics.
    """

    base: BasePose
    map_from_cam: NDArray[np.float64]
    map_from_odom: NDArray[np.float64] | None
    camera: Camera


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What became of one frame.

    Attributes:
        status: LOCALIZED, or why the frame was refused.
        reason: one sentence.
        fix: the pose; None unless localized.
        evidence: what speaks for it.
        steps: seconds by step.
    """

    status: Status
    reason: str
    fix: Fix | None = None
    evidence: Evidence = field(default_factory=Evidence)
    steps: dict[str, float] = field(default_factory=dict)


class FrameLocalizer:
    """Localizes frames in one map.

    Args:
        localizer: with the map.
        transforms: TF.
        config: frames and time-outs.
    """

    def __init__(self, localizer: Localizer, transforms: TransformListener, config: LocalizerNodeConfig) -> None:
        self.localizer = localizer
        self._transforms = transforms
        self._config = config

    def use(self, config: LocalizerNodeConfig, localizer: LocalizerConfig) -> None:
        """Go on with changed settings."""
        self._config = config
        self.localizer.use(localizer)

    def localize(self, message: LocalFeatures, started_ns: int, hint: PlaceHint | None) -> FrameResult:
        """Localize one frame.

        Args:
            message: from feature_node.
            started_ns: now, on the node's clock.
            hint: rejects poses that contradict it.
        """
        steps = {"transport": float(message.transport_s), "extraction": float(message.extraction_s)}
        age_s = (started_ns - stamp_ns(message.header.stamp)) / NS_PER_S
        steps["hand_over"] = age_s - sum(steps.values())
        refusal = self._unusable(message, age_s)
        if refusal is not None:
            return FrameResult(*refusal, steps=steps)
        try:
            features, camera = features_from_message(message)
        except MessageError as err:
            return FrameResult(Status.BAD_IMAGE, str(err), steps=steps)
        except CameraError as err:
            return FrameResult(Status.NO_CAMERA_INFO, str(err), steps=steps)
        estimate = self.localizer.localize(features, camera)
        steps.update(estimate.evidence.seconds)
        if not estimate.is_localized:
            return FrameResult(estimate.status, estimate.reason, evidence=estimate.evidence, steps=steps)
        return self._place_robot(message, estimate, camera, hint, steps)

    def _unusable(self, message: LocalFeatures, age_s: float) -> tuple[Status, str] | None:
        """Return why a frame is refused before anything is computed, or None."""
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

    def _place_robot(
        self,
        message: LocalFeatures,
        estimate: PoseEstimate,
        camera: Camera,
        hint: PlaceHint | None,
        steps: dict[str, float],
    ) -> FrameResult:
        """Move the camera's pose to the robot by the transforms at the stamp of the image."""
        config, time_ns = self._config, stamp_ns(message.header.stamp)
        started = time.monotonic()
        deadline = started + config.transform_timeout_s
        odom_from_base = None
        try:
            base_from_cam = self._lookup(config.base_frame, message.header.frame_id, time_ns, deadline)
            if config.publish == "map_to_odom":
                odom_from_base = self._lookup(config.odom_frame, config.base_frame, time_ns, deadline)
        except TransformUnavailableError as err:
            return FrameResult(Status.NO_TRANSFORM, str(err), evidence=estimate.evidence, steps=steps)
        finally:
            steps["transform"] = time.monotonic() - started
        base = base_pose(estimate, base_from_cam)
        if hint is not None and hint.is_contradicted_by(base):
            reason = f"the pose is {hint.deviations(base):.1f} standard deviations from the hint"
            return FrameResult(Status.IMPLAUSIBLE_JUMP, reason, evidence=estimate.evidence, steps=steps)
        drift = None if odom_from_base is None else map_from_odom(base.map_from_base, odom_from_base)
        fix = Fix(base, base.map_from_base @ base_from_cam, drift, camera)
        return FrameResult(estimate.status, estimate.reason, fix, estimate.evidence, steps)

    def _lookup(self, target: str, source: str, time_ns: int, deadline: float) -> NDArray[np.float64]:
        return lookup_when_heard(self._transforms, target, source, time_ns, deadline)
