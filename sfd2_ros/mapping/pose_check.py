# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the poses and intrinsics that are given explain the images.

Matches of two images are verified without them: by a fundamental matrix, which needs neither poses nor intrinsics.
Most of these matches must then lie where the given geometry allows them. Where they do not, known mistakes are undone
one at a time, to find one whose correction explains the images.

Two things no match between images can show: the scale of the poses, and on a straight drive the focal length.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap

from sfd2_ros.core.errors import MapBuildError
from sfd2_ros.mapping.pairs import similar_pairs
from sfd2_ros.mapping.pose_mistakes import CAMERA_MISTAKES, POSE_MISTAKES
from sfd2_ros.mapping.two_view import bearings, epipolar_arc_error_px
from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features, PosedImage
    from sfd2_ros.mapping.pose_mistakes import Mistake

LOGGER = logging.getLogger(__name__)
MAX_PAIRS = 60
"""Checked pairs, evenly over the map: more change a median little."""
_PARTNERS = 8
"""Of each image: neighbours, and some that lie farther off and tell more."""
_FUNDAMENTAL_ERROR_PX = 2.0
"""Largest Sampson error of a verified match; twice the noise of a keypoint. Not tuned."""
_MIN_VERIFIED = 30
_MIN_VERIFIED_SHARE = 0.2
"""Of a pair's matches: a random fundamental matrix of an image 240 pixels high keeps about 2 x 2 / 240."""
_MIN_CHECKED_PAIRS = 3
_TOLERANCES_PX = (4.0, 8.0, 16.0)
"""Poses of odometry and GNSS are off by some pixels; the smallest tolerance at which something explains the images."""
_EXPLAINS = 0.6
"""Of verified matches; right poses allow 0.85 to 1.0 on photographs and in simulated towns, most mistakes 0 to 0.4."""
_MISTAKE_EXPLAINS, _MISTAKE_GAIN = 0.7, 2.0
"""A mistake is named when its correction allows this share, and twice what the given poses allow."""
_AS_GOOD = 0.02
"""Of two corrections that explain the images alike, the first in the list is the commoner mistake."""
_UNEXPLAINED = 0.5
"""With the widest tolerance, which allows rotations that are off by a degree at a focal length of 700 px."""
_BEST_QUARTER = 75.0
"""Percentile of the pairs that decides where no mistake is known. Cameras of a rig that look to both sides of a street
verify with each other on facades that repeat: in one drive of three cameras, more than half of the pairs. Not tuned."""


@dataclass(frozen=True, eq=False)
class VerifiedPair:
    """Matches of two images that agree with one fundamental matrix.

    Attributes:
        first: index of an image.
        second: of the other.
        keypoints_first: (M, 2) pixels.
        keypoints_second: (M, 2) pixels.
    """

    first: int
    second: int
    keypoints_first: NDArray[np.float64]
    keypoints_second: NDArray[np.float64]


@dataclass(frozen=True)
class PoseCheck:
    """What the images say about the given poses and intrinsics.

    Attributes:
        explained: median over pairs of the share of verified matches that they allow within `tolerance_px`.
        pairs: that were checked; too few of them prove nothing.
        tolerance_px: at which was judged.
        mistake: whose correction explains the images far better, or None.
        corrected: the share with that correction.
        best_quarter: share of verified matches that is exceeded by a quarter of the pairs, at the widest tolerance.
    """

    explained: float
    pairs: int
    tolerance_px: float
    mistake: Mistake | None = None
    corrected: float = 0.0
    best_quarter: float = 1.0

    @property
    def is_wrong(self) -> bool:
        """Whether the poses or the intrinsics are certainly wrong."""
        return self.mistake is not None or (self.pairs >= _MIN_CHECKED_PAIRS and self.best_quarter < _UNEXPLAINED)


