# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the nodes themselves; those of extractor and localizer stand with these components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfd2_ros.core.config import setting
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.noise import NoiseConfig
from sfd2_ros.features.model_names import MODEL_CHOICES, RATE_HZ
from sfd2_ros.localization.config import LocalizerConfig, MatchingConfig, RetrievalConfig
from sfd2_ros.localization.fusion_config import FusionConfig
from sfd2_ros.localization.gates import GatesConfig
from sfd2_ros.localization.motion import MotionConfig
from sfd2_ros.localization.tracker_config import TrackerConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_S = 3600.0
"""Of waits and periods; after some centuries the nanoseconds of timers and stamps would run over."""

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
        "raw: subscribe to <camera>/<image_topic>; compressed: to <camera>/<image_topic>/compressed.",
        choices=("raw", "compressed"),
    )
    image_reliability: str = setting(
        "auto",
        "auto: reliable if every publisher of the images is reliable, otherwise best_effort. best_effort "
        "connects to every publisher but may lose large images between processes. reliable connects to "
        "reliable publishers only.",
        choices=("auto", "best_effort", "reliable"),
    )
    images_are_rectified: bool = setting(
        False, "True for image_rect topics: P of camera_info is used, without distortion, instead of K and D."
    )
    camera_turns: str = setting(
        "",
        "Cameras with another turn than extractor.rotate_deg: name:degrees, separated by commas, such as "
        "camera/left:90,camera/right:270.",
    )
    weights: str = setting("", "Weights file; empty: the weights that ship with the package.")
    model: str = setting(
        "",
        "Network; empty: that of the weights file, or sfd2; auto: the largest shipped one that runs at rate_hz; "
        "aliked-n16: with its weights file. Maps are of one model.",
        choices=MODEL_CHOICES,
    )
    rate_hz: float = setting(
        RATE_HZ, "For model auto: images of 640x480 a second that the network must reach.", minimum=0.01, maximum=1000.0
    )
    max_latency_ms: float = setting(
        0.0,
        "Longest time for the features of an image, milliseconds: images that would need longer are reduced, down to "
        "half their sides. 0: no limit.",
        minimum=0.0,
        maximum=1000 * MAX_S,
    )
    device: str = setting(
        "auto", "Device of the network: cpu, cuda, cuda:1, ...; auto: CUDA if there is one, otherwise the CPU."
    )
    camera_info_timeout_s: float = setting(
        1.0,
        "How long the first images wait for a camera_info before they are rejected, seconds.",
        minimum=0.0,
        maximum=MAX_S,
    )
    diagnostics_period_s: float = setting(
        1.0, "Time between two messages on /diagnostics, seconds.", minimum=0.05, maximum=MAX_S
    )


@dataclass(frozen=True)
class LocalizerNodeConfig:
    """Settings of localizer_node."""

    autostart: bool = setting(True, "Configure and activate at start; false: wait for a lifecycle manager.")
    cameras: tuple[str, ...] = setting(("camera",), "Names of the cameras; features come on <camera>/features.")
    map: str = setting("", "Folder of the map; must be given.")
    max_memory_mb: float = setting(
        0.0,
        "Largest memory of the landmarks, megabytes. If the map needs more, only tiles near the robot are loaded. "
        "0: load the whole map.",
        minimum=0.0,
    )
    device: str = setting("auto", "Device that matches descriptors: cpu, cuda, ...; auto: CUDA if there is one.")
    publish: str = setting(
        "map_to_odom",
        "TF that is broadcast: map_to_odom (REP 105, needs odometry on TF), map_to_base (no odometry there), none.",
        choices=PUBLISH_CHOICES,
    )
    map_frame: str = setting("", "Name of the map's frame; empty: the one in the map's manifest.")
    odom_frame: str = setting("odom", "Frame of odometry; needed on TF for map_to_odom.")
    base_frame: str = setting("base_link", "Frame of the robot; the cameras must be connected to it on TF.")
    transform_timeout_s: float = setting(
        0.5,
        "How long a frame waits for the transforms at its stamp before it is rejected, seconds.",
        minimum=0.0,
        maximum=MAX_S,
    )
    transform_tolerance_s: float = setting(
        1.0,
        "map to odom on TF is stamped this long after the image, so that it holds until the next one, seconds. "
        "map to base_link has the stamp of the image.",
        minimum=0.0,
        maximum=MAX_S,
    )
    max_age_s: float = setting(
        0.0,
        "Frames whose image is older on arrival are rejected as stale_stamp, seconds; 0: any age.",
        minimum=0.0,
    )
    max_future_s: float = setting(
        0.2,
        "Frames whose image stamp is further in the future are rejected as stale_stamp, seconds.",
        minimum=0.0,
        maximum=MAX_S,
    )
    max_tilt_rad: float = setting(
        1.05,
        "In a level map, poses that tilt the base more are rejected as no_transform, because the frame of the "
        "image is then not the optical one, radians. 3.15: accept any tilt.",
        minimum=0.0,
        maximum=3.15,
    )
    broadcast_rate_hz: float = setting(
        0.0,
        "map to odom is broadcast at this rate, for hold_s after a localized frame, hertz. 0: once for each "
        "localized frame.",
        minimum=0.0,
        maximum=100.0,
    )
    hold_s: float = setting(
        5.0,
        "How long map to odom is held through rejected frames when broadcast_rate_hz is above 0, seconds.",
        minimum=0.0,
        maximum=MAX_S,
    )
    path_length: int = setting(1000, "Poses kept in ~/path.", minimum=1, maximum=1_000_000)
    hint_duration_s: float = setting(
        10.0,
        "How long /initialpose or ~/relocalize with a hint rejects poses that contradict it, seconds.",
        minimum=0.0,
        maximum=MAX_S,
    )
    sync_tolerance_s: float = setting(
        0.02,
        "Images of several cameras are localized together, as one rig, if their stamps differ by no more than "
        "this, seconds. 0: each camera by itself.",
        minimum=0.0,
        maximum=MAX_S,
    )
    sync_wait_s: float = setting(
        1.0,
        "How long a frame of a rig waits for a missing or late camera, seconds. After three such frames the camera is "
        "no longer waited for, until it returns.",
        minimum=0.0,
        maximum=MAX_S,
    )
    diagnostics_period_s: float = setting(
        1.0, "Time between two messages on /diagnostics, seconds.", minimum=0.05, maximum=MAX_S
    )


