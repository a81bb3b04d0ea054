# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where one map lies in another: the images of the one are localized in the other, and must agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from sfd2_ros.core.errors import MapError
from sfd2_ros.core.transforms import inverse, rigid, rotation_angle_rad
from sfd2_ros.localization.localizer import Localizer
from sfd2_ros.localization.results import Localized
from sfd2_ros.mapping.merge import reject_unlike
from sfd2_ros.mapping.observed import observed_features

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sfd2_ros.mapping.map_store import Map

AGREE_M, AGREE_RAD = 0.5, np.radians(2.0)
MIN_IMAGES = 3
"""Images that must agree: with two, one repetition of a street would do. Not tuned."""
MIN_SHARE = 0.5
"""Of the localized images, how many must agree: more than any other alignment can have."""


@dataclass(frozen=True, eq=False)
class MapAlignment:
    """Where another map lies in a base map.

    Attributes:
        base_from_other: (4, 4), metres; exactly the identity when both lie in one frame already.
        images: of the other map.
        localized: of these in the base map.
        agreeing: of the localized, those within (0.5 m, 2°) of this alignment.
        median_position_m: of the agreeing images, between alignment and localization.
    """

    base_from_other: NDArray[np.float64]
    images: int
    localized: int
    agreeing: int
    median_position_m: float


def align_maps(base: Map, other: Map, progress: Callable[[str, int, int], None]) -> MapAlignment:
    """Find where another map lies in a base map.

    Args:
        base: map to localize in.
        other: map whose images are localized, by the keypoints that it kept.
        progress: called with step, done, total.

    Raises:
        MapError: the maps are of other weights or units, or too few images agree on where the other map lies.
    """
    reject_unlike(base, other)
    localizer = Localizer(base)
    measured = []
    for done, (features, image) in enumerate(zip(observed_features(other), other.images, strict=True)):
        progress("align", done, len(other.images))
        estimate = localizer.localize(features, image.camera)
        if isinstance(estimate, Localized):
            measured.append((estimate.map_from_cam, inverse(image.cam_from_world)))
    progress("align", len(other.images), len(other.images))
    alignment, agreeing = _consensus(measured)
    if len(agreeing) < MIN_IMAGES or len(agreeing) < MIN_SHARE * len(measured):
        raise MapError(
            f"map {str(other.folder)!r} cannot be aligned with {str(base.folder)!r}: of its {len(other.images)} images "
            f"{len(measured)} were localized there and {len(agreeing)} agree on one alignment; {MIN_IMAGES} and half "
            "of the localized are needed. If both are in the same frame already, add --same-frame"
        )
    distances = [_difference(alignment, *pair)[0] for pair in agreeing]
    return MapAlignment(alignment, len(other.images), len(measured), len(agreeing), float(np.median(distances)))


Pair = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def _consensus(measured: list[Pair]) -> tuple[NDArray[np.float64], list[Pair]]:
    """Return the alignment that most images agree with, and these images.

    The identity is kept where as many agree with it: maps that were surveyed into one frame are not moved by noise.
    """
    proposals = [base_from_cam @ inverse(other_from_cam) for base_from_cam, other_from_cam in measured]
    best, agreeing = np.eye(4), _agreeing(np.eye(4), measured)
    for proposal in proposals:
        found = _agreeing(proposal, measured)
        if len(found) > len(agreeing):
            best, agreeing = _mean_alignment(found), found
    return best, agreeing


def _agreeing(alignment: NDArray[np.float64], measured: list[Pair]) -> list[Pair]:
    differences = [_difference(alignment, *pair) for pair in measured]
    return [
        pair
        for pair, (distance_m, angle_rad) in zip(measured, differences, strict=True)
        if distance_m <= AGREE_M and angle_rad <= AGREE_RAD
    ]


def _difference(
    alignment: NDArray[np.float64], base_from_cam: NDArray[np.float64], other_from_cam: NDArray[np.float64]
) -> tuple[float, float]:
    """Return metres and radians between an image's pose by alignment and by localization."""
    moved = inverse(base_from_cam) @ alignment @ other_from_cam
    return float(np.linalg.norm(moved[:3, 3])), float(rotation_angle_rad(moved))


def _mean_alignment(pairs: list[Pair]) -> NDArray[np.float64]:
    """Return the mean rotation, and the translation that lays mean camera centre on mean camera centre."""
    rotations = [base[:3, :3] @ other[:3, :3].T for base, other in pairs]
    rotation = Rotation.from_matrix(rotations).mean().as_matrix()
    base_centre, other_centre = (np.mean([pair[side][:3, 3] for pair in pairs], axis=0) for side in (0, 1))
    return rigid(rotation, base_centre - rotation @ other_centre)
