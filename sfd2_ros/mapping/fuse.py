# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Landmarks of several sessions in one map of bounded size: landmarks of one point are fused.

Each landmark counts the sessions in which its point was visible, and those that observed it. Points that are no longer
observed are dropped; of the others, those that are observed most often are kept, up to a limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from sfd2_ros.mapping.information import covariances_of, packed_factors
from sfd2_ros.mapping.pixel_rows import encode_pixels
from sfd2_ros.mapping.quantised_rows import QuantisedRows, quantise_rows
from sfd2_ros.mapping.same_points import find_same_points, visible_in_session
from sfd2_ros.mapping.tiles import first_of_point
from sfd2_ros.mapping.unit_rows import encode_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import PosedImage
    from sfd2_ros.mapping.landmarks import Landmarks

USUAL_SURVIVAL = 0.3
"""Fraction of the later sessions that observe a point (`sfd2 bench sessions`): 32 % of the long-term class, 11 to 13 %
of the others."""
_USUAL_SESSIONS = 2.0
"""Weight of the usual survival, in sessions. Not tuned."""
MIN_SURVIVAL = 0.15
"""Points with a smaller survival are dropped: half of the usual one. That is after three later sessions without an
observation, or nine with one."""
SAME_PLACE_M = 10.0
"""An image farther than this from all images of the map is of a new place. Not tuned."""
_MOST_SESSIONS = 255
"""Largest number of a uint8."""


@dataclass(frozen=True, eq=False)
class Fusion:
    """Landmarks of two sessions in one array.

    Attributes:
        landmarks: of both, those of the base first.
        same_points: number of landmarks of the other session that are points of the base.
        same_looks: number of these whose descriptors are alike too, so that they have no landmark of their own.
    """

    landmarks: Landmarks
    same_points: int
    same_looks: int


def fuse(base: Landmarks, other: Landmarks, images: Sequence[PosedImage], *, alignment_std_m: float) -> Fusion:
    """Add the landmarks of another session.

    Positions of the same point are averaged by their information, descriptors by their observations. A point that
    has an unlike descriptor gets another landmark at the same position.

    Args:
        base: landmarks of the map.
        other: of the session, in the same frame.
        images: of the session, in the same frame.
        alignment_std_m: how exactly the two frames are known to agree, metres.
    """
    same = find_same_points(base, other, alignment_std_m=alignment_std_m)
    alike_base, alike_other = same.base[same.same_look], same.other[same.same_look]
    row_of_other = np.full(len(other), -1)
    row_of_other[alike_other] = alike_base
    added = np.flatnonzero(row_of_other < 0)
    row_of_other[added] = len(base) + np.arange(len(added))
    joined = _joined(base, other, added, row_of_other)
    joined = _averaged(joined, other, alike_base, alike_other)
    point = first_of_point(joined.positions)
    point[row_of_other[same.other]] = point[same.base]
    joined = _placed(joined, base, other, same.base, same.other, point=point)
    return Fusion(_counted(joined, base, other, images, point=point, found=same.base), len(same.base), len(alike_base))


def survival(landmarks: Landmarks) -> NDArray[np.float64]:
    """Return (L,) the expected fraction of later sessions that observe each landmark's point.

    The posterior mean of a binomial fraction, with the usual survival as prior; the first session does not count.
    """
    later, again = (np.asarray(one, np.float64) - 1 for one in (landmarks.sessions_expected, landmarks.sessions_seen))
    fraction: NDArray[np.float64] = (again + _USUAL_SESSIONS * USUAL_SURVIVAL) / (later + _USUAL_SESSIONS)
    return fraction


def faded(landmarks: Landmarks) -> NDArray[np.bool_]:
    """Return (L,) which landmarks are of points that are no longer observed."""
    gone: NDArray[np.bool_] = survival(landmarks) < MIN_SURVIVAL
    return gone


