# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixes of GNSS (sensor_msgs/NavSatFix) out of a bag, each with where odometry had the antenna."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.bags.read_poses import stamp_ns
from sfd2_ros.bags.reader import topic_name
from sfd2_ros.bags.transform_history import TransformUnavailableError
from sfd2_ros.core.drive import PositionFix
from sfd2_ros.core.errors import BagError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.bags.odometry_path import OdometryPath
    from sfd2_ros.bags.reader import BagReader
    from sfd2_ros.bags.transform_history import TransformHistory

FIX_TYPE = "sensor_msgs/msg/NavSatFix"
_NO_FIX = -1
"""STATUS_NO_FIX of sensor_msgs/NavSatStatus."""
_UNKNOWN_COVARIANCE = 0
"""COVARIANCE_TYPE_UNKNOWN of sensor_msgs/NavSatFix."""
_DEFAULT_SIGMA_M = (3.0, 3.0, 6.0)
"""East, north, up of a receiver that reports no covariance: a car's without corrections. Not tuned."""


def read_position_fixes(
    bag: BagReader, topic: str, history: TransformHistory, path: OdometryPath
) -> tuple[PositionFix, ...]:
    """Read the fixes of a bag.

    Args:
        bag: open.
        topic: with the fixes; empty for the only one of their type, if there is one.
        history: TF of the whole bag, for the antenna.
        path: odometry.

    Returns:
        The fixes at whose stamps there is odometry, in the order of time. An antenna that is not on TF is taken to be
        at the robot's origin.

    Raises:
        BagError: no such topic, another type, or several topics of fixes and none chosen.
    """
    chosen = _fix_topic(bag, topic)
    if chosen is None:
        return ()
    fixes = []
    for message in bag.messages([chosen]):
        fix = _fix(bag.decode(message), history, path)
        if fix is not None:
            fixes.append(fix)
    return tuple(sorted(fixes, key=lambda one: one.stamp_ns))


def _fix_topic(bag: BagReader, topic: str) -> str | None:
    of_type = [one.name for one in bag.topics if one.type_name == FIX_TYPE and one.count > 0]
    if not topic:
        if len(of_type) > 1:
            raise BagError(f"the bag has several topics of {FIX_TYPE}: {', '.join(of_type)}; name one: --gnss-topic")
        return of_type[0] if of_type else None
    if topic == "none":
        return None
    bag.require([topic])
    if topic_name(topic) not in of_type:
        raise BagError(f"topic {topic_name(topic)!r} holds no {FIX_TYPE}; --gnss-topic takes one that does, or none")
    return topic_name(topic)


def _fix(message: Any, history: TransformHistory, path: OdometryPath) -> PositionFix | None:
    time_ns = stamp_ns(message.header.stamp)
    place = np.array([message.latitude, message.longitude, message.altitude])
    odom_from_base = path.pose(time_ns)
    if message.status.status <= _NO_FIX or not np.all(np.isfinite(place)) or odom_from_base is None:
        return None
    try:
        base_from_antenna = history.lookup(path.base, message.header.frame_id, time_ns)
    except TransformUnavailableError:
        base_from_antenna = np.eye(4)
    return PositionFix(
        stamp_ns=time_ns,
        latitude_deg=float(place[0]),
        longitude_deg=float(place[1]),
        altitude_m=float(place[2]),
        covariance_m2=_covariance(message),
        odom_from_antenna=odom_from_base @ base_from_antenna,
    )


def _covariance(message: Any) -> NDArray[np.float64]:
    covariance = np.array(message.position_covariance, np.float64).reshape(3, 3)
    covariance = (covariance + covariance.T) / 2
    is_known = message.position_covariance_type != _UNKNOWN_COVARIANCE and np.all(np.isfinite(covariance))
    if not is_known or np.min(np.linalg.eigvalsh(covariance)) <= 0:
        return np.diag(np.square(_DEFAULT_SIGMA_M))
    return covariance