@dataclass(frozen=True)
class LocalizerSettings:
    """All settings of localizer_node at one moment; a frame is localized with one such snapshot.

    Attributes:
        node: of the node itself.
        localizer: of the localizer, in groups.
        tracker: of tracking.
        motion: uncertainty of odometry.
        fusion: of the fusion with odometry.
    """

    node: LocalizerNodeConfig
    localizer: LocalizerConfig
    tracker: TrackerConfig
    motion: MotionConfig
    fusion: FusionConfig


LOCALIZER_SETTINGS: dict[str, type[Any]] = {
    "": LocalizerNodeConfig,
    "localizer.retrieval": RetrievalConfig,
    "localizer.matching": MatchingConfig,
    "localizer.gates": GatesConfig,
    "localizer.noise": NoiseConfig,
    "tracker": TrackerConfig,
    "motion": MotionConfig,
    "fusion": FusionConfig,
}
"""Settings of localizer_node by parameter prefix."""
LOCALIZER_CHANGEABLE = (
    "transform_timeout_s",
    "transform_tolerance_s",
    "max_age_s",
    "max_future_s",
    "max_tilt_rad",
    "path_length",
    "hint_duration_s",
    "diagnostics_period_s",
    "localizer.*",
    "tracker.*",
    "motion.*",
    "fusion.motion_share",
    "fusion.common_*",
)
"""Patterns of the parameters of localizer_node that may be changed while it runs."""


def localizer_settings(settings: Mapping[str, Any]) -> LocalizerSettings:
    """Return the settings of localizer_node from the settings objects by parameter prefix."""
    groups = {group: settings[f"localizer.{group}"] for group in ("retrieval", "matching", "gates", "noise")}
    components = {name: settings[name] for name in ("tracker", "motion", "fusion")}
    return LocalizerSettings(node=settings[""], localizer=LocalizerConfig(**groups), **components)


def tf_lifetime_s(config: LocalizerNodeConfig) -> float:
    """Return how long after the image the broadcast transform holds; infinite for one that is of the image alone."""
    return config.transform_tolerance_s if config.publish == "map_to_odom" else float("inf")


def check_frames(config: LocalizerNodeConfig) -> None:
    """Check that the frames are those of a tree.

    Raises:
        ConfigError: one has no name or a leading slash, or two have the same name.
    """
    used = ("map_frame", "odom_frame", "base_frame") if config.publish == "map_to_odom" else ("map_frame", "base_frame")
    frames = {name: getattr(config, name) for name in used}
    named = [frame for frame in frames.values() if frame]
    if not all(frames[name] for name in used[1:]) or any(frame.startswith("/") for frame in named):
        raise ConfigError(f"settings {frames} name a frame '' or with a leading '/'; TF allows neither")
    if len(set(named)) != len(named):
        raise ConfigError(f"settings {frames} name one frame twice; each must be a frame of its own")
    if config.broadcast_rate_hz > 0 and config.publish != "map_to_odom":
        raise ConfigError(
            f"setting 'broadcast_rate_hz' is {config.broadcast_rate_hz} and 'publish' is {config.publish!r}; only map "
            "to odom can be held; set publish: map_to_odom, or broadcast_rate_hz to 0"
        )


def check_fusion(config: LocalizerNodeConfig, fusion: FusionConfig) -> None:
    """Check that there is odometry to fuse measured poses with.

    Raises:
        ConfigError: fusion is wanted of a robot that is told to have no odometry on TF.
    """
    if fusion.enabled and config.publish != "map_to_odom":
        raise ConfigError(
            f"setting 'fusion.enabled' is True and 'publish' is {config.publish!r}; poses are fused with odometry, "
            "which only publish: map_to_odom looks up; set that, or fusion.enabled to false"
        )