def verified_pairs(
    images: Sequence[PosedImage],
    features: Sequence[Features],
    aggregates: NDArray[np.float32],
    min_similarity: float,
    *,
    pairs: Sequence[tuple[int, int]] | None = None,
) -> list[VerifiedPair]:
    """Match and verify images, up to `MAX_PAIRS` pairs evenly over the map.

    Args:
        images: as given.
        features: of each image.
        aggregates: (I, G) global descriptors of the images.
        min_similarity: of a match.
        pairs: (i, j) to choose from; None for images that look alike. Of a drive whose odometry drifts only neighbours
            in time are to be judged.
    """
    pairs = similar_pairs(aggregates, _PARTNERS) if pairs is None else pairs
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(len(pairs), MAX_PAIRS)).astype(int))
    cameras = [image.camera for image in images]
    verified = []
    for first, second in (pairs[index] for index in chosen):
        found = match_mutual(features[first].descriptors, features[second].descriptors, min_similarity=min_similarity)
        matches = np.column_stack([found.query, found.target])
        pair = verify_pair(features, cameras, (first, second), matches)
        verified += [] if pair is None else [pair]
    return verified


def verify_pair(
    features: Sequence[Features],
    cameras: Sequence[Camera],
    pair: tuple[int, int],
    matches: NDArray[np.integer],
) -> VerifiedPair | None:
    """Return the matches (M, 2) of a pair that agree with one fundamental matrix, or None when they are too few."""
    first, second = pair
    keypoints = [np.asarray(features[image].keypoints[matches[:, side]], np.float64) for side, image in enumerate(pair)]
    if len(matches) < _MIN_VERIFIED:
        return None
    options = pycolmap.RANSACOptions()
    options.max_error = _FUNDAMENTAL_ERROR_PX
    options.random_seed = 0
    options.max_num_trials = 2000
    straight = [_without_distortion(cameras[image], points) for image, points in zip(pair, keypoints, strict=True)]
    finite = np.all(np.isfinite(np.hstack(straight)), axis=1)
    answer = pycolmap.estimate_fundamental_matrix(straight[0][finite], straight[1][finite], options)
    if answer is None:
        return None
    agrees = np.flatnonzero(finite)[np.asarray(answer["inlier_mask"], bool)]
    if len(agrees) < max(_MIN_VERIFIED, _MIN_VERIFIED_SHARE * len(matches)):
        return None
    return VerifiedPair(first, second, keypoints[0][agrees], keypoints[1][agrees])


def check_poses(images: Sequence[PosedImage], pairs: Sequence[VerifiedPair]) -> PoseCheck:
    """Judge given poses and intrinsics by verified matches.

    Args:
        images: as given.
        pairs: from `verify_pair`, of different images.
    """
    if len(pairs) < _MIN_CHECKED_PAIRS:
        return PoseCheck(float("nan"), len(pairs), _TOLERANCES_PX[0])
    shares = _shares_by_pair(images, pairs)
    given = np.median(shares, axis=0)
    if given[0] >= _EXPLAINS:
        return PoseCheck(float(given[0]), len(pairs), _TOLERANCES_PX[0])
    by_mistake = {
        mistake: _shares_by_pair(images, pairs, mistake.correct) for mistake in (*POSE_MISTAKES, *CAMERA_MISTAKES)
    }
    corrected = {mistake: np.median(by_pair, axis=0) for mistake, by_pair in by_mistake.items()}
    for column, tolerance_px in enumerate(_TOLERANCES_PX):
        most = max(float(medians[column]) for medians in corrected.values())
        best = next(mistake for mistake, medians in corrected.items() if medians[column] >= most - _AS_GOOD)
        share = float(corrected[best][column])
        is_likely = share >= max(_MISTAKE_EXPLAINS, _MISTAKE_GAIN * float(given[column]))
        if is_likely and not _best_quarter_contradicts(shares, by_mistake[best]):
            return PoseCheck(float(given[column]), len(pairs), tolerance_px, best, share)
        if given[column] >= _EXPLAINS:
            return PoseCheck(float(given[column]), len(pairs), tolerance_px)
    quarter = float(np.percentile(shares[:, -1], _BEST_QUARTER))
    return PoseCheck(float(given[-1]), len(pairs), _TOLERANCES_PX[-1], best_quarter=quarter)


