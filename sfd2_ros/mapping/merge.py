# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One map of several sessions: landmarks of one point are fused, and the size is bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

import sfd2_ros
from sfd2_ros.core.errors import MapError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import PosedImage
from sfd2_ros.mapping.fuse import SAME_PLACE_M, best_landmarks, faded, fuse, redundant_images, without
from sfd2_ros.mapping.manifest import read_manifest
from sfd2_ros.mapping.map_config import MAX_GROWTH
from sfd2_ros.mapping.map_model import model_of
from sfd2_ros.mapping.map_store import quantise_aggregates, save_map
from sfd2_ros.mapping.observed import observed_features
from sfd2_ros.mapping.quantised_rows import QuantisedRows
from sfd2_ros.mapping.reference_pose_nees import reference_pose_nees
from sfd2_ros.mapping.retrieval import aggregate
from sfd2_ros.mapping.tiles import camera_centres

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.mapping.landmarks import Landmarks
    from sfd2_ros.mapping.map_store import Map


def reject_unlike(base: Map, other: Map) -> None:
    """Reject two maps that cannot be merged.

    Raises:
        MapError: other weights, other units, or units without a scale.
    """
    if other.weights_id != base.weights_id:
        raise MapError(
            f"map {str(other.folder)!r} is of weights {other.weights_id!r}, {str(base.folder)!r} of "
            f"{base.weights_id!r}; build one of them again with the weights of the other"
        )
    for one in (base, other):
        if one.units != "metres":
            raise MapError(f"map {str(one.folder)!r} has units {one.units!r}; only maps in metres can be merged")


LEAST_ALIGNMENT_STD_M = 0.02
"""Least standard deviation of the alignment of two sessions. Not tuned."""


@dataclass(frozen=True, eq=False)
class Session:
    """A map to be merged.

    Attributes:
        map: of the session.
        base_from_map: (4, 4), metres.
        alignment_std_m: standard deviation of its position, metres.
    """

    map: Map
    base_from_map: NDArray[np.float64]
    alignment_std_m: float = LEAST_ALIGNMENT_STD_M


@dataclass(frozen=True)
class MergeReport:
    """Counts of a merge.

    Attributes:
        images: of the merged map.
        images_given: of all sessions.
        landmarks: of the merged map.
        landmarks_given: of all sessions.
        same_points: landmarks of sessions that are points of the map.
        same_looks: those of them whose descriptors are alike too.
        faded: landmarks whose points are no longer observed.
    """

    images: int
    images_given: int
    landmarks: int
    landmarks_given: int
    same_points: int
    same_looks: int
    faded: int


@dataclass(frozen=True, eq=False)
class _Growing:
    """A merged map while sessions are added.

    Attributes:
        images: of all sessions so far.
        landmarks: of all sessions so far.
        aggregates: encoded, of the images.
        sessions: number of each image's session, 0 for the first.
        place_images: images of one session that show the places of the map.
        place_landmarks: landmarks of one session there.
    """

    images: list[PosedImage]
    landmarks: Landmarks
    aggregates: QuantisedRows
    sessions: list[int]
    place_images: int
    place_landmarks: int

    @property
    def places(self) -> dict[str, Any]:
        """What the manifest keeps for the next merge."""
        return {"images": self.place_images, "landmarks": self.place_landmarks, "sessions": self.sessions}


