# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What /diagnostics says of the nodes: pure functions from measurements to a level, a reason and values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfd2_ros.ros.newest import Counts

SILENCE_S = 2.0
"""A node that has heard nothing for longer than this warns."""

MAX_DROPPED_SHARE = 0.5
"""A node that lets go of more than this share of its input warns: the machine is too slow for the rate."""


class Level(enum.IntEnum):
    """Levels of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Diagnosis:
    """How a node is.

    Attributes:
        level: how bad.
        reason: one sentence.
        values: documented keys and their values, as text.
    """

    level: Level
    reason: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureMeasurements:
    """What feature_node has seen of itself.

    Attributes:
        is_active: whether it is subscribed.
        received: images received of all cameras.
        dropped: of those let go because a newer one had come.
        recent: the same two counts since the last diagnosis.
        silence_s: seconds since the last image of the camera that is silent longest; infinite before the first.
        silent_camera: that camera.
        extraction_s: duration of the last extraction; NaN before the first.
        num_keypoints: of the last image.
        status: "ok", or why the last image gave no features.
        reason: of that status.
        device: where the network runs.
        weights_id: identity of its weights.
    """

    is_active: bool
    received: int
    dropped: int
    recent: Counts
    silence_s: float
    silent_camera: str
    extraction_s: float
    num_keypoints: int
    status: str
    reason: str
    device: str
    weights_id: str


@dataclass(frozen=True)
class LocalizerMeasurements:
    """What localizer_node has seen of itself.

    Attributes:
        is_active: whether it is subscribed.
        state: name of the robot's state.
        received: frames received of all cameras.
        dropped: of those let go because a newer one had come.
        recent: the same two counts since the last diagnosis.
        localized: frames localized.
        refused: frames refused, by status.
        silence_s: seconds since the last frame; infinite before the first.
        status: of the last frame.
        reason: of the last frame.
        latency_s: of the last frame, stamp to status; NaN before the first.
        num_inliers: of the last frame.
        map_id: identity of the map's content.
        weights_id: identity of the weights that the map was made with.
    """

    is_active: bool
    state: str
    received: int
    dropped: int
    recent: Counts
    localized: int
    refused: dict[str, int]
    silence_s: float
    status: str
    reason: str
    latency_s: float
    num_inliers: int
    map_id: str
    weights_id: str


# A frame refused for one of these will be refused again until somebody mends the set-up.
UNUSABLE = ("wrong_weights", "wrong_image_size", "no_camera_info", "no_transform")


def diagnose_features(seen: FeatureMeasurements) -> Diagnosis:
    """Judge feature_node."""
    values = {
        "images_received": str(seen.received),
        "images_dropped": str(seen.dropped),
        "silence_s": f"{seen.silence_s:.2f}",
        "extraction_s": f"{seen.extraction_s:.4f}",
        "num_keypoints": str(seen.num_keypoints),
        "last_status": seen.status,
        "device": seen.device,
        "weights_id": seen.weights_id,
    }
    level, reason = _judge_features(seen)
    return Diagnosis(level, reason, values)


def diagnose_localizer(seen: LocalizerMeasurements) -> Diagnosis:
    """Judge localizer_node."""
    values = {
        "state": seen.state,
        "frames_received": str(seen.received),
        "frames_dropped": str(seen.dropped),
        "frames_localized": str(seen.localized),
        "frames_refused": str(sum(seen.refused.values())),
        **{f"refused_{status}": str(count) for status, count in sorted(seen.refused.items())},
        "silence_s": f"{seen.silence_s:.2f}",
        "last_status": seen.status,
        "latency_s": f"{seen.latency_s:.4f}",
        "num_inliers": str(seen.num_inliers),
        "map_id": seen.map_id,
        "weights_id": seen.weights_id,
    }
    level, reason = _judge_localizer(seen)
    return Diagnosis(level, reason, values)


def _judge_features(seen: FeatureMeasurements) -> tuple[Level, str]:
    if not seen.is_active:
        return Level.OK, "not active"
    if seen.silence_s > SILENCE_S:
        return Level.WARN, f"{_silence(seen.silence_s, 'image')} on camera {seen.silent_camera!r}"
    if seen.status != "ok":
        return Level.ERROR, f"{seen.status}: {seen.reason}"
    return _judge_drops(seen.recent, "images", "extracting features")


def _judge_localizer(seen: LocalizerMeasurements) -> tuple[Level, str]:
    if not seen.is_active:
        return Level.OK, "not active"
    if seen.silence_s > SILENCE_S:
        return Level.WARN, _silence(seen.silence_s, "features")
    if seen.status in UNUSABLE:
        return Level.ERROR, f"{seen.status}: {seen.reason}"
    if seen.status != "localized":
        return Level.WARN, f"not localized, {seen.status}: {seen.reason}"
    return _judge_drops(seen.recent, "frames", "localized")


def _silence(silence_s: float, what: str) -> str:
    return f"no {what} yet" if silence_s == float("inf") else f"no {what} for {silence_s:.1f} s"


def _judge_drops(recent: Counts, what: str, well: str) -> tuple[Level, str]:
    if recent.dropped > MAX_DROPPED_SHARE * recent.received:
        reason = (
            f"{recent.dropped} of the last {recent.received} {what} dropped; this machine is too slow for their rate"
        )
        return Level.WARN, reason
    return Level.OK, well
