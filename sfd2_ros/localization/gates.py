# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The gates: every test that a frame must pass to be localized, with its limit, in one table.

A new gate on a measured value is a setting and a row here, its line in config/localize.yaml, and its row in
docs/localization.md. A test compares the three.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sfd2_ros.core.config import setting
from sfd2_ros.core.types import Evidence, GateValue, Status
from sfd2_ros.localization.gate import MAX, MIN, Gate

ANY_INTRINSICS = 1e6
"""As `max_focal_error` or `max_centre_error`: the gate is off."""
RIVAL_EXPONENT = 0.5
"""Of the exponent that a published pose needs, what a rival pose needs. A rival is not published; it only has to be
something else than chance: at the default, one frame in 10^4 has a rival by chance. Not tuned."""


@dataclass(frozen=True)
class GatesConfig:
    """Limits of the gates; the only home of their defaults."""

    min_matches: int = setting(
        12, "A frame needs at least this many keypoints, and as many matches with the map.", minimum=4
    )
    min_inliers: int = setting(12, "A pose needs at least this many inliers.", minimum=4)
    max_log10_false_alarms: float = setting(
        -8.0,
        "Largest expected number of equally good poses from random matches, as a power of ten (a-contrario test).",
        maximum=0.0,
    )
    max_focal_error: float = setting(
        0.02,
        "Largest relative error of the focal length in camera_info that the matches prove.",
        minimum=0.0,
    )
    max_centre_error: float = setting(
        0.03,
        "Largest error of the principal point in camera_info that the matches prove, as a fraction of the focal "
        "length.",
        minimum=0.0,
    )
    max_rival_share: float = setting(
        0.4,
        "Largest support of a second place, as a fraction of the inliers of the best one.",
        minimum=0.0,
        maximum=1.0,
    )
    min_distinct_share: float = setting(
        0.3,
        "Smallest fraction of the distinct matches that agree with the pose; fewer agree in another place that has "
        "the same objects.",
        minimum=0.0,
        maximum=1.0,
    )
    max_mirror_share: float = setting(
        0.05,
        "Largest support of the image mirrored left to right, as a fraction of the inliers.",
        minimum=0.0,
    )
    min_log_likelihood_ratio: float = setting(
        0.25,
        "Smallest mean log-likelihood ratio of the matches near the pose, of right against random; less is another "
        "place that is built alike.",
        minimum=0.0,
    )
    min_spread: float = setting(
        0.06,
        "Smallest fraction of the cells of an 8x8 grid on the image that hold an inlier.",
        minimum=0.0,
        maximum=1.0,
    )
    max_position_std_m: float = setting(
        1.0, "Largest standard deviation of the position along its worst axis, metres.", minimum=0.0
    )
    max_rotation_std_rad: float = setting(
        0.1, "Largest standard deviation of the rotation about its worst axis, radians.", minimum=0.0
    )
    max_hint_deviations: float = setting(
        3.0, "Largest distance from a hint along its worst axis, in standard deviations.", minimum=0.1
    )
    max_jump: float = setting(
        30.0,
        "Largest squared Mahalanobis distance from the predicted pose (chi-square with 6 degrees of freedom; one right "
        "pose in 25,000 exceeds 30).",
        minimum=1.0,
    )

    @property
    def rival_log10_false_alarms(self) -> float:
        """Largest expected number of equally good poses from random matches for a rival, as a power of ten."""
        return RIVAL_EXPONENT * self.max_log10_false_alarms