def merge_maps(
    base: Map,
    others: Sequence[Session],
    output: Path,
    *,
    max_growth: float = MAX_GROWTH,
    colmap: bool = False,
    overwrite: bool = False,
) -> MergeReport:
    """Write a map that holds several sessions.

    Images of other sessions whose names are taken go into a folder named after their map.

    Args:
        base: its frame is that of the result.
        others: each with its pose in the base.
        output: folder of the map.
        max_growth: landmarks and images of the result, as a multiple of those that one session has of its places.
        colmap: write the COLMAP model of the map too.
        overwrite: replace an existing map.

    Raises:
        MapError: two maps cannot become one.
        OutputError: `output` exists and may not be replaced, or cannot be written.
    """
    for session in others:
        reject_unlike(base, session.map)
    growing = _started(base)
    totals = np.zeros(3, np.int64)
    for session in others:
        growing, added = _with_session(growing, session, base.centres, max_growth)
        totals += added
    merged = model_of(growing.images, growing.landmarks)
    given = [base, *(session.map for session in others)]
    report = MergeReport(
        len(growing.images),
        sum(len(one.images) for one in given),
        len(growing.landmarks),
        sum(len(one.landmarks) for one in given),
        *(int(total) for total in totals),
    )
    save_map(
        output,
        images=growing.images,
        landmarks=growing.landmarks,
        aggregates=growing.aggregates,
        centres=base.centres,
        weights_id=base.weights_id,
        extraction=base.extraction,
        units=base.units,
        reference_pose_nees=reference_pose_nees(merged, sorted(merged.images)),
        provenance={
            "program": f"sfd2_ros {sfd2_ros.__version__}",
            "merged": [
                {"map_id": base.map_id, "base_from_map": np.eye(4).tolist()},
                *({"map_id": one.map.map_id, "base_from_map": one.base_from_map.tolist()} for one in others),
            ],
            "places": growing.places,
            "report": {"reprojection_error_px": round(float(merged.compute_mean_reprojection_error()), 4)},
        },
        colmap=colmap,
        overwrite=overwrite,
    )
    return report


def _started(base: Map) -> _Growing:
    places = read_manifest(base.folder)["provenance"].get("places", {})
    place_images, place_landmarks = (
        int(places.get(name, count))
        for name, count in (("images", len(base.images)), ("landmarks", len(base.landmarks)))
    )
    sessions = places.get("sessions", [0] * len(base.images))
    return _Growing(list(base.images), base.landmarks, base.aggregates, sessions, place_images, place_landmarks)


def _with_session(
    growing: _Growing, session: Session, centres: NDArray[np.float32], max_growth: float
) -> tuple[_Growing, tuple[int, int, int]]:
    """Add a session; drop points that are no longer observed, and what exceeds the limit."""
    other = session.map
    names = _free_names(other, {image.name for image in growing.images})
    images = [
        PosedImage(names[one.name], one.camera, one.cam_from_world @ inverse(session.base_from_map))
        for one in other.images
    ]
    landmarks = other.landmarks.moved(session.base_from_map)
    fused = fuse(growing.landmarks, landmarks, images, alignment_std_m=session.alignment_std_m)
    new = _at_new_places(growing.images, images)
    new_landmarks = len(np.unique(landmarks.of_images(np.flatnonzero(new).tolist()).image_landmarks))
    place_images = max(growing.place_images, int((~new).sum())) + int(new.sum())
    place_landmarks = max(growing.place_landmarks, len(landmarks) - new_landmarks) + new_landmarks
    aggregates = quantise_aggregates([aggregate(one, centres) for one in observed_features(other)])
    codes = np.concatenate([growing.aggregates.codes, aggregates.codes])
    gone = faded(fused.landmarks)
    every = [*growing.images, *images]
    sessions = [*growing.sessions, *[max(growing.sessions) + 1] * len(images)]
    vectors = QuantisedRows(codes, growing.aggregates.dimension)[:]
    most = int(max_growth * place_images)
    left_out = set(redundant_images(vectors, camera_centres(every), np.array(sessions), most))
    kept_images = [number for number in range(len(every)) if number not in left_out]
    kept = without(fused.landmarks, ~gone, kept_images)
    kept = without(kept, best_landmarks(kept, int(max_growth * place_landmarks)), range(len(kept_images)))
    grown = _Growing(
        [every[number] for number in kept_images],
        kept,
        QuantisedRows(codes[kept_images], growing.aggregates.dimension),
        [sessions[number] for number in kept_images],
        place_images,
        place_landmarks,
    )
    return grown, (fused.same_points, fused.same_looks, int(gone.sum()))


def _at_new_places(known: Sequence[PosedImage], images: Sequence[PosedImage]) -> NDArray[np.bool_]:
    """Return which images are of places that the known images do not have."""
    distances = np.asarray(cKDTree(camera_centres(known)).query(camera_centres(images))[0], np.float64)
    new: NDArray[np.bool_] = distances > SAME_PLACE_M
    return new


def _free_names(session: Map, taken: set[str]) -> dict[str, str]:
    """Return the names of a session's images in the merged map, by their names in its own."""
    names = {image.name: image.name for image in session.images}
    number = 1
    while taken & set(names.values()):
        number += 1
        prefix = session.folder.name if number == 2 else f"{session.folder.name}_{number}"
        names = {name: f"{prefix}/{name}" for name in names}
    return names
