# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of other places, by the hundred, through the same Localizer as the node: each must be refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2

from sfd2_ros.core.types import Camera
from sfd2_ros.features.images import read_image
from sfd2_ros.localization import Localizer
from sfd2_ros.mapping import MapBuilder, load_map
from sfd2_ros.mapping.scene import load_scene
from sfd2_ros.simulation import DriveConfig, render_drive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.features import Extractor

LONGEST_PX = 640
REAL_SUFFIXES = {".jpg", ".jpeg", ".png"}
OTHER_TOWNS = range(900, 940)
CONDITIONS = ("overcast", "dusk", "night", "rain")
TOWN_FRAMES = 10


@dataclass(frozen=True, eq=False)
class Place:
    """A map, and which folder of photographs shows its place."""

    name: str
    localizer: Localizer
    photographs: Path | None


def count_false_poses(
    town_map: Path,
    data: Path | None,
    work: Path,
    extractor: Extractor,
    *,
    count: int,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """Localize images of other places in the map of a simulated town, and in one of a real drive where there is one.

    Args:
        town_map: of the simulated town.
        data: folder with photographs below it, and perhaps drives/kitti_a, which is then mapped too; None: none.
        work: folder for that map.
        extractor: of the maps.
        count: of images; real ones first, then towns of other seeds by day, at dusk, by night and in rain.
        progress: called with step, done, total.

    Returns:
        foreign_images, real, simulated, queries (images times the maps they are foreign to), false_poses, maps, refused
        (queries by status), false (what was localized where).
    """
    places = [Place("simulated town", Localizer(load_map(town_map)), None), *_real_place(data, work, extractor)]
    statuses: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    false: list[str] = []
    for name, folder, image in _images(data, count):
        features, camera = extractor(image), _some_camera(image)
        kinds["simulated" if folder is None else "real"] += 1
        for place in places:
            if folder is not None and folder == place.photographs:
                continue
            estimate = place.localizer.localize(features, camera)
            statuses[estimate.status.value] += 1
            if estimate.is_localized:
                false.append(f"{name} in {place.name}: {estimate.reason}")
        progress("foreign images", sum(kinds.values()), count)
    return {
        "foreign_images": sum(kinds.values()),
        "real": kinds["real"],
        "simulated": kinds["simulated"],
        "queries": sum(statuses.values()),
        "false_poses": len(false),
        "maps": [place.name for place in places],
        "refused": dict(statuses),
        "false": false,
    }


def _real_place(data: Path | None, work: Path, extractor: Extractor) -> Sequence[Place]:
    """Map the drive that lies below the data, if one does."""
    folder = None if data is None else data / "drives" / "kitti_a"
    if folder is None or not (folder / "map.txt").is_file():
        return []
    output = work / f"map_kitti_a_{extractor.weights_id}"
    if not output.exists():
        scene = load_scene(folder)
        MapBuilder(extractor).from_poses(scene.select("map.txt"), scene.image_folder, output)
    return [Place("kitti_a", Localizer(load_map(output)), folder)]


def _images(data: Path | None, count: int) -> Iterator[tuple[str, Path | None, NDArray[np.uint8]]]:
    """Yield name, folder of the place (None: simulated) and pixels of images until there are enough."""
    left = count
    for path in [] if data is None else _photographs(data):
        if left == 0:
            return
        yield str(path.relative_to(data)), path.parent.parent, _reduced(read_image(path))  # type: ignore[arg-type]
        left -= 1
    for seed in OTHER_TOWNS:
        condition = CONDITIONS[seed % len(CONDITIONS)]
        config = DriveConfig(seed=seed, frames=TOWN_FRAMES, condition=condition, size=(480, 360))
        for frame in render_drive(config):
            if left == 0:
                return
            yield f"town {seed} {condition} {frame.index}", None, frame.image
            left -= 1


def _photographs(data: Path) -> list[Path]:
    """Return the photographs below a folder; label images are none."""
    found = (path for path in data.rglob("*") if path.suffix.lower() in REAL_SUFFIXES)
    return sorted(path for path in found if "labels" not in path.parts)


def _reduced(image: NDArray[np.uint8]) -> Any:
    scale = LONGEST_PX / max(image.shape[:2])
    return image if scale >= 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _some_camera(image: NDArray[np.uint8]) -> Camera:
    """Return intrinsics as a driver might have them; nobody knows those of photographs from the web."""
    height, width = image.shape[:2]
    return Camera(width, height, width, width, (width - 1) / 2, (height - 1) / 2)
