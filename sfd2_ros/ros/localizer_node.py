# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""localizer_node: local features and TF in, the robot's pose in the map out."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geometry_msgs.msg import PoseWithCovarianceStamped

from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.core.errors import ConfigError, MapError, MessageError
from sfd2_ros.core.types import Status
from sfd2_ros.features.device import choose_device
from sfd2_ros.localization import Localized, Localizer
from sfd2_ros.localization.states import RobotState
from sfd2_ros.mapping import load_map
from sfd2_ros.ros.camera_settings import check_cameras
from sfd2_ros.ros.conversions.poses import header_at, hint_from_message
from sfd2_ros.ros.conversions.status import status_message
from sfd2_ros.ros.diagnostics import Diagnosis, LocalizerMeasurements, diagnose_localizer
from sfd2_ros.ros.diagnostics_publisher import publish_diagnostics
from sfd2_ros.ros.frame_localizer import FrameLocalizer, FrameResult
from sfd2_ros.ros.localizer_outputs import LocalizerOutputs
from sfd2_ros.ros.localizer_services import LocalizerServices
from sfd2_ros.ros.managed_node import ManagedNode, run_nodes
from sfd2_ros.ros.matched_subscription import describe_topics
from sfd2_ros.ros.newest import CountsSince, NewestItems, Worker
from sfd2_ros.ros.node_config import (
    LOCALIZER_CHANGEABLE,
    LOCALIZER_SETTINGS,
    LocalizerNodeConfig,
    check_frames,
    check_fusion,
    localizer_settings,
    tf_lifetime_s,
)
from sfd2_ros.ros.qos import reliable
from sfd2_ros.ros.rig_input import RigInput
from sfd2_ros.ros.transforms import listen_to_transforms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfd2_ros.localization.hint import PlaceHint
    from sfd2_ros.mapping import Map
    from sfd2_ros.msg import LocalFeatures, LocalizationStatus
    from sfd2_ros.ros.intra_process import IntraProcessBridge

SETTINGS = LOCALIZER_SETTINGS


