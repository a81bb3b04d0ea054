# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""feature_node: images of cameras in, local features out."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rclpy.duration import Duration
from sensor_msgs.msg import Image

from sfd2_ros.core.errors import CameraError, ImageError, Sfd2Error
from sfd2_ros.features import Extractor, ExtractorConfig, load_extractor
from sfd2_ros.msg import LocalFeatures
from sfd2_ros.ros.camera_inputs import CameraInputs, ReceivedImage
from sfd2_ros.ros.conversions.cameras import camera_from_message
from sfd2_ros.ros.conversions.features import STATUS_OK, message_from_features
from sfd2_ros.ros.conversions.images import decode_compressed_image, decode_image, image_message
from sfd2_ros.ros.conversions.poses import stamp_ns
from sfd2_ros.ros.diagnostics import Diagnosis, FeatureMeasurements, diagnose_features
from sfd2_ros.ros.diagnostics_publisher import publish_diagnostics
from sfd2_ros.ros.managed_node import ManagedNode, run_nodes
from sfd2_ros.ros.newest import CountsSince, NewestItems, Worker
from sfd2_ros.ros.node_config import FeatureNodeConfig, check_cameras
from sfd2_ros.ros.qos import newest_only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features

NS_PER_S = 1_000_000_000
ACK_S = 0.05
SETTINGS: dict[str, type[Any]] = {"": FeatureNodeConfig, "extractor": ExtractorConfig}
WARM_UP_SIZE = (480, 640, 3)


class FeatureNode(ManagedNode):
    """Extracts features of the newest image of each camera, on a thread of its own."""

    def __init__(self, ignored: Mapping[str, type[Any]] | None = None) -> None:
        super().__init__("feature_node", SETTINGS, ignored)
        self._config: FeatureNodeConfig = self.settings[""]
        check_cameras(self._config.cameras)
        self._extractor: Extractor | None = None
        self._images: NewestItems[ReceivedImage] = NewestItems()
        self._inputs: CameraInputs | None = None
        self._worker: Worker[ReceivedImage] | None = None
        self._last = LocalFeatures(status=STATUS_OK)
        self._recent = CountsSince()
        self._features_publishers = {
            camera: self.create_publisher(LocalFeatures, f"{camera}/features", newest_only("reliable"))
            for camera in self._config.cameras
        }
        self._drawing_publishers = {
            camera: self.create_publisher(Image, f"{camera}/features/image", newest_only("reliable"))
            for camera in self._config.cameras
        }
        publish_diagnostics(self, "features", self.diagnose, self._config.diagnostics_period_s)

    def load(self) -> None:
        """Load the weights and run the network once, so that the first image does not wait for that."""
        config = self._config
        extractor = load_extractor(config.weights or None, config.device, config=self.settings["extractor"])
        extractor(np.zeros(WARM_UP_SIZE, np.uint8))
        self._extractor = extractor
        self.get_logger().info(f"weights {extractor.weights_id} on {extractor.device}; settings {self.settings}")

    def start(self) -> None:
        """Start the worker, then subscribe."""
        self._images = NewestItems()
        self._worker = Worker("extract", self._images, self._process, self.report_failure)
        self._inputs = CameraInputs(self, self._config, self._images)

    def stop(self) -> None:
        """Unsubscribe and wait for the image in hand."""
        if self._inputs is not None:
            self._inputs.close()
        if self._worker is not None:
            self._worker.stop()
        self._inputs = self._worker = None

    def unload(self) -> None:
        """Release the network and its memory on the device."""
        self._extractor = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def diagnose(self) -> Diagnosis:
        """Judge this node for /diagnostics."""
        inputs, extractor, counts = self._inputs, self._extractor, self._images.total()
        silence = {camera: inputs.silence_s(camera) for camera in self._config.cameras} if inputs else {"": np.inf}
        silent_camera = max(silence, key=lambda camera: silence[camera])
        return diagnose_features(
            FeatureMeasurements(
                is_active=inputs is not None,
                received=counts.received,
                dropped=counts.dropped,
                recent=self._recent.ask(counts),
                silence_s=silence[silent_camera],
                silent_camera=silent_camera,
                extraction_s=self._last.extraction_s,
                num_keypoints=len(self._last.scores),
                status=self._last.status,
                reason=self._last.reason,
                device=str(extractor.device) if extractor else "",
                weights_id=extractor.weights_id if extractor else "",
            )
        )

    def _process(self, camera: str, image: ReceivedImage) -> None:
        """Extract the features of one image and publish them, or the reason why there are none."""
        started = time.perf_counter()
        pixels = features = None
        try:
            pixels = self._decode(image)
            features, message = self._extract(camera, image, pixels)
        except Sfd2Error as err:
            message = self._refusal(image, "no_camera_info" if isinstance(err, CameraError) else "bad_image", str(err))
        counts = self._images.counts(camera)
        message.images_received, message.images_dropped = counts.received, counts.dropped
        message.transport_s = (image.received_ns - stamp_ns(image.message.header.stamp)) / NS_PER_S
        message.extraction_s = time.perf_counter() - started
        self._features_publishers[camera].publish(message)
        self._last = message
        if pixels is not None and features is not None:
            self._draw(camera, image, pixels, features)

    def _decode(self, image: ReceivedImage) -> NDArray[np.uint8]:
        is_raw = self._config.image_transport == "raw"
        return decode_image(image.message) if is_raw else decode_compressed_image(image.message)

    def _extract(self, camera: str, image: ReceivedImage, pixels: NDArray[np.uint8]) -> tuple[Features, LocalFeatures]:
        if self._inputs is None or self._extractor is None:
            raise ImageError("the node was deactivated while this image waited")
        info = self._inputs.camera_info(camera, self._config.camera_info_timeout_s)
        if info is None:
            topic = self.resolve_topic_name(f"{camera}/camera_info")
            raise CameraError(f"nothing heard on {topic}; intrinsics are never guessed, let the driver publish them")
        intrinsics = camera_from_message(info, pixels.shape[:2], rectified=self._config.images_are_rectified)
        features = self._extractor(pixels)
        return features, message_from_features(features, intrinsics, image.message.header)

    def _refusal(self, image: ReceivedImage, status: str, reason: str) -> LocalFeatures:
        self.get_logger().warning(f"image refused, {status}: {reason}", throttle_duration_sec=5.0)
        return LocalFeatures(header=image.message.header, status=status, reason=reason)

    def _draw(self, camera: str, image: ReceivedImage, pixels: NDArray[np.uint8], features: Features) -> None:
        publisher = self._drawing_publishers[camera]
        if publisher.get_subscription_count() > 0:
            from sfd2_ros.features.overlay import draw_features  # noqa: PLC0415  only when someone looks

            # See `participant`: a large message right behind the features would push them out.
            self._features_publishers[camera].wait_for_all_acked(Duration(seconds=ACK_S))
            publisher.publish(image_message(draw_features(pixels, features), image.message.header))


def main(arguments: list[str] | None = None) -> int:
    """Run feature_node and return its exit code."""
    return run_nodes([FeatureNode], arguments)


if __name__ == "__main__":
    sys.exit(main())
