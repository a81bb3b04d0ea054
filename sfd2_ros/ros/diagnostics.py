# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What /diagnostics says of the nodes: pure functions from measurements to a level, a reason and values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfd2_ros.features.budget import BudgetChoice
    from sfd2_ros.ros.device_memory import DeviceMemory
    from sfd2_ros.ros.newest import Counts
    from sfd2_ros.ros.stamp_gaps import Gaps

SILENCE_S = 2.0
"""A node that has heard nothing for longer than this warns."""

MAX_DROPPED_SHARE = 0.5
"""A node that lets go of more than this share of its input warns: the machine is too slow for the rate."""

MAX_AGE_S = 5.0
"""A robot whose last measured pose is older than this is warned of."""

MAX_MEMORY_SHARE = 0.9
"""A device of whose memory more than this share is in use warns: the next larger image may find none."""


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
        recent_s: seconds since the last diagnosis; NaN at the first.
        silence_s: seconds since the last image of the camera that is silent longest; infinite before the first.
        silent_camera: that camera.
        gaps: in the stamps of the camera that has most; images that were lost on their way.
        transport_s: of the last image, stamp to arrival; NaN before the first.
        extraction_s: duration of the last extraction, arrival to features; NaN before the first.
        num_keypoints: of the last image.
        status: "ok", or why the last image gave no features.
        reason: of that status.
        device: where the network runs.
        memory: of that device; None when the system does not tell.
        weights_id: identity of its weights.
        choice: scale of the last image; None without max_latency_ms.
    """

    is_active: bool
    received: int
    dropped: int
    recent: Counts
    recent_s: float
    silence_s: float
    silent_camera: str
    gaps: Gaps
    transport_s: float
    extraction_s: float
    num_keypoints: int
    status: str
    reason: str
    device: str
    memory: DeviceMemory | None
    weights_id: str
    choice: BudgetChoice | None = None


@dataclass(frozen=True)
class LocalizerMeasurements:
    """What localizer_node has seen of itself.

    Attributes:
        is_active: whether it is subscribed.
        state: name of the robot's state.
        received: frames received of all cameras.
        dropped: of those let go because a newer one had come.
        recent: the same two counts since the last diagnosis.
        recent_s: seconds since the last diagnosis; NaN at the first.
        localized: frames localized.
        refused: frames refused, by status.
        silence_s: seconds since the last frame; infinite before the first.
        status: of the last frame.
        reason: of the last frame.
        latency_s: of the last frame, stamp to status; NaN before the first.
        max_latency_s: how long a broadcast transform holds after the image; infinite when none is broadcast.
        age_s: seconds since the last pose was measured; infinite before the first.
        num_inliers: of the last frame.
        map_id: identity of the map's content.
        weights_id: identity of the weights that the map was made with.
    """

    is_active: bool
    state: str
    received: int
    dropped: int
    recent: Counts
    recent_s: float
    localized: int
    refused: dict[str, int]
    silence_s: float
    status: str
    reason: str
    latency_s: float
    max_latency_s: float
    age_s: float
    num_inliers: int
    map_id: str
    weights_id: str


# A frame refused for one of these will be refused again until somebody mends the set-up.
UNUSABLE = (
    "wrong_weights",
    "wrong_image_size",
    "wrong_focal_length",
    "wrong_principal_point",
    "mirrored_image",
    "no_camera_info",
    "no_transform",
)


def diagnose_features(seen: FeatureMeasurements) -> Diagnosis:
    """Judge feature_node."""
    values = {
        "images_received": str(seen.received),
        "images_dropped": str(seen.dropped),
        "images_lost": str(seen.gaps.lost),
        "rate_hz": _rate(seen.recent, seen.recent_s),
        "silence_s": f"{seen.silence_s:.2f}",
        "transport_s": f"{seen.transport_s:.4f}",
        "extraction_s": f"{seen.extraction_s:.4f}",
        "num_keypoints": str(seen.num_keypoints),
        "image_scale": "1" if seen.choice is None else f"{seen.choice.scale:g}",
        "last_status": seen.status,
        "device": seen.device,
        "device_memory_mib": "" if seen.memory is None else f"{seen.memory.used_mib:.0f}",
        "device_memory_share": "" if seen.memory is None else f"{seen.memory.share:.3f}",
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
        "rate_hz": _rate(seen.recent, seen.recent_s),
        "silence_s": f"{seen.silence_s:.2f}",
        "last_status": seen.status,
        "latency_s": f"{seen.latency_s:.4f}",
        "age_s": f"{seen.age_s:.2f}",
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
    if seen.gaps.are_many:
        return Level.WARN, f"about {seen.gaps.lost} of the last {seen.gaps.sent} images were lost on their way"
    if seen.memory is not None and seen.memory.share > MAX_MEMORY_SHARE:
        return Level.WARN, f"{seen.memory.share:.0%} of the memory of {seen.device} is in use"
    return _judge_extraction(seen)


def _judge_extraction(seen: FeatureMeasurements) -> tuple[Level, str]:
    if seen.choice is not None and not seen.choice.fits:
        return Level.WARN, f"slower than max_latency_ms: {seen.choice.describe()}"
    return _judge_drops(seen.recent, "images", "extracting features")


def _judge_localizer(seen: LocalizerMeasurements) -> tuple[Level, str]:
    if not seen.is_active:
        return Level.OK, "not active"
    if seen.silence_s > SILENCE_S:
        return Level.WARN, _silence(seen.silence_s, "features")
    if seen.status != "localized":
        return _judge_refusal(seen)
    if seen.latency_s > seen.max_latency_s:
        return Level.WARN, (
            f"latency {seen.latency_s:.2f} s is longer than transform_tolerance_s, {seen.max_latency_s:.2f} s: TF has "
            "run out before it is broadcast"
        )
    return _judge_drops(seen.recent, "frames", "localized")


def _judge_refusal(seen: LocalizerMeasurements) -> tuple[Level, str]:
    if seen.status in UNUSABLE:
        return Level.ERROR, f"{seen.status}: {seen.reason}"
    known = "not localized"
    if seen.age_s > MAX_AGE_S:
        known = "no pose yet" if seen.age_s == float("inf") else f"last pose {seen.age_s:.1f} s ago"
    return Level.WARN, f"{known}, {seen.status}: {seen.reason}"


def _rate(recent: Counts, seconds: float) -> str:
    """Return how many a second were worked on since the last diagnosis."""
    return f"{(recent.received - recent.dropped) / seconds:.2f}" if seconds > 0 else "nan"


def _silence(silence_s: float, what: str) -> str:
    return f"no {what} yet" if silence_s == float("inf") else f"no {what} for {silence_s:.1f} s"


def _judge_drops(recent: Counts, what: str, well: str) -> tuple[Level, str]:
    if recent.dropped > MAX_DROPPED_SHARE * recent.received:
        reason = (
            f"{recent.dropped} of the last {recent.received} {what} dropped; this machine is too slow for their rate"
        )
        return Level.WARN, reason
    return Level.OK, well
