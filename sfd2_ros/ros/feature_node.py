# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""feature_node: images of cameras in, local features out."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sfd2_ros.bags.camera_info import camera_from_message
from sfd2_ros.bags.image_messages import decode_compressed_image, decode_image, image_size
from sfd2_ros.bags.read_poses import NS_PER_S, stamp_ns
from sfd2_ros.core.errors import CameraError, DependencyError, ImageError, Sfd2Error
from sfd2_ros.features import Extractor, ExtractorConfig, load_extractor
from sfd2_ros.features.budget import BudgetChoice, BudgetedExtraction
from sfd2_ros.ros.camera_inputs import CameraInputs, ReceivedImage
from sfd2_ros.ros.camera_settings import camera_turns, check_cameras
from sfd2_ros.ros.conversions.features import STATUS_OK
from sfd2_ros.ros.device_memory import is_out_of_memory, memory_of
from sfd2_ros.ros.diagnostics import Diagnosis, FeatureMeasurements, diagnose_features
from sfd2_ros.ros.diagnostics_publisher import publish_diagnostics
from sfd2_ros.ros.features_output import Extraction, FeaturesOutput
from sfd2_ros.ros.managed_node import ManagedNode, run_nodes
from sfd2_ros.ros.newest import CountsSince, NewestItems, Worker
from sfd2_ros.ros.node_config import FeatureNodeConfig
from sfd2_ros.ros.stamp_gaps import NO_GAPS
from sfd2_ros.user_cache import precision_cache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.ros.intra_process import IntraProcessBridge

SETTINGS: dict[str, type[Any]] = {"": FeatureNodeConfig, "extractor": ExtractorConfig}
CHANGEABLE = (
    "images_are_rectified",
    "camera_info_timeout_s",
    "max_latency_ms",
    "diagnostics_period_s",
    "extractor.max_*",
    "extractor.score_threshold",
    "extractor.nms_radius_px",
    "extractor.border_px",
    "extractor.refinement",
    "extractor.use_stability",
    "extractor.stability_power",
)
WARM_UP_SIZE = (480, 640, 3)


