# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses against reference poses: recall, medians, false accepts.

Source of the thresholds: Sattler et al., "Benchmarking 6DOF Outdoor Visual Localization in Changing Conditions",
CVPR 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, rotation_angle_rad

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

THRESHOLDS = ((0.25, 2.0), (0.5, 5.0), (5.0, 10.0))
"""Pairs of (metres, degrees): high, medium and coarse precision."""


@dataclass(frozen=True)
class Scores:
    """How good the poses of a set of queries are.

    Attributes:
        queries: images that were to be localized.
        localized: those with a pose.
        recall: shares of the queries within `THRESHOLDS`; queries without a pose count against it.
        median_position_m: over the localized queries; None when there are none.
        median_rotation_deg: over the localized queries; None when there are none.
        false_accepts: localized queries outside the coarsest threshold, and foreign images with a pose.
        foreign: images of other places that were offered.
    """

    queries: int
    localized: int
    recall: tuple[float, ...]
    median_position_m: float | None
    median_rotation_deg: float | None
    false_accepts: int
    foreign: int


def pose_error(estimated: NDArray[np.float64], reference: NDArray[np.float64]) -> tuple[float, float]:
    """Return the distance of the camera centres (map units) and the angle between the rotations (degrees).

    Args:
        estimated: (4, 4) cam_from_map.
        reference: (4, 4) cam_from_map.
    """
    map_from_estimated, map_from_reference = inverse(estimated), inverse(reference)
    distance = float(np.linalg.norm(map_from_estimated[:3, 3] - map_from_reference[:3, 3]))
    return distance, float(np.degrees(rotation_angle_rad(estimated @ map_from_reference)))


def score_poses(
    estimated: Mapping[str, NDArray[np.float64]],
    reference: Mapping[str, NDArray[np.float64]],
    *,
    foreign: Sequence[str] = (),
    thresholds: Sequence[tuple[float, float]] = THRESHOLDS,
) -> Scores:
    """Score poses.

    Args:
        estimated: cam_from_map by image name; rejected images are absent.
        reference: cam_from_map of every query by name.
        foreign: names of images that show another place; a pose for one is a false accept.
        thresholds: pairs of (metres, degrees), both to be met.

    Returns:
        The scores; recall is 0 where there are no queries.
    """
    errors = np.array([pose_error(estimated[name], reference[name]) for name in reference if name in estimated])
    return score_errors(
        errors.reshape(-1, 2),
        queries=len(reference),
        foreign=len(foreign),
        foreign_accepted=sum(1 for name in foreign if name in estimated),
        thresholds=thresholds,
    )


def score_errors(
    errors: NDArray[np.float64],
    *,
    queries: int,
    foreign: int = 0,
    foreign_accepted: int = 0,
    thresholds: Sequence[tuple[float, float]] = THRESHOLDS,
) -> Scores:
    """Score the errors of the localized queries.

    Args:
        errors: (N, 2) metres and degrees of the queries that have a pose.
        queries: all of them, those without a pose too.
        foreign: images of other places that were offered.
        foreign_accepted: those of them that have a pose.
        thresholds: pairs of (metres, degrees), both to be met.
    """
    within = [int(np.sum((errors[:, 0] <= metres) & (errors[:, 1] <= degrees))) for metres, degrees in thresholds]
    return Scores(
        queries=queries,
        localized=len(errors),
        recall=tuple(count / queries if queries else 0.0 for count in within),
        median_position_m=float(np.median(errors[:, 0])) if len(errors) else None,
        median_rotation_deg=float(np.median(errors[:, 1])) if len(errors) else None,
        false_accepts=len(errors) - within[-1] + foreign_accepted,
        foreign=foreign,
    )
