# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All transforms of a rosbag2 at once: its TF, and poses of the robot that it holds as messages of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfd2_ros.bags.read_poses import matrix_from_pose, matrix_from_transform, stamp_ns
from sfd2_ros.bags.reader import topic_name
from sfd2_ros.bags.transform_history import TransformHistory
from sfd2_ros.core.errors import BagError, MessageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.bags.reader import BagMessage, BagReader

TF_TOPICS = {"/tf": False, "/tf_static": True}
POSE_TYPES = ("nav_msgs/msg/Odometry", "geometry_msgs/msg/PoseStamped", "geometry_msgs/msg/PoseWithCovarianceStamped")
_LONGER_THAN_ANY_BAG_S = 1e9


def bag_transforms(bag: BagReader, pose_topic: str | None = None, base_frame: str = "base_link") -> TransformHistory:
    """Read the transforms of a whole bag.

    Args:
        bag: open.
        pose_topic: a topic with poses of the robot (Odometry, PoseStamped, PoseWithCovarianceStamped) in the frame of
            their header, such as those of a GNSS receiver or another localizer; they take the place of what TF says of
            `base_frame`. None for TF alone.
        base_frame: what the poses of `pose_topic` are of, unless the messages name it themselves.

    Raises:
        BagError: there is neither TF nor such a topic, the topic has another type, or a message holds no rotation.
    """
    history = TransformHistory(_LONGER_THAN_ANY_BAG_S)
    types = {topic.name: topic.type_name for topic in bag.topics}
    if pose_topic is not None:
        pose_topic = topic_name(pose_topic)
        bag.require([pose_topic])
        if types[pose_topic] not in POSE_TYPES:
            raise BagError(
                f"topic {pose_topic!r} is of type {types[pose_topic]}; poses come as {', '.join(POSE_TYPES)}"
            )
    topics = [name for name in TF_TOPICS if name in types]
    if not topics and pose_topic is None:
        raise BagError("the bag has no /tf and no /tf_static; record them, or name a topic with poses")
    posed_frames: set[str] = set()
    if pose_topic is not None:
        for message in bag.messages([pose_topic]):
            posed_frames.add(_insert_pose(history, bag.decode(message), base_frame, message))
    for message in bag.messages(topics) if topics else ():
        for transform in bag.decode(message).transforms:
            if transform.child_frame_id.lstrip("/") not in posed_frames:
                _insert_transform(history, transform, message)
    return history


def _insert_pose(history: TransformHistory, pose: Any, base_frame: str, message: BagMessage) -> str:
    """Add one pose of the robot; return the name of its frame."""
    child = (getattr(pose, "child_frame_id", "") or base_frame).lstrip("/")
    value = pose.pose if message.type_name.endswith("/PoseStamped") else pose.pose.pose
    parent_from_child = _read(matrix_from_pose, value, message)
    history.insert(pose.header.frame_id, child, stamp_ns(pose.header.stamp), parent_from_child, is_static=False)
    return child


def _insert_transform(history: TransformHistory, transform: Any, message: BagMessage) -> None:
    history.insert(
        transform.header.frame_id,
        transform.child_frame_id,
        stamp_ns(transform.header.stamp),
        _read(matrix_from_transform, transform.transform, message),
        is_static=TF_TOPICS[message.topic],
    )


def _read(convert: Callable[[Any], NDArray[np.float64]], value: Any, message: BagMessage) -> NDArray[np.float64]:
    try:
        return convert(value)
    except MessageError as err:
        raise BagError(f"a message of {message.topic!r} at {message.time_ns} ns holds no pose: {err}") from err
