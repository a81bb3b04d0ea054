# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays a bag with several cameras into the real nodes and compares their poses with its ground truth."""

from __future__ import annotations

import re
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_lab.bench.demo.ros_domain import private_domain
from sfd2_lab.bench.demo.running_nodes import START_S, NodeSettings, wait_until
from sfd2_lab.bench.players.pose_recorder import PoseRecorder
from sfd2_ros.bags.read_poses import matrix_from_pose, stamp_ns
from sfd2_ros.bags.reader import BagReader
from sfd2_ros.core.errors import BagError, DependencyError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation import score_poses
from sfd2_ros.ros.bag_player import PlaySettings, play_bag

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.demo.node_process import NodeProcess

QUIET_S = 3.0
_IMAGES = re.compile(r"/(?P<camera>.+)/image_raw(?P<compressed>/compressed)?")


@dataclass(frozen=True, eq=False)
class ReplayedBag:
    """What was heard, and what is true.

    Attributes:
        cameras: names of topics.
        stamps_ns: of all images, each once.
        truth: map_from_base (4, 4) by stamp.
        poses: map_from_base (4, 4) that the localizer published, by stamp.
        statuses: (stamp, status, latency in seconds of the bag's time) of every processed frame.
        rate: how fast the bag's time ran.
    """

    cameras: tuple[str, ...]
    stamps_ns: list[int]
    truth: dict[int, NDArray[np.float64]]
    poses: dict[int, NDArray[np.float64]]
    statuses: list[tuple[int, str, float]]
    rate: float

    def figures(self) -> dict[str, Any]:
        """Return recall over the instants with ground truth, and what became of the frames.

        Where the cameras of one instant are localized one by one, its last pose counts.
        """
        reference = {str(stamp): inverse(pose) for stamp, pose in self.truth.items()}
        told = {str(stamp): inverse(pose) for stamp, pose in self.poses.items() if stamp in self.truth}
        scores = score_poses(told, reference)
        latencies = [latency / self.rate for _, status, latency in self.statuses if status == "localized"]
        return {
            "cameras": list(self.cameras),
            "instants": len(self.stamps_ns),
            "instants_with_truth": len(self.truth),
            "localized": scores.localized,
            "recall": list(scores.recall),
            "median_position_m": scores.median_position_m,
            "median_rotation_deg": scores.median_rotation_deg,
            "false_accepts": scores.false_accepts,
            "frames": dict(Counter(status for _, status, _ in self.statuses).most_common()),
            "rate": self.rate,
            "median_latency_ms": float(np.median(latencies)) * 1e3 if latencies else None,
        }


def replay_bag(
    bag: Path,
    map_folder: Path,
    log_folder: Path,
    *,
    rate: float,
    device: str = "auto",
    report: Callable[[str], None] = lambda _line: None,
) -> ReplayedBag:
    """Start both nodes, play a bag at the times of its recording, and end the nodes, whatever happens.

    Images that come while the nodes are busy are dropped, as on a robot: choose a rate that the machine keeps up with,
    or see what it can. The nodes are in a ROS domain of their own.

    Args:
        bag: with /CAMERA/image_raw (or image_raw/compressed) and camera_info, TF, and /ground_truth.
        map_folder: for localizer_node.
        log_folder: for what the nodes print.
        rate: 0.5 plays half as fast as it was recorded.
        device: of both nodes.
        report: told one line at a time what happens.

    Raises:
        BagError: the bag is damaged or has no images or no truth.
        DependencyError: a node ends, or does not start.
    """
    with ExitStack() as stack:
        reader = stack.enter_context(BagReader(bag))
        cameras, is_compressed = _cameras(reader)
        stamps, truth = _truth(reader, cameras, is_compressed=is_compressed)
        stack.enter_context(private_domain())
        recorder = stack.enter_context(PoseRecorder())
        heard: dict[str, Any] = {"cameras": list(cameras), "use_sim_time": True}
        transport = {"image_transport": "compressed" if is_compressed else "raw"}
        extra = {"feature_node": {**heard, **transport}, "localizer_node": heard}
        settings = NodeSettings(map_folder, log_folder, device, extra=extra)
        nodes = [stack.enter_context(settings.start(name)) for name in extra]
        _wait_until_active(nodes)
        play_bag(reader, PlaySettings(rate=rate, has_clock=True, discovery_s=START_S), report)
        _wait_until_quiet(recorder, nodes)
        return ReplayedBag(cameras, stamps, truth, dict(recorder.poses), list(recorder.statuses), rate)


def _cameras(reader: BagReader) -> tuple[tuple[str, ...], bool]:
    found = [match for topic in reader.topics if (match := _IMAGES.fullmatch(topic.name))]
    if not found:
        names = ", ".join(topic.name for topic in reader.topics)
        raise BagError(f"the bag has no topic /CAMERA/image_raw or /CAMERA/image_raw/compressed; it has: {names}")
    compressed = {match["compressed"] is not None for match in found}
    if len(compressed) > 1:
        raise BagError("the bag has raw and compressed images; make it with one of them")
    return tuple(match["camera"] for match in found), compressed.pop()


def _truth(
    reader: BagReader, cameras: tuple[str, ...], *, is_compressed: bool
) -> tuple[list[int], dict[int, NDArray[np.float64]]]:
    suffix = "/compressed" if is_compressed else ""
    topics = [f"/{camera}/image_raw{suffix}" for camera in cameras]
    reader.require([*topics, "/ground_truth"])
    # The time of recording of an image is its stamp in our bags; decoding every image for it would take minutes.
    stamps = sorted({message.time_ns for message in reader.messages(topics)})
    decoded = (reader.decode(message) for message in reader.messages(["/ground_truth"]))
    truth = {stamp_ns(message.header.stamp): matrix_from_pose(message.pose) for message in decoded}
    return stamps, {stamp: truth[stamp] for stamp in stamps if stamp in truth}


def _wait_until_active(nodes: list[NodeProcess]) -> None:
    def are_active() -> bool:
        for node in nodes:
            node.check()
        return all("active" in node.output() for node in nodes)

    if not wait_until(are_active, START_S):
        said = "\n".join(node.last_lines(5) for node in nodes)
        raise DependencyError(f"the nodes were not active within {START_S:.0f} s; their output:\n{said}")


def _wait_until_quiet(recorder: PoseRecorder, nodes: list[NodeProcess]) -> None:
    """Wait until the last frames are through."""
    heard, since = len(recorder.statuses), time.monotonic()
    while time.monotonic() - since < QUIET_S:
        for node in nodes:
            node.check()
        time.sleep(0.1)
        if len(recorder.statuses) != heard:
            heard, since = len(recorder.statuses), time.monotonic()
