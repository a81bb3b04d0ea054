# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TF, heard: one interface over tf2_ros where ROS has it, and over our own history where it has not."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.time import Time
from tf2_msgs.msg import TFMessage

from sfd2_ros.bags.read_poses import matrix_from_transform, stamp_ns
from sfd2_ros.bags.transform_history import TransformHistory, TransformUnavailableError
from sfd2_ros.core.errors import MessageError
from sfd2_ros.ros import native
from sfd2_ros.ros.qos import static_transforms, transforms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rclpy.node import Node

HISTORY_S = 10.0
"""As tf2's buffer: longer than a frame waits in any queue."""
POLL_S = 0.005
"""Time between two looks for a transform; small beside the time of a frame."""


class TransformListener(Protocol):
    """Hears TF and answers for a moment in the past."""

    def lookup(self, target: str, source: str, time_ns: int) -> NDArray[np.float64]:
        """Return target_from_source (4, 4) at a time, interpolated and never extrapolated.

        Raises:
            TransformUnavailableError: not known, or not yet.
        """

    def wait_for_more(self, timeout_s: float) -> None:
        """Return when more may have been heard, at the latest after the timeout."""


def listen_to_transforms(node: Node) -> TransformListener:
    """Start to hear TF on a node."""
    return _NativeListener(node) if native.has("tf2_ros") else _OwnListener(node)


def lookup_when_heard(
    listener: TransformListener, target: str, source: str, time_ns: int, deadline: float
) -> NDArray[np.float64]:
    """Look up a transform that may be on its way still. Never call this in a callback of the listener's executor.

    Args:
        listener: of TF.
        target: frame to express in.
        source: frame that is expressed.
        time_ns: of the image.
        deadline: on `time.monotonic`, after which the wait is given up.

    Raises:
        TransformUnavailableError: still not known at the deadline; says what is missing.
    """
    while True:
        try:
            return listener.lookup(target, source, time_ns)
        except TransformUnavailableError:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise
        listener.wait_for_more(remaining)


class _OwnListener:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._heard = threading.Condition()
        self._history = TransformHistory(HISTORY_S)
        node.create_subscription(TFMessage, "/tf", lambda message: self._insert(message, is_static=False), transforms())
        node.create_subscription(
            TFMessage, "/tf_static", lambda message: self._insert(message, is_static=True), static_transforms()
        )
        threshold = JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True)
        self._jump_handle = node.get_clock().create_jump_callback(threshold, pre_callback=self._clear)

    def lookup(self, target: str, source: str, time_ns: int) -> NDArray[np.float64]:
        with self._heard:
            return self._history.lookup(target, source, time_ns)

    def wait_for_more(self, timeout_s: float) -> None:
        with self._heard:
            self._heard.wait(timeout_s)

    def _insert(self, message: TFMessage, *, is_static: bool) -> None:
        with self._heard:
            for edge in message.transforms:
                parent, child = edge.header.frame_id.lstrip("/"), edge.child_frame_id.lstrip("/")
                try:
                    matrix = matrix_from_transform(edge.transform)
                except MessageError as err:
                    self._node.get_logger().warning(
                        f"transform {parent!r} -> {child!r} ignored: {err}", throttle_duration_sec=5.0
                    )
                    continue
                self._history.insert(parent, child, stamp_ns(edge.header.stamp), matrix, is_static=is_static)
            self._heard.notify_all()

    def _clear(self) -> None:
        with self._heard:
            self._history.clear()


class _NativeListener:
    def __init__(self, node: Node) -> None:
        import tf2_ros  # noqa: PLC0415  only where ROS has it

        self._unavailable = tf2_ros.TransformException
        self._buffer = tf2_ros.Buffer(cache_time=Duration(seconds=HISTORY_S), node=node)
        self._listener = tf2_ros.TransformListener(self._buffer, node, spin_thread=False)

    def lookup(self, target: str, source: str, time_ns: int) -> NDArray[np.float64]:
        try:
            found = self._buffer.lookup_transform(target, source, Time(nanoseconds=time_ns))
        except self._unavailable as err:
            raise TransformUnavailableError(str(err)) from err
        return matrix_from_transform(found.transform)

    def wait_for_more(self, timeout_s: float) -> None:
        # tf2's buffer has no public call that tells of news from within another thread.
        time.sleep(min(POLL_S, timeout_s))
