# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of other places, by the hundred, through the same Localizer as the node: each must be rejected."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import cv2

from sfd2_lab.bench.trials.journal import Journal, code_digest
from sfd2_lab.simulation import DriveConfig, render_drive
from sfd2_ros.core.types import Camera, Status
from sfd2_ros.features.images import read_image
from sfd2_ros.localization import Localizer
from sfd2_ros.mapping import MapBuilder, load_map
from sfd2_ros.mapping.scene import load_scene

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
REAL_SHARE = 0.8  # Not tuned: towns of the mapped style are to be among the images however many photographs there are.


@dataclass(frozen=True, eq=False)
class Place:
    """A map, and which folder of images shows its place."""

    name: str
    localizer: Localizer
    photographs: Path | None


@dataclass(frozen=True, eq=False)
class ForeignImage:
    """An image of another place.

    Attributes:
        name: which says where it is from.
        folder: of the place, None: simulated.
        load: makes the (h, w, 3) uint8 RGB pixels.
    """

    name: str
    folder: Path | None
    load: Callable[[], NDArray[np.uint8]]


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

    What was found is kept in `work` until all is done: a call that was interrupted goes on there, as long as images,
    maps, weights and code are the same.

    Args:
        town_map: of the simulated town.
        data: folder with images below it, drives/kitti_a among them is mapped too; None: none.
        work: folder for that map and the journal.
        extractor: of the maps.
        count: of images; real ones first, four fifths at most and then spread over all, then towns of other seeds by
            day, at dusk, by night and in rain.
        progress: called with step, done, total.

    Returns:
        foreign_images, real, simulated, queries (images times the maps they are foreign to), false_poses, maps, refused
        (queries by status), false (what was localized where).
    """
    places = [Place("simulated town", Localizer(load_map(town_map)), None), *_real_place(data, work, extractor)]
    maps = {place.name: place.localizer.map.map_id for place in places}
    code = code_digest("core", "features", "matching", "geometry", "mapping", "localization", "simulation")
    header = {"maps": maps, "weights_id": extractor.weights_id, "data": str(data), "code": code}
    journal = Journal(work / "foreign.jsonl", header)
    kinds: Counter[str] = Counter()
    answers: dict[str, dict[str, list[str]]] = {}
    with ThreadPoolExecutor(len(places)) as pool:
        for image in _images(data, count):
            found = journal.get(image.name)
            if found is None:
                found = _asked(image, places, extractor, pool)
                journal.put(image.name, found)
            answers[image.name] = found
            kinds["simulated" if image.folder is None else "real"] += 1
            progress("foreign images", len(answers), count)
    journal.finish()
    statuses = Counter(status for one in answers.values() for status, _ in one.values())
    false = [
        f"{name} in {place}: {reason}"
        for name, one in answers.items()
        for place, (status, reason) in one.items()
        if status == Status.LOCALIZED.value
    ]
    return {
        "foreign_images": len(answers),
        "real": kinds["real"],
        "simulated": kinds["simulated"],
        "queries": sum(statuses.values()),
        "false_poses": len(false),
        "maps": [place.name for place in places],
        "refused": dict(statuses),
        "false": false,
    }


def _asked(
    image: ForeignImage, places: Sequence[Place], extractor: Extractor, pool: ThreadPoolExecutor
) -> dict[str, list[str]]:
    """Return status and reason by place; the features are extracted once, the places are searched side by side."""
    pixels = image.load()
    features, camera = extractor(pixels), _some_camera(pixels)
    foreign = [place for place in places if image.folder is None or image.folder != place.photographs]
    estimates = pool.map(lambda place: place.localizer.localize(features, camera), foreign)
    return {place.name: [one.status.value, one.reason] for place, one in zip(foreign, estimates, strict=True)}


def _real_place(data: Path | None, work: Path, extractor: Extractor) -> Sequence[Place]:
    """Map the drive that lies somewhere below the data, if one does."""
    folder = None if data is None else drive_below(data)
    if folder is None:
        return []
    output = work / f"map_kitti_a_{extractor.weights_id}"
    if not output.exists():
        scene = load_scene(folder)
        MapBuilder(extractor).from_poses(scene.select("map.txt"), scene.image_folder, output)
    return [Place("kitti_a", Localizer(load_map(output)), folder)]


def drive_below(data: Path) -> Path | None:
    """Return the first folder drives/kitti_a below a folder, however deep, or None."""
    found = sorted(data.rglob("drives/kitti_a/map.txt"))
    return found[0].parent if found else None


def _images(data: Path | None, count: int) -> Iterator[ForeignImage]:
    """Yield images until there are enough; their pixels are made when they are needed."""
    return islice(chain([] if data is None else _real_images(data, count), _town_images()), count)


def _real_images(data: Path, count: int) -> Iterator[ForeignImage]:
    for path in spread(_photographs(data), int(count * REAL_SHARE)):
        yield ForeignImage(str(path.relative_to(data)), path.parent.parent, partial(_read_reduced, path))


def spread(paths: Sequence[Path], most: int) -> Sequence[Path]:
    """Return at most so many of the paths, evenly spaced."""
    return paths if len(paths) <= most else [paths[i * len(paths) // most] for i in range(most)]


def _town_images() -> Iterator[ForeignImage]:
    for seed in OTHER_TOWNS:
        condition = CONDITIONS[seed % len(CONDITIONS)]
        town = _Town(DriveConfig(seed=seed, frames=TOWN_FRAMES, condition=condition, size=(480, 360)))
        for index in range(TOWN_FRAMES):
            yield ForeignImage(f"town {seed} {condition} {index}", None, partial(town.image, index))


class _Town:
    """Images of one drive, rendered when the first is needed."""

    def __init__(self, config: DriveConfig) -> None:
        self._config = config
        self._images: list[NDArray[np.uint8]] = []

    def image(self, index: int) -> NDArray[np.uint8]:
        self._images = self._images or [frame.image for frame in render_drive(self._config)]
        return self._images[index]


def _photographs(data: Path) -> list[Path]:
    """Return the images below a folder; label images are none."""
    found = (path for path in data.rglob("*") if path.suffix.lower() in REAL_SUFFIXES)
    return sorted(path for path in found if "labels" not in path.parts)


def _read_reduced(path: Path) -> Any:
    image = read_image(path)
    scale = LONGEST_PX / max(image.shape[:2])
    return image if scale >= 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _some_camera(image: NDArray[np.uint8]) -> Camera:
    """Return intrinsics as a driver might have them; those of images from the web are not known."""
    height, width = image.shape[:2]
    return Camera(width, height, width, width, (width - 1) / 2, (height - 1) / 2)
