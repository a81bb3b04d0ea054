# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The broadcaster of the localizer on a real /tf."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def test_a_stamp_is_not_sent_twice_in_a_row_and_is_sent_again_in_the_next_round_of_a_bag(probe: Any) -> None:
    from geometry_msgs.msg import TransformStamped
    from tf2_msgs.msg import TFMessage

    from sfd2_ros.ros.broadcaster import Broadcaster
    from sfd2_ros.ros.node_config import LocalizerNodeConfig
    from sfd2_ros.ros.qos import transforms

    broadcaster = Broadcaster(probe.node, LocalizerNodeConfig())
    heard = probe.listen(TFMessage, "/tf", transforms())
    probe.until(lambda: probe.node.count_subscribers("/tf") >= 2)
    for seconds in (100, 101, 101, 100, 102):
        edge = TransformStamped()
        edge.header.stamp.sec, edge.header.frame_id, edge.child_frame_id = (
            seconds,
            "map_of_the_loop",
            "odom_of_the_loop",
        )
        broadcaster.broadcast(edge)

    def stamps() -> list[int]:
        edges = [edge for message in heard for edge in message.transforms]
        return [edge.header.stamp.sec for edge in edges if edge.child_frame_id == "odom_of_the_loop"]

    probe.until(lambda: 102 in stamps())
    assert stamps() == [100, 101, 100, 102]
