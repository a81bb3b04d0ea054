# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Names of cameras and the turn of each, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.turn import TURNS_DEG

if TYPE_CHECKING:
    from sfd2_ros.ros.node_config import FeatureNodeConfig

_TOPIC = re.compile(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*", re.ASCII)
_TOPIC_RULE = "allowed are letters, digits and _ in parts that begin with no digit, joined by single slashes"


def check_cameras(cameras: tuple[str, ...], image_topic: str = "image_raw") -> None:
    """Check that there is a camera, that no two have one name, and that topics can be called so.

    Raises:
        ConfigError: no camera, one name twice, or a name that ROS does not allow.
    """
    if not cameras or len(set(cameras)) != len(cameras):
        raise ConfigError(f"setting 'cameras' is {list(cameras)!r}; it must name at least one camera, each once")
    for name in cameras:
        if not _TOPIC.fullmatch(re.sub("^~?/", "", name)):
            raise ConfigError(f"setting 'cameras' has {name!r}; {_TOPIC_RULE}")
    if not _TOPIC.fullmatch(image_topic):
        raise ConfigError(f"setting 'image_topic' is {image_topic!r}; {_TOPIC_RULE}")


def camera_turns(config: FeatureNodeConfig) -> dict[str, int]:
    """Return the clockwise turns in degrees of the cameras that have one of their own.

    Raises:
        ConfigError: malformed, a camera that is not among `cameras` or stands twice, or another angle.
    """
    turns: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in config.camera_turns.split(","))):
        name, _, degrees = (each.strip() for each in part.rpartition(":"))
        if name not in config.cameras or name in turns or degrees not in map(str, TURNS_DEG):
            raise ConfigError(
                f"setting 'camera_turns' has {part!r}; name:degrees is needed, each of the cameras "
                f"{list(config.cameras)} at most once, with one of {', '.join(map(str, TURNS_DEG))} degrees"
            )
        turns[name] = int(degrees)
    return turns
