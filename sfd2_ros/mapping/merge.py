# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One map of several sessions: landmarks and images of all, each with the look of its own day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sfd2_ros
from sfd2_ros.core.errors import MapError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import PosedImage
from sfd2_ros.mapping.landmarks import Landmarks
from sfd2_ros.mapping.map_model import model_of
from sfd2_ros.mapping.map_store import quantise_aggregates, save_map
from sfd2_ros.mapping.observed import observed_features
from sfd2_ros.mapping.pixel_rows import encode_pixels
from sfd2_ros.mapping.quantised_rows import QuantisedRows, quantise_rows
from sfd2_ros.mapping.reference_pose_nees import reference_pose_nees
from sfd2_ros.mapping.retrieval import aggregate
from sfd2_ros.mapping.unit_rows import UnitRows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.mapping.map_store import Map


def refuse_unlike(base: Map, other: Map) -> None:
    """Refuse two maps that cannot become one.

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


def merge_maps(
    base: Map,
    others: Sequence[tuple[Map, NDArray[np.float64]]],
    output: Path,
    *,
    colmap: bool = False,
    overwrite: bool = False,
) -> None:
    """Write a map that holds several sessions.

    Landmarks are not fused: a wall has one landmark by day and another by night, each with the descriptor of its light.
    Images of other sessions whose names are taken go into a folder named after their map.

    Args:
        base: its frame is that of the result.
        others: each with base_from_other (4, 4), metres.
        output: folder of the map.
        colmap: write the COLMAP model of the map too.
        overwrite: replace an existing map.

    Raises:
        MapError: two maps cannot become one.
        OutputError: `output` exists and may not be replaced, or cannot be written.
    """
    for other, _ in others:
        refuse_unlike(base, other)
    sessions = [(base, np.eye(4)), *others]
    images: list[PosedImage] = []
    aggregates: list[NDArray[np.float32]] = []
    for session, base_from_session in sessions:
        names = _free_names(session, {image.name for image in images})
        images.extend(
            PosedImage(names[one.name], one.camera, one.cam_from_world @ inverse(base_from_session))
            for one in session.images
        )
        aggregates.extend(aggregate(one, base.centres) for one in observed_features(session))
    landmarks = _joined([session.landmarks.moved(pose) for session, pose in sessions])
    merged = model_of(images, landmarks)
    save_map(
        output,
        images=images,
        landmarks=landmarks,
        aggregates=quantise_aggregates(aggregates),
        centres=base.centres,
        weights_id=base.weights_id,
        extraction=base.extraction,
        units=base.units,
        reference_pose_nees=reference_pose_nees(merged, sorted(merged.images)),
        provenance={
            "program": f"sfd2_ros {sfd2_ros.__version__}",
            "merged": [{"map_id": one.map_id, "base_from_map": pose.tolist()} for one, pose in sessions],
            "report": {"reprojection_error_px": round(float(merged.compute_mean_reprojection_error()), 4)},
        },
        colmap=colmap,
        overwrite=overwrite,
    )


def _free_names(session: Map, taken: set[str]) -> dict[str, str]:
    """Return the names of a session's images in the merged map, by their names in its own."""
    names = {image.name: image.name for image in session.images}
    number = 1
    while taken & set(names.values()):
        number += 1
        prefix = session.folder.name if number == 2 else f"{session.folder.name}_{number}"
        names = {name: f"{prefix}/{name}" for name in names}
    return names


def _joined(parts: Sequence[Landmarks]) -> Landmarks:
    """Return landmarks of several sessions one after the other, those of the first keeping their numbers."""
    firsts = np.cumsum([0, *(len(one) for one in parts)])
    counts = np.concatenate([np.diff(one.image_offsets) for one in parts])
    return Landmarks(
        image_offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        image_landmarks=np.concatenate(
            [one.image_landmarks + first for one, first in zip(parts, firsts, strict=False)]
        ).astype(np.int32),
        descriptors=_joined_descriptors([one.descriptors for one in parts]),
        normals=UnitRows(np.concatenate([one.normals.codes for one in parts])),
        image_keypoints=encode_pixels(np.concatenate([one.image_keypoints[:] for one in parts])),
        **{
            name: np.concatenate([getattr(one, name) for one in parts])
            for name in ("positions", "information", "stability")
        },
    )


def _joined_descriptors(parts: Sequence[QuantisedRows]) -> QuantisedRows:
    """Return descriptors one after another, as many bits each as those of the first; of these no bit changes."""
    first = parts[0]
    codes = [one.codes if one.bits == first.bits else quantise_rows(one[:], first.bits).codes for one in parts]
    return QuantisedRows(np.concatenate(codes), first.dimension)
