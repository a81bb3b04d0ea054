# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the nodes themselves; those of extractor and localizer stand with these components."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_ros.core.config import setting
from sfd2_ros.core.errors import ConfigError

PUBLISH_CHOICES = ("map_to_odom", "map_to_base", "none")


@dataclass(frozen=True)
class FeatureNodeConfig:
    """Settings of feature_node."""

    autostart: bool = setting(True, "Configure and activate at start; false: wait for a lifecycle manager.")
    cameras: tuple[str, ...] = setting(
        ("camera",),
        "Names of the cameras; their topics are <camera>/image_raw, <camera>/camera_info, <camera>/features.",
    )
    image_topic: str = setting(
        "image_raw", "Name of the image topic below the camera's; image_rect for rectified ones."
    )
    image_transport: str = setting(
        "raw",
        "Topic that images are taken from: <camera>/<image_topic>, or /compressed below it.",
        choices=("raw", "compressed"),
    )
    image_reliability: str = setting(
        "best_effort",
        "best_effort hears every camera driver but may lose large images between processes; reliable loses none and "
        "hears only publishers that are reliable too.",
        choices=("best_effort", "reliable"),
    )
    images_are_rectified: bool = setting(
        False, "True for image_rect topics: P of camera_info holds then, without distortion, instead of K and D."
    )
    weights: str = setting("", "Weights file; empty: the weights that ship with the package.")
    device: str = setting("auto", "cpu, cuda, cuda:1, ...; auto: CUDA where it is, else the CPU.")
    camera_info_timeout_s: float = setting(
        1.0, "How long the first images wait for a camera_info before they are refused, seconds.", minimum=0.0
    )
    diagnostics_period_s: float = setting(1.0, "Time between two messages on /diagnostics, seconds.", minimum=0.05)


@dataclass(frozen=True)
class LocalizerNodeConfig:
    """Settings of localizer_node."""

    autostart: bool = setting(True, "Configure and activate at start; false: wait for a lifecycle manager.")
    cameras: tuple[str, ...] = setting(("camera",), "Names of the cameras; features come on <camera>/features.")
    map: str = setting("", "Folder of the map; must be given.")
    device: str = setting("auto", "Where descriptors are matched: cpu, cuda, ...; auto: CUDA where it is.")
    publish: str = setting(
        "map_to_odom",
        "TF that is broadcast: map_to_odom (REP 105, needs odometry on TF), map_to_base (no odometry there), none.",
        choices=PUBLISH_CHOICES,
    )
    map_frame: str = setting("", "Name of the map's frame; empty: the one in the map's manifest.")
    odom_frame: str = setting("odom", "Frame of odometry; needed on TF for map_to_odom.")
    base_frame: str = setting("base_link", "Frame of the robot; the cameras must be connected to it on TF.")
    transform_timeout_s: float = setting(
        0.5, "How long a frame waits for the transforms at its stamp before it is refused, seconds.", minimum=0.0
    )
    transform_tolerance_s: float = setting(
        1.0, "TF is dated this far after the image, so that it holds until the next one, seconds.", minimum=0.0
    )
    max_age_s: float = setting(
        0.0, "Frames whose image is older on arrival are refused as stale_stamp, seconds; 0: any age.", minimum=0.0
    )
    path_length: int = setting(1000, "Poses kept in ~/path.", minimum=1)
    hint_duration_s: float = setting(
        10.0,
        "How long /initialpose or ~/relocalize with a hint rejects poses that contradict it, seconds.",
        minimum=0.0,
    )
    sync_tolerance_s: float = setting(
        0.02,
        "Images of several cameras whose stamps differ by no more are localized together, as one rig, seconds; 0: each "
        "camera by itself.",
        minimum=0.0,
    )
    sync_wait_s: float = setting(
        1.0,
        "How long a rig waits for a camera that is missing, or whose features come late, before it does without; one "
        "that was missing three times is not waited for until it is back, seconds.",
        minimum=0.0,
    )
    diagnostics_period_s: float = setting(1.0, "Time between two messages on /diagnostics, seconds.", minimum=0.05)


def check_cameras(cameras: tuple[str, ...]) -> None:
    """Check that there is a camera and that no two have one name.

    Raises:
        ConfigError: no camera, an empty name, or one name twice.
    """
    if not cameras or not all(cameras) or len(set(cameras)) != len(cameras):
        raise ConfigError(f"setting 'cameras' is {list(cameras)!r}; it must name at least one camera, each once")