def require_explained(images: Sequence[PosedImage], pairs: Sequence[VerifiedPair]) -> PoseCheck:
    """Check given poses and intrinsics before landmarks are triangulated under them.

    Raises:
        MapBuildError: they do not explain the images; names the likely mistake.
    """
    check = check_poses(images, pairs)
    found = (
        f"the median pair of images has {check.explained:.0%} of its matches where the poses allow them (within "
        f"{check.tolerance_px:.0f} px, {check.pairs} pairs)"
    )
    if check.mistake is not None:
        raise MapBuildError(
            f"the given poses and intrinsics do not explain the images: {found}, and {check.corrected:.0%} if they are "
            f"taken for {check.mistake.name}; {check.mistake.remedy}"
        )
    if check.is_wrong:
        tried = "; ".join(mistake.name for mistake in POSE_MISTAKES)
        raise MapBuildError(
            f"the given poses and intrinsics do not explain the images: {found}, and no known mistake explains them "
            f"(tried: {tried}; principal point; focal length); do the names belong to these images?"
        )
    if max(check.explained, check.best_quarter) < _EXPLAINS:
        LOGGER.warning("the given poses explain the images poorly: %s; --refine-poses may help", found)
    return check


def require_plausible_scale(reconstruction: Any, max_median_depth_m: float) -> None:
    """Check that landmarks lie within a robot's sight of its cameras; no match between images can show the scale.

    Raises:
        MapBuildError: they lie so far away that the poses are hardly in metres.
    """
    positions = {point_id: point.xyz for point_id, point in reconstruction.points3D.items()}
    depths = [
        np.linalg.norm(image.projection_center() - positions[point.point3D_id])
        for image in reconstruction.images.values()
        for point in image.points2D
        if point.has_point3D()
    ]
    median_m = float(np.median(depths))
    if median_m > max_median_depth_m:
        raise MapBuildError(
            f"half of the landmarks lie more than {median_m:.4g} m from the cameras, at most {max_median_depth_m:g} m "
            "is taken for metres; are the positions in millimetres? Scale them to metres"
        )


def _best_quarter_contradicts(given: NDArray[np.float64], corrected: NDArray[np.float64]) -> bool:
    """Whether a quarter of the pairs fits the given poses better than the corrected ones, at the smallest tolerance.

    A mistake concerns all images. Where places look alike, most verified pairs may show two places; a correction can
    explain these by accident, but not the pairs of one place.

    Args:
        given: (P, T) shares of `_shares_by_pair` for the given poses.
        corrected: (P, T) those for the corrected ones.
    """
    return bool(np.percentile(given[:, 0], _BEST_QUARTER) > np.percentile(corrected[:, 0], _BEST_QUARTER))


def _shares_by_pair(
    images: Sequence[PosedImage],
    pairs: Sequence[VerifiedPair],
    correct: Callable[[PosedImage], PosedImage] | None = None,
) -> NDArray[np.float64]:
    """Return (P, T): of each pair and tolerance, the share of matches that the geometry allows.

    A correction that shortens the focal length must not pass for making the same angle fewer pixels: tolerances shrink
    with it.
    """
    given, by_pair = images, []
    images = images if correct is None else [correct(image) for image in images]
    for pair in pairs:
        first, second = images[pair.first], images[pair.second]
        rays = bearings(first.camera, pair.keypoints_first), bearings(second.camera, pair.keypoints_second)
        errors_px = epipolar_arc_error_px(first, second, *rays)
        shorter = min(second.camera.fx / given[pair.second].camera.fx, 1.0)
        by_pair.append([np.mean(errors_px <= shorter * tolerance_px) for tolerance_px in _TOLERANCES_PX])
    return np.array(by_pair)


def _without_distortion(camera: Camera, keypoints: NDArray[np.float64]) -> NDArray[np.float64]:
    if camera.distortion_model == "none":
        return keypoints
    return bearings(camera, keypoints)[:, :2] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
