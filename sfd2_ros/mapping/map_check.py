# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a map is sound: checksums, arrays, and agreement with its COLMAP model where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.errors import MapError, SceneError
from sfd2_ros.mapping.colmap_io import posed_images, read_model
from sfd2_ros.mapping.manifest import damaged_files, read_manifest
from sfd2_ros.mapping.map_store import COLMAP_FOLDER, load_map
from sfd2_ros.mapping.unit_rows import GREATEST

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_ros.mapping.map_store import Map


def map_problems(path: Path) -> list[str]:
    """Return what is wrong with a map, nothing when it is sound.

    Raises:
        MapError: there is no map, or its manifest cannot be read.
    """
    problems = damaged_files(path, read_manifest(path))
    if problems:
        return problems
    try:
        loaded = load_map(path, verify=False)
        return [*_array_problems(loaded), *_model_problems(loaded)]
    except (MapError, SceneError) as err:
        return [str(err)]


def _array_problems(loaded: Map) -> list[str]:
    landmarks, count = loaded.landmarks, len(loaded.landmarks)
    problems = [
        f"landmark {name} are not finite"
        for name in ("positions", "information", "stability")
        if not np.all(np.isfinite(getattr(landmarks, name)))
    ]
    problems += [
        f"{name} are not of length one: the greatest component of a row is not {GREATEST}"
        for name, rows, allowed in (("landmark normals", landmarks.normals, {GREATEST}),)
        if not allowed.issuperset(np.unique(rows.greatest()).tolist())
    ]
    offsets, seen = landmarks.image_offsets, landmarks.image_landmarks
    if offsets[0] != 0 or offsets[-1] != len(seen) or np.any(np.diff(offsets) < 0):
        problems.append("observations do not fit the images")
    if len(seen) and (int(seen.max()) >= count or int(seen.min()) < 0):
        problems.append("observations name landmarks that do not exist")
    if np.any(landmarks.information[:, [0, 2, 5]] <= 0):
        problems.append("the information of a landmark is not positive")
    if not np.all(np.isfinite(loaded.centres)):
        problems.append("the retrieval index is not finite")
    return problems


def _model_problems(loaded: Map) -> list[str]:
    if not (loaded.folder / COLMAP_FOLDER).exists():
        return []
    model = read_model(loaded.folder / COLMAP_FOLDER)
    problems = []
    if model.num_points3D() != len(loaded.landmarks):
        problems.append(f"COLMAP's model has {model.num_points3D()} points, the map {len(loaded.landmarks)} landmarks")
    poses = {image.name: image.cam_from_world for image in posed_images(model)}
    problems.extend(
        f"the pose of {image.name} differs from COLMAP's model"
        for image in loaded.images
        if image.name not in poses or not np.allclose(poses[image.name], image.cam_from_world, atol=1e-6)
    )
    return problems
