# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Limits of the gates, as settings; the gates themselves are in `gates`."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_ros.core.config import setting

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
        0.15,
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
