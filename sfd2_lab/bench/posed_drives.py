# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes as drives for the benches of the localizer: a map, and features of the queries with their true poses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.features.images import read_image
from sfd2_ros.localization import Localizer, View
from sfd2_ros.mapping import MapBuilder, load_map
from sfd2_ros.mapping.scene import load_scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.mapping.match_images import FeatureExtractor

PHOTOGRAPHS_HZ = 10.0


@dataclass(frozen=True, eq=False)
class Shot:
    """One query image.

    Attributes:
        condition: light and weather; of real images the name of the scene.
        camera_name: which camera of a rig; empty for one alone.
        stamp_ns: when.
        view: features, intrinsics, place on the base.
        map_from_base: (4, 4) the ground truth; of a camera without a vehicle, of the camera itself.
    """

    condition: str
    camera_name: str
    stamp_ns: int
    view: View
    map_from_base: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PosedDrive:
    """A scene's map and queries.

    Attributes:
        name: of the scene's folder.
        localizer: in its map.
        shots: its queries, by condition and time.
    """

    name: str
    localizer: Localizer
    shots: list[Shot]

    def instants(self, condition: str) -> list[list[Shot]]:
        """Return the images of a condition, those of one moment together, in order of time."""
        chosen = [shot for shot in self.shots if shot.condition == condition]
        stamps = sorted({shot.stamp_ns for shot in chosen})
        return [[shot for shot in chosen if shot.stamp_ns == stamp] for stamp in stamps]

    @property
    def conditions(self) -> list[str]:
        """The conditions of the queries, in the order of the scene."""
        return list(dict.fromkeys(shot.condition for shot in self.shots))


def load_drive(
    folder: Path, work: Path, extractor: FeatureExtractor, progress: Callable[[str, int, int], None]
) -> PosedDrive:
    """Map a scene, unless its map lies in `work` from before, and extract the features of its queries.

    Args:
        folder: scene with map.txt and query.txt; made by `sfd2 simulate`, or of real images.
        work: where maps are kept.
        extractor: of features.
        progress: told what is done.

    Raises:
        SceneError: the scene lacks its lists.
    """
    for name in ("map.txt", "query.txt"):
        if not (folder / name).is_file():
            raise SceneError(f"scene {str(folder)!r} has no {name}; name a scene with both lists")
    scene = load_scene(folder)
    map_folder = work / folder.resolve().name
    if not map_folder.exists():
        MapBuilder(extractor, progress=progress).from_poses(scene.select("map.txt"), scene.image_folder, map_folder)
    truth = _truth(folder)
    queries = scene.select("query.txt")
    shots = []
    for number, image in enumerate(queries):
        progress("extract queries", number, len(queries))
        entry = truth.get(image.name, {})
        map_from_cam = inverse(image.cam_from_world)
        map_from_base = np.array(entry.get("map_from_base", map_from_cam), float)
        view = View(
            extractor(read_image(scene.image_folder / image.name)), image.camera, inverse(map_from_base) @ map_from_cam
        )
        stamp_ns = int(entry.get("stamp_ns", number * NS_PER_S / PHOTOGRAPHS_HZ))
        condition = image.name.split("/", maxsplit=1)[0] if entry else folder.resolve().name
        shots.append(Shot(condition, entry.get("camera", ""), stamp_ns, view, map_from_base))
    return PosedDrive(folder.resolve().name, Localizer(load_map(map_folder)), shots)


def _truth(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / "truth.json"
    if not path.is_file():
        return {}
    return {entry["name"]: entry for entry in json.loads(path.read_text("utf-8"))["images"]}
