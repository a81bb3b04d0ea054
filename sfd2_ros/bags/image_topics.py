# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag to take images from: one of each camera, that has a camera_info beside it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sfd2_ros.bags.reader import topic_name
from sfd2_ros.core.errors import BagError, CameraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.bags.reader import BagReader

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
COMPRESSED = "/compressed"


def choose_image_topics(bag: BagReader, chosen: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Choose one image topic of each camera; topics with one camera_info are of one camera.

    Args:
        bag: open.
        chosen: topics to take; empty for every camera's topic with the most images, of equals the uncompressed one.

    Returns:
        The camera_info topic of each image topic, and a sentence for each topic that is left out.

    Raises:
        BagError: no such topics, or two chosen ones are of one camera.
        CameraError: a chosen topic has no camera_info.
    """
    counts = {topic.name: topic.count for topic in bag.topics if topic.count > 0}
    infos = _info_topics(bag, tuple(map(topic_name, chosen)))
    cameras: dict[str, list[str]] = defaultdict(list)
    for topic, info in infos.items():
        cameras[info].append(topic)
    for info, topics in cameras.items():
        if chosen and len(topics) > 1:
            named = " and ".join(map(repr, topics))
            raise BagError(f"topics {named} are of one camera, whose camera_info is {info!r}; name one of them")
        topics.sort(key=lambda topic: (-counts.get(topic, 0), topic.endswith(COMPRESSED), topic))
    notes = tuple(
        f"{topics[0]} is taken; {', '.join(topics[1:])} left out, of the same camera"
        for topics in cameras.values()
        if len(topics) > 1
    )
    return {topics[0]: info for info, topics in cameras.items()}, notes


def _info_topics(bag: BagReader, chosen: Sequence[str]) -> dict[str, str]:
    """Return the camera_info topic of each image topic."""
    types = {topic.name: topic.type_name for topic in bag.topics if topic.count > 0}
    images = chosen or [name for name, type_name in types.items() if type_name in IMAGE_TYPES]
    bag.require(images)
    infos = {name: _info_topic(name) for name in images}
    found = {name: info for name, info in infos.items() if types.get(info) == CAMERA_INFO}
    missing = [name for name in infos if name not in found]
    if chosen and missing:
        raise CameraError(f"image topic {missing[0]!r} has no {infos[missing[0]]!r} beside it; record it too")
    if not found:
        raise BagError(f"the bag has no image topic with a camera_info beside it; it has: {', '.join(sorted(types))}")
    return found


def _info_topic(image_topic: str) -> str:
    raw = image_topic.removesuffix(COMPRESSED)
    return f"{raw.rpartition('/')[0]}/camera_info"