class LocalizerNode(ManagedNode):
    """Localizes the newest features of each camera, on a thread of its own."""

    def __init__(
        self, ignored: Mapping[str, type[Any]] | None = None, bridge: IntraProcessBridge | None = None
    ) -> None:
        super().__init__("localizer_node", SETTINGS, ignored, LOCALIZER_CHANGEABLE)
        self._bridge = bridge
        self._snapshot = localizer_settings(self.settings)
        check_cameras(self._config.cameras)
        self._check_settings()
        self._changing = threading.Lock()  # guards what follows, which the worker and the callbacks both change
        self._frames: FrameLocalizer | None = None
        self._hint: tuple[PlaceHint, float] | None = None
        self._refused: Counter[str] = Counter()
        self._num_localized = 0
        self._last: LocalizationStatus | None = None
        self._last_fix = float("-inf")
        self._recent = CountsSince()

        self._features: NewestItems[list[LocalFeatures]] = NewestItems()
        self._worker: Worker[list[LocalFeatures]] | None = None
        self._input: RigInput | None = None
        self._hints: Any = None
        self._outputs = LocalizerOutputs(self, self._config)
        self._transforms = listen_to_transforms(self)
        LocalizerServices(self, self._use_map, lambda path: self.adopt("map", path), self._relocalize)
        period_s = self._config.diagnostics_period_s
        self._set_period = publish_diagnostics(self, "localization", self.diagnose, period_s)

    @property
    def _config(self) -> LocalizerNodeConfig:
        """The node's own settings as they are now."""
        return self._snapshot.node

    def use_settings(self) -> None:
        """Localize the next frame with the settings as they are now; one in progress keeps its snapshot."""
        self._snapshot = localizer_settings(self.settings)
        self._set_period(self._config.diagnostics_period_s)

    def load(self) -> None:
        """Load the map and show it."""
        self.use_settings()
        self._check_settings()
        self._use_map(self._config.map)
        self.get_logger().info(f"settings {self.settings}")

    def start(self) -> None:
        """Start the worker, then subscribe."""
        self._features = NewestItems()
        self._worker = Worker("localize", self._features, self._process, self.report_failure)
        self._input = RigInput(self, self._config, self._features, self._bridge)
        self._hints = self.create_subscription(
            PoseWithCovarianceStamped, "initialpose", self._on_initial_pose, reliable()
        )

    def stop(self) -> None:
        """Unsubscribe and wait for the frame in hand."""
        if self._input is not None:
            self._input.close()
        self._input = None
        if self._hints is not None:
            self.destroy_subscription(self._hints)
        self._hints = None
        if self._worker is not None and not self._worker.stop():
            self.get_logger().error("the frame in progress does not end; it is given up")
        self._worker = None

    def unload(self) -> None:
        """Let go of the map and of what was known with it."""
        with self._changing:
            self._frames = self._hint = None
            self._outputs.transforms.forget()

    def diagnose(self) -> Diagnosis:
        """Judge this node for /diagnostics."""
        counts, last, frames = self._features.total(), self._last, self._frames
        heard_s = self._input.last_heard_s if self._input else float("-inf")
        recent, recent_s = self._recent.ask(counts, time.monotonic())
        return diagnose_localizer(
            LocalizerMeasurements(
                is_active=self._worker is not None,
                state=(frames.state if frames else RobotState.UNINITIALIZED).name,
                received=counts.received,
                dropped=counts.dropped,
                recent=recent,
                recent_s=recent_s,
                localized=self._num_localized,
                refused=dict(self._refused),
                silence_s=time.monotonic() - heard_s,
                status=last.status if last else "",
                reason=last.reason if last else "",
                latency_s=last.latency_s if last else float("nan"),
                max_latency_s=tf_lifetime_s(self._config),
                age_s=time.monotonic() - self._last_fix,
                num_inliers=last.num_inliers if last else 0,
                map_id=frames.map.map_id if frames else "",
                weights_id=frames.map.weights_id if frames else "",
            )
        )

    def _process(self, source: str, messages: list[LocalFeatures]) -> None:
        """Localize one frame and publish the result."""
        del source
        with self._changing:
            frames, hint, settings = self._frames, self._valid_hint(), self._snapshot
        if frames is None:
            return
        before = frames.state
        try:
            frame = frames.localize(messages, self.get_clock().now().nanoseconds, hint, settings)
        except Exception as err:  # noqa: BLE001  every frame has its status, whatever a message does to the localizer
            self.report_failure(err)
            frame = frames.failed(messages, err)
        with self._changing:
            if frames is self._frames:  # else the map was replaced meanwhile, or all is to be forgotten
                self._log(frame, before)
                self._publish(messages, frame, frames.map, settings.node)

    def _publish(
        self, messages: list[LocalFeatures], frame: FrameResult, map_: Map, config: LocalizerNodeConfig
    ) -> None:
        """Publish TF and pose of a localized frame, and the status of any."""
        time_ns, map_frame = frame.stamp_ns, config.map_frame or map_.frame_id
        if isinstance(frame.result, Localized):
            self._num_localized += 1
            self._last_fix = time.monotonic()
            self._hint = None
            self._outputs.publish_pose(frame, frame.result, map_frame, config, map_)
        else:
            self._refused[frame.result.status.value] += 1
        status = status_message(header_at(time_ns, map_frame), frame)
        counts = self._features.total()
        late = self._input.late if self._input else 0
        status.frames_received, status.frames_dropped = counts.received + late, counts.dropped + late
        status.frames_localized, status.frames_refused = self._num_localized, sum(self._refused.values())
        status.images_dropped = sum(message.images_dropped for message in messages)
        status.latency_s = (self.get_clock().now().nanoseconds - time_ns) / NS_PER_S
        self._outputs.publish_status(status)
        self._last = status

    def _log(self, frame: FrameResult, before: RobotState) -> None:
        """Log changes of state, and rejections now and then."""
        result = f"{frame.result.status.value}: {frame.result.reason}"
        if frame.result.status is Status.NO_TRANSFORM:
            result += f"; {describe_topics(self, '/tf', '/tf_static')}"
        if frame.fused is not None and frame.fused.is_new and before is not RobotState.UNINITIALIZED:
            self.get_logger().info("map to odom jumps to the measured pose: the fusion filter is reset")
        if frame.state is not before:
            self.get_logger().info(f"{before.name} -> {frame.state.name}, {result}")
        elif not isinstance(frame.result, Localized):
            count = sum(self._refused.values()) + 1
            self.get_logger().warning(f"frame rejected ({count} so far), {result}", throttle_duration_sec=5.0)

    def _check_settings(self) -> None:
        """Check the settings that depend on each other."""
        check_frames(self._config)
        check_fusion(self._config, self._snapshot.fusion)

    def _on_initial_pose(self, message: PoseWithCovarianceStamped) -> None:
        try:
            self._take_hint(message)
        except MessageError as err:
            self.get_logger().warning(f"initial pose rejected: {err}")

    def _relocalize(self, hint: PoseWithCovarianceStamped | None) -> None:
        """Search the whole map from the next frame on."""
        if self._worker is None:
            raise MessageError("the node is not active and localizes nothing; activate it first (ros2 lifecycle set)")
        if hint is not None:
            self._take_hint(hint)
            return
        with self._changing:
            self._forget()

    def _use_map(self, path: str) -> str:
        """Load a map and localize in it from now on; an error leaves the old one in place."""
        if not path:
            raise ConfigError(
                "no map is named by parameter 'map' or the path of ~/load_map; give a folder made by `sfd2 map build`"
            )
        limit_mb = self._config.max_memory_mb or None
        # Not mapped into memory: a map that is copied over would end the process.
        map_ = load_map(Path(path), mapped=False, max_memory_mb=limit_mb)
        if map_.units != "metres" and self._config.publish != "none":
            raise MapError(
                f"map {path!r} has {map_.units} units, TF has metres; build it from a model with metric poses, or set "
                "publish to none"
            )
        settings = self._snapshot
        localizer = Localizer(map_, settings.localizer, device=str(choose_device(settings.node.device)))
        frames = FrameLocalizer(localizer, self._transforms, settings)
        with self._changing:
            self._frames, self._hint = frames, None
            self._outputs.transforms.forget()
            self._outputs.publish_map(map_, self._map_frame(frames), self.get_clock().now().nanoseconds)
        message = (
            f"map {map_.map_id} from {path}: {len(map_.images)} images, {len(map_.landmarks)} landmarks, made with "
            f"weights {map_.weights_id}"
        )
        self.get_logger().info(message)
        return message

    def _take_hint(self, message: PoseWithCovarianceStamped) -> None:
        frame = self._map_frame(self._frames) if self._frames else self._config.map_frame
        hint = hint_from_message(message, frame)
        with self._changing:
            self._forget()
            self._hint = hint, time.monotonic() + self._config.hint_duration_s
        self.get_logger().info(f"a hint of {self._config.hint_duration_s} s; frames that agree elsewhere overrule it")

    def _valid_hint(self) -> PlaceHint | None:
        return self._hint[0] if self._hint is not None and time.monotonic() < self._hint[1] else None

    def _forget(self) -> None:
        """Search the whole map from the next frame on."""
        self._hint = None
        self._outputs.transforms.forget()
        if self._frames is not None:
            self._frames = self._frames.restarted(RobotState.RELOCALIZING)

    def _map_frame(self, frames: FrameLocalizer) -> str:
        return self._config.map_frame or frames.map.frame_id


def main(arguments: list[str] | None = None) -> int:
    """Run localizer_node and return its exit code."""
    return run_nodes([LocalizerNode], arguments)


if __name__ == "__main__":
    sys.exit(main())