class FeatureNode(ManagedNode):
    """Extracts features of the newest image of each camera, on a thread of its own."""

    def __init__(
        self, ignored: Mapping[str, type[Any]] | None = None, bridge: IntraProcessBridge | None = None
    ) -> None:
        super().__init__("feature_node", SETTINGS, ignored, CHANGEABLE)
        self._config: FeatureNodeConfig = self.settings[""]
        check_cameras(self._config.cameras, self._config.image_topic)
        self._turns = camera_turns(self._config)
        self._extractor: Extractor | None = None
        self._budget: BudgetedExtraction | None = None
        self._images: NewestItems[ReceivedImage] = NewestItems()
        self._inputs: CameraInputs | None = None
        self._worker: Worker[ReceivedImage] | None = None
        self._last: Extraction | None = None
        self._recent = CountsSince()
        self._output = FeaturesOutput(self, self._config.cameras, bridge)
        period_s = self._config.diagnostics_period_s
        self._set_period = publish_diagnostics(self, "features", self.diagnose, period_s)

    def use_settings(self) -> None:
        """Extract the next image with the settings as they are now."""
        self._config = self.settings[""]
        self._set_period(self._config.diagnostics_period_s)
        if self._extractor is not None:
            self._extractor = self._extractor.with_config(self.settings["extractor"])
            self._budget = self._new_budget()

    def load(self) -> None:
        """Load the weights and run the network once, so that the first image does not wait for that."""
        config = self._config = self.settings[""]
        self._turns = camera_turns(config)
        try:
            extractor = load_extractor(
                config.weights or None,
                config.device,
                config=self.settings["extractor"],
                model=config.model,
                rate_hz=config.rate_hz,
                cache=precision_cache(),
            )
            extractor(np.zeros(WARM_UP_SIZE, np.uint8))
        except Exception as err:
            if not is_out_of_memory(err):
                raise
            raise DependencyError(
                f"device {config.device!r} has too little free memory for the network ({str(err).splitlines()[0]}); "
                "free some, or set device to cpu"
            ) from err
        self._extractor, self._budget = extractor, self._new_budget()
        if self._budget is not None:
            self._budget(extractor, np.zeros(WARM_UP_SIZE, np.uint8))  # the first image of the camera is reduced, too
        self.get_logger().info(
            f"weights {extractor.weights_id} on {extractor.device}, {extractor.precision}; settings {self.settings}"
        )

    def start(self) -> None:
        """Start the worker, then subscribe."""
        self._images = NewestItems()
        self._worker = Worker("extract", self._images, self._process, self.report_failure)
        self._inputs = CameraInputs(self, self._config, self._images)

    def stop(self) -> None:
        """Unsubscribe and wait for the image in hand."""
        if self._inputs is not None:
            self._inputs.close()
        if self._worker is not None and not self._worker.stop():
            self.get_logger().error("the image in progress does not end; it is given up")
        self._inputs = self._worker = None

    def unload(self) -> None:
        """Release the network and its memory on the device."""
        self._extractor = self._budget = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def diagnose(self) -> Diagnosis:
        """Judge this node for /diagnostics."""
        inputs, extractor, counts, last = self._inputs, self._extractor, self._images.total(), self._last
        silence = {camera: inputs.silence_s(camera) for camera in self._config.cameras} if inputs else {"": np.inf}
        silent_camera = max(silence, key=lambda camera: silence[camera])
        recent, recent_s = self._recent.ask(counts, time.monotonic())
        return diagnose_features(
            FeatureMeasurements(
                is_active=inputs is not None,
                received=counts.received,
                dropped=counts.dropped,
                recent=recent,
                recent_s=recent_s,
                silence_s=silence[silent_camera],
                silent_camera=silent_camera,
                gaps=inputs.gaps() if inputs else NO_GAPS,
                transport_s=last.transport_s if last else float("nan"),
                extraction_s=last.extraction_s if last else float("nan"),
                num_keypoints=len(last.features) if last and last.features else 0,
                status=last.status if last else STATUS_OK,
                reason=last.reason if last else "",
                device=str(extractor.device) if extractor else "",
                memory=memory_of(extractor.device) if extractor else None,
                weights_id=extractor.weights_id if extractor else "",
                choice=self._budget.choice if self._budget else None,
            )
        )

    def _process(self, camera: str, image: ReceivedImage) -> None:
        """Extract the features of one image and deliver them, or the reason why there are none."""
        started, header = time.perf_counter(), image.message.header
        pixels = features = intrinsics = None
        status, reason = STATUS_OK, ""
        try:
            # Decoding takes memory for as many pixels as the header declares: camera_info must agree first.
            is_compressed = self._config.image_transport != "raw"
            size = image_size(image.message, is_compressed=is_compressed)
            intrinsics = self._intrinsics(camera, stamp_ns(header.stamp), size)
            pixels = (decode_compressed_image if is_compressed else decode_image)(image.message)
            features = self._extract(camera, pixels)
        except Exception as err:
            if not isinstance(err, Sfd2Error) and not is_out_of_memory(err):
                raise
            status, reason = self._refusal(err)
        counts = self._images.counts(camera)
        self._last = made = Extraction(
            header=header,
            status=status,
            reason=reason,
            pixels=pixels,
            features=features,
            camera=intrinsics,
            transport_s=(image.received_ns - stamp_ns(header.stamp)) / NS_PER_S,
            extraction_s=time.perf_counter() - started,
            images_received=counts.received,
            images_dropped=counts.dropped,
        )
        self._output.deliver(camera, made)

    def _intrinsics(self, camera: str, time_ns: int, size: tuple[int, int]) -> Camera:
        if self._inputs is None:
            raise ImageError("the node was deactivated while this image waited")
        info = self._inputs.camera_info(camera, time_ns, self._config.camera_info_timeout_s)
        if info is None:
            missing = self._inputs.describe_missing_info(camera)
            raise CameraError(f"{missing}; intrinsics are never guessed, let the driver publish them")
        return camera_from_message(info, size, rectified=self._config.images_are_rectified)

    def _extract(self, camera: str, pixels: NDArray[np.uint8]) -> Features:
        extractor = self._extractor
        if extractor is None:
            raise ImageError("the node was deactivated while this image waited")
        if camera in self._turns:
            extractor = extractor.with_config(replace(extractor.config, rotate_deg=self._turns[camera]))
        return self._budget(extractor, pixels) if self._budget else extractor(pixels)

    def _new_budget(self) -> BudgetedExtraction | None:
        """Return what keeps max_latency_ms; None without that limit."""
        limit_s = self._config.max_latency_ms / 1000
        if limit_s == 0:
            return None
        return BudgetedExtraction(limit_s, clock=time.perf_counter, on_change=self._log_choice)

    def _log_choice(self, choice: BudgetChoice, size: tuple[int, int]) -> None:
        log = self.get_logger().info if choice.fits else self.get_logger().warning
        log(f"images of {size[1]}x{size[0]}: {choice.describe()}; max_latency_ms is {self._config.max_latency_ms:g}")

    def _refusal(self, err: Exception) -> tuple[str, str]:
        """Return status and reason of an image without features."""
        status, reason = "bad_image", str(err)
        if isinstance(err, CameraError):
            status = "no_camera_info"
        elif is_out_of_memory(err):
            if torch.cuda.is_available():
                torch.cuda.empty_cache()  # the next image may be smaller, or the memory be free again
            reason = (
                f"the device has no memory left for this image ({str(err).splitlines()[0]}); lower "
                "extractor.max_side_px, or free memory"
            )
        self.get_logger().warning(f"image rejected, {status}: {reason}", throttle_duration_sec=5.0)
        return status, reason


def main(arguments: list[str] | None = None) -> int:
    """Run feature_node and return its exit code."""
    return run_nodes([FeatureNode], arguments)


if __name__ == "__main__":
    sys.exit(main())