def best_landmarks(landmarks: Landmarks, most: int) -> NDArray[np.bool_]:
    """Return (L,) which landmarks to keep, `most` of them: those whose points are observed most often.

    Of equal ones those of more observations are kept. Every image keeps a fair part of its landmarks, so that one
    session does not displace another of other light.
    """
    if len(landmarks) <= most:
        return np.ones(len(landmarks), bool)
    observations = np.bincount(landmarks.image_landmarks[:], minlength=len(landmarks))
    order = np.lexsort((-observations, -survival(landmarks)))
    rank = np.empty(len(landmarks), np.int64)
    rank[order] = np.arange(len(landmarks))
    images = len(landmarks.image_offsets) - 1
    kept = np.zeros(len(landmarks), bool)
    for image in range(images):
        mine = np.asarray(landmarks.seen_by(image))
        kept[mine[np.argsort(rank[mine], kind="stable")[: most // (2 * images)]]] = True
    rest = order[~kept[order]]
    kept[rest[: max(0, most - int(kept.sum()))]] = True
    return kept


def redundant_images(
    vectors: NDArray[np.float32], places: NDArray[np.float64], sessions: NDArray[np.int64], most: int
) -> list[int]:
    """Return the images to leave out so that `most` remain: those that resemble one of another session most.

    So each place keeps images of different light. Of a pair, the image of the session with more images is left out.

    Args:
        vectors: (I, D) global descriptors, of length one.
        places: (I, 3) positions of the cameras, metres.
        sessions: (I,) number of each image's session.
        most: images that remain; more if no further ones share a place.
    """
    count = len(vectors)
    pairs = cKDTree(places).query_pairs(SAME_PLACE_M, output_type="ndarray")
    pairs = pairs[sessions[pairs[:, 0]] != sessions[pairs[:, 1]]]
    similarity = np.einsum("ij,ij->i", vectors[pairs[:, 0]], vectors[pairs[:, 1]])
    remaining = np.bincount(sessions)
    left_out: set[int] = set()
    for first, second in pairs[np.argsort(-similarity, kind="stable")].tolist():
        if count - len(left_out) <= most:
            break
        if first not in left_out and second not in left_out:
            chosen = first if remaining[sessions[first]] > remaining[sessions[second]] else second
            left_out.add(chosen)
            remaining[sessions[chosen]] -= 1
    return sorted(left_out)


def without(landmarks: Landmarks, kept: NDArray[np.bool_], images: Sequence[int]) -> Landmarks:
    """Return the landmarks that are kept, (L,) true, and that one of the images observes."""
    some = landmarks.of_images(images)
    is_seen = np.zeros(len(some), bool)
    is_seen[some.image_landmarks] = True
    kept = kept & is_seen
    new_row = np.cumsum(kept) - 1
    stays = kept[some.image_landmarks]
    counts = np.bincount(some.observing_images()[stays], minlength=len(images))
    return replace(
        some,
        positions=some.positions[kept],
        information=some.information[kept],
        descriptors=some.descriptors.taken(np.flatnonzero(kept)),
        stability=some.stability[kept],
        normals=some.normals.taken(np.flatnonzero(kept)),
        sessions_seen=some.sessions_seen[kept],
        sessions_expected=some.sessions_expected[kept],
        image_offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        image_landmarks=new_row[some.image_landmarks[stays]].astype(np.int32),
        image_keypoints=replace(some.image_keypoints, codes=some.image_keypoints.codes[stays]),
    )


def _joined(base: Landmarks, other: Landmarks, added: NDArray[np.int64], row_of_other: NDArray[np.int64]) -> Landmarks:
    """Return the landmarks of the base and the added ones of the other, with the observations of both."""
    numbers = row_of_other[other.image_landmarks]
    within = np.lexsort((numbers, other.observing_images()))
    codes = other.descriptors.taken(added)
    if codes.bits != base.descriptors.bits:
        codes = quantise_rows(codes[:], base.descriptors.bits)
    return replace(
        base,
        descriptors=QuantisedRows(np.concatenate([base.descriptors.codes, codes.codes]), base.descriptors.dimension),
        normals=replace(base.normals, codes=np.concatenate([base.normals.codes, other.normals.codes[added]])),
        image_offsets=np.concatenate([base.image_offsets, base.image_offsets[-1] + other.image_offsets[1:]]),
        image_landmarks=np.concatenate([base.image_landmarks, numbers[within].astype(np.int32)]),
        image_keypoints=encode_pixels(np.concatenate([base.image_keypoints[:], other.image_keypoints[:][within]])),
        positions=np.concatenate([base.positions, other.positions[added]]),
        information=np.concatenate([base.information, other.information[added]]),
        stability=np.concatenate([base.stability, other.stability[added]]),
        sessions_seen=np.concatenate([base.sessions_seen, other.sessions_seen[added]]),
        sessions_expected=np.concatenate([base.sessions_expected, other.sessions_expected[added]]),
    )


def _averaged(
    joined: Landmarks, other: Landmarks, rows: NDArray[np.int64], rows_of_other: NDArray[np.int64]
) -> Landmarks:
    """Average descriptors, directions and stabilities of landmarks that look alike, by their observations."""
    if len(rows) == 0:
        return joined
    theirs = np.bincount(other.image_landmarks, minlength=len(other))[rows_of_other][:, None].astype(np.float64)
    ours = np.maximum(np.bincount(joined.image_landmarks, minlength=len(joined))[rows][:, None] - theirs, 1.0)
    descriptors, normals = joined.descriptors.codes.copy(), joined.normals.codes.copy()
    mixed = ours * joined.descriptors[rows] + theirs * other.descriptors[rows_of_other]
    descriptors[rows] = quantise_rows(mixed, joined.descriptors.bits).codes
    normals[rows] = encode_rows(ours * joined.normals[rows] + theirs * other.normals[rows_of_other]).codes
    stability = joined.stability.copy()
    total = (ours * joined.stability[rows, None] + theirs * other.stability[rows_of_other, None]) / (ours + theirs)
    stability[rows] = total[:, 0]
    return replace(
        joined,
        descriptors=replace(joined.descriptors, codes=descriptors),
        normals=replace(joined.normals, codes=normals),
        stability=stability,
    )


def _placed(
    joined: Landmarks,
    base: Landmarks,
    other: Landmarks,
    rows: NDArray[np.int64],
    rows_of_other: NDArray[np.int64],
    *,
    point: NDArray[np.int64],
) -> Landmarks:
    """Set the positions of the points of both sessions to the mean, weighted by information."""
    if len(rows) == 0:
        return joined
    ours, theirs = (
        np.linalg.inv(covariances_of(one)) for one in (base.information[rows], other.information[rows_of_other])
    )
    pulls = [
        each @ place[..., None]
        for each, place in ((ours, base.positions[rows]), (theirs, other.positions[rows_of_other]))
    ]
    placed = np.linalg.solve(ours + theirs, pulls[0] + pulls[1])[..., 0]
    source = np.full(len(joined), -1)
    source[point[rows]] = np.arange(len(rows))
    chosen = source[point]
    moves = chosen >= 0
    positions, information = joined.positions.copy(), joined.information.copy()
    positions[moves] = placed[chosen[moves]]
    information[moves] = packed_factors(ours + theirs)[chosen[moves]]
    return replace(joined, positions=positions, information=information)


def _counted(
    joined: Landmarks,
    base: Landmarks,
    other: Landmarks,
    images: Sequence[PosedImage],
    *,
    point: NDArray[np.int64],
    found: NDArray[np.int64],
) -> Landmarks:
    """Count for the points of the base whether they were visible in the session, and whether it observed them."""
    was_found = np.zeros(len(joined), bool)
    was_found[point[found]] = True
    was_expected = was_found.copy()
    was_expected[point[np.flatnonzero(visible_in_session(base, other, images))]] = True
    seen = joined.sessions_seen[point].astype(np.int64) + was_found[point]
    expected = joined.sessions_expected[point].astype(np.int64) + was_expected[point]
    is_new = point >= len(base)
    seen[is_new], expected[is_new] = joined.sessions_seen[is_new], joined.sessions_expected[is_new]
    return replace(
        joined,
        sessions_seen=np.minimum(seen, _MOST_SESSIONS).astype(np.uint8),
        sessions_expected=np.minimum(expected, _MOST_SESSIONS).astype(np.uint8),
    )