_CALIBRATE = "calibrate the camera, and scale or crop camera_info together with the image"
GATES = (
    Gate(
        "keypoints",
        Status.NO_FEATURES,
        "min_matches",
        "keypoints",
        MIN,
        lambda evidence: evidence.most_keypoints,
        "{value:.0f} keypoints found, {limit:.0f} are needed",
    ),
    Gate(
        "matches",
        Status.FEW_MATCHES,
        "min_matches",
        "matches",
        MIN,
        lambda evidence: evidence.num_matches if evidence.is_matched else math.nan,
        "{value:.0f} matches with the map, {limit:.0f} are needed",
    ),
    Gate(
        "focal_length",
        Status.WRONG_FOCAL_LENGTH,
        "max_focal_error",
        "fraction",
        MAX,
        lambda evidence: evidence.focal_error,
        "the matches fit another focal length, {value:.1%} from that of camera_info; " + _CALIBRATE,
        is_tracked=False,
    ),
    Gate(
        "principal_point",
        Status.WRONG_PRINCIPAL_POINT,
        "max_centre_error",
        "focal lengths",
        MAX,
        lambda evidence: evidence.centre_error,
        "the matches fit another principal point, {value:.1%} of the focal length from that of camera_info; "
        + _CALIBRATE,
        is_tracked=False,
    ),
    Gate(
        "rival",
        Status.AMBIGUOUS_PLACE,
        "max_rival_share",
        "fraction",
        MAX,
        lambda evidence: evidence.rival_share,
        "another place has {value:.0%} of the inliers of the best one, {limit:.0%} are allowed",
    ),
    Gate(
        "distinct",
        Status.LOW_DISTINCT_RATIO,
        "min_distinct_share",
        "fraction",
        MIN,
        lambda evidence: evidence.distinct_share,
        "{value:.0%} of the distinct matches agree with the pose, {limit:.0%} are needed",
        is_tracked=False,
    ),
    Gate(
        "mirror",
        Status.MIRRORED_IMAGE,
        "max_mirror_share",
        "fraction",
        MAX,
        lambda evidence: evidence.mirror_share,
        "the image looks mirrored left to right: mirrored back, its support is {value:.0%} of the inliers, "
        "{limit:.0%} are allowed; turn horizontal flipping off in the camera driver",
        is_tracked=False,
    ),
    Gate(
        "inliers",
        Status.FEW_INLIERS,
        "min_inliers",
        "matches",
        MIN,
        lambda evidence: evidence.num_inliers or math.nan,
        "{evidence.num_inliers} of {evidence.num_offered} matches agree, {limit:.0f} are needed",
        is_required=True,
    ),
    Gate(
        "false_alarms",
        Status.CHANCE_AGREEMENT,
        "max_log10_false_alarms",
        "power of ten",
        MAX,
        lambda evidence: evidence.log10_false_alarms,
        "{evidence.num_inliers} of {evidence.num_offered} matches agree; 10^{value:.0f} random poses are as good, at "
        "most 10^{limit:.0f} are allowed",
        is_required=True,
    ),
    Gate(
        "log_likelihood_ratio",
        Status.CHANCE_AGREEMENT,
        "min_log_likelihood_ratio",
        "nats per match",
        MIN,
        lambda evidence: evidence.mean_log_likelihood_ratio,
        "matches near the pose agree with it little more than by chance: mean log-likelihood ratio {value:.2f}, "
        "{limit:.2f} is needed",
        is_required=True,
    ),
    Gate(
        "spread",
        Status.POOR_SPREAD,
        "min_spread",
        "fraction",
        MIN,
        lambda evidence: evidence.spread,
        "inliers lie in {value:.0%} of the image, {limit:.0%} are needed",
        is_required=True,
    ),
    Gate(
        "position_std",
        Status.UNCERTAIN_POSE,
        "max_position_std_m",
        "m",
        MAX,
        lambda evidence: evidence.position_std_m,
        "position is uncertain by {value:.2f} m, {limit:.2f} m is allowed",
    ),
    Gate(
        "rotation_std",
        Status.UNCERTAIN_POSE,
        "max_rotation_std_rad",
        "rad",
        MAX,
        lambda evidence: evidence.rotation_std_rad,
        "rotation is uncertain by {value:.3f} rad, {limit:.3f} rad is allowed",
        is_required=True,
    ),
    Gate(
        "hint",
        Status.IMPLAUSIBLE_JUMP,
        "max_hint_deviations",
        "standard deviations",
        MAX,
        lambda evidence: evidence.hint_deviations,
        "the pose is {value:.1f} standard deviations from the hint, {limit:.1f} are allowed",
    ),
    Gate(
        "jump",
        Status.IMPLAUSIBLE_JUMP,
        "max_jump",
        "squared standard deviations",
        MAX,
        lambda evidence: evidence.jump,
        "the pose contradicts the prediction (squared distance {value:.0f}, {limit:.0f} allowed)",
    ),
)
"""In the order in which the gates are judged: the first that fails gives the status."""


def read_gates(evidence: Evidence, limits: GatesConfig) -> tuple[GateValue, ...]:
    """Return the values of all gates; NaN where a frame ended before a value was measured."""
    return tuple(gate.read(evidence, limits) for gate in GATES)


def first_failure(evidence: Evidence, *, is_complete: bool = False) -> tuple[Gate, str] | None:
    """Return the first gate that a frame fails and the reason in one sentence, or None.

    Args:
        evidence: of the frame, with the values of all gates from `read_gates`.
        is_complete: True: required gates fail without a value, so that nothing unmeasured is accepted.
    """
    for gate, reading in zip(GATES, evidence.gates, strict=True):
        if not reading.is_passed or (is_complete and gate.is_required and math.isnan(reading.value)):
            return gate, gate.reason.format(value=reading.value, limit=reading.limit, evidence=evidence)
    return None
