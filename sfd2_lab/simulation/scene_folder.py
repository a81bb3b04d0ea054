# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes drives as a scene folder: what COLMAP users have, with labels, depth and the ground truth beside it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sfd2_lab.simulation.classes import CLASSES
from sfd2_lab.simulation.session import FIRST_MOVING_INSTANCE
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.files import atomic_folder
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import PosedImage
from sfd2_ros.features.images import write_image
from sfd2_ros.mapping.colmap_io import write_posed_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.simulation.drive import DriveConfig, Frame, World

# As in KITTI: depth in a 16-bit picture, 256 to the metre, 0 where there is none (sky, or farther than 255 m).
DEPTH_PER_M = 256.0
_JPEG_QUALITY = 95
SCENE_MARKER = "truth.json"
QUERY_LATERAL_M = (0.5, -0.6, 0.7, -0.4)
QUERY_START_M = 0.8


@dataclass(frozen=True)
class Part:
    """One drive of a scene.

    Attributes:
        folder: below images/; names of its images start with it.
        config: the drive.
        is_map: whether its images go to map.txt, otherwise to query.txt.
    """

    folder: str
    config: DriveConfig
    is_map: bool


def write_scene(
    world: World,
    parts: Sequence[Part],
    path: Path,
    *,
    overwrite: bool = False,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> int:
    """Render drives into a scene folder and return the number of images.

    The folder holds images/ (JPEG), sparse/ (a COLMAP text model with the true poses), map.txt, query.txt, labels/
    (PNG, ADE20K ids), instances/ (16-bit PNG, numbers as in truth.json), depth/ (16-bit PNG, 256 to the metre, 0 for
    none), and ground truth.json.

    Args:
        world: that the drives belong to.
        parts: drives, each in its own folder below images/.
        path: the folder to make.
        overwrite: replace an existing folder that this function made.
        on_frame: called with every frame when it is written.

    Raises:
        ConfigError: two parts share a folder, or a setting of a drive is not allowed.
        OutputError: the folder exists, or cannot be written.
    """
    folders = [part.folder for part in parts]
    if len(set(folders)) != len(folders):
        raise ConfigError(f"drives of a scene need folders of their own, got {', '.join(folders)}")
    with atomic_folder(path, overwrite=overwrite, marker=SCENE_MARKER) as folder:
        posed: list[PosedImage] = []
        lists: dict[bool, list[str]] = {True: [], False: []}
        truth: list[dict[str, object]] = []
        numbers: dict[int, int] = {0: 0}
        for part in parts:
            for frame in world.drive(part.config):
                name = _picture_name(part, frame)
                _write_pictures(folder, name, frame, numbers)
                posed.append(PosedImage(name, frame.camera.camera, inverse(frame.map_from_cam)))
                lists[part.is_map].append(name)
                truth.append(_truth_of(name, part, frame))
                on_frame(frame)
        (folder / "sparse").mkdir()
        write_posed_model(folder / "sparse", posed)
        for file_name, is_map in (("map.txt", True), ("query.txt", False)):
            (folder / file_name).write_text("".join(f"{name}\n" for name in lists[is_map]), encoding="utf-8")
        (folder / "truth.json").write_text(_truth_text(parts, truth, numbers), encoding="utf-8")
    return len(posed)


def _picture_name(part: Part, frame: Frame) -> str:
    is_single = part.config.rig == "front"
    middle = "" if is_single else f"{frame.camera.name}/"
    return f"{part.folder}/{middle}{frame.index:06d}.jpg"


def _write_pictures(folder: Path, name: str, frame: Frame, numbers: dict[int, int]) -> None:
    stem = name.removesuffix(".jpg")
    depth = np.where(np.isfinite(frame.depth_m) & (frame.depth_m < 255), frame.depth_m, 0) * DEPTH_PER_M
    instances = _renumbered(frame.instances, numbers)
    pictures: dict[Path, NDArray[Any]] = {
        folder / "images" / name: frame.image[..., ::-1],
        folder / "labels" / f"{stem}.png": frame.labels,
        folder / "instances" / f"{stem}.png": instances,
        folder / "depth" / f"{stem}.png": np.asarray(np.round(depth), dtype=np.uint16),
    }
    for file, picture in pictures.items():
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if file.suffix == ".jpg" else []
        write_image(file, picture, options)


def _renumbered(
    instances: np.ndarray[tuple[int, ...], np.dtype[np.int32]], numbers: dict[int, int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Give the objects of a scene consecutive numbers, in the order in which they are first seen."""
    found, index = np.unique(instances, return_inverse=True)
    for number in found.tolist():
        numbers.setdefault(number, len(numbers))
    small = np.array([numbers[number] for number in found.tolist()], dtype=np.uint16)
    return small[index].reshape(instances.shape)


def _truth_of(name: str, part: Part, frame: Frame) -> dict[str, object]:
    return {
        "name": name,
        "condition": part.config.condition,
        "session": part.config.session,
        "camera": frame.camera.name,
        "stamp_ns": frame.stamp_ns,
        "map_from_base": frame.map_from_base.tolist(),
        "map_from_cam": frame.map_from_cam.tolist(),
    }


def _truth_text(parts: Sequence[Part], images: Sequence[dict[str, object]], numbers: dict[int, int]) -> str:
    classes = {str(entry.id): dataclasses.asdict(entry) for entry in CLASSES.values()}
    drives = [{"folder": part.folder, "is_map": part.is_map, **dataclasses.asdict(part.config)} for part in parts]
    content = {
        "drives": drives,
        "classes": classes,
        "depth_per_m": DEPTH_PER_M,
        "moving_instances": [small for number, small in numbers.items() if number >= FIRST_MOVING_INSTANCE],
        "images": list(images),
    }
    return json.dumps(content, indent=1) + "\n"


def drives_by_condition(base: DriveConfig, conditions: Sequence[str]) -> list[Part]:
    """Return a mapping drive in the first condition and a query drive in each further one.

    Args:
        base: the mapping drive.
        conditions: names; a query drive of the k-th is in the k-th session after the base, on a line beside it.
    """
    parts = [Part(conditions[0], dataclasses.replace(base, condition=conditions[0]), is_map=True)]
    for number, name in enumerate(conditions[1:], start=1):
        side = QUERY_LATERAL_M[number % len(QUERY_LATERAL_M)]
        config = dataclasses.replace(
            base,
            condition=name,
            session=base.session + number,
            lateral_m=base.lateral_m + side,
            start_m=base.start_m + QUERY_START_M,
        )
        folder = name if name not in {part.folder for part in parts} else f"{name}_{number}"
        parts.append(Part(folder, config, is_map=False))
    return parts
