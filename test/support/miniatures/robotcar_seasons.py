# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A miniature RobotCar-Seasons: its folders, lists, models and quirks, of a simulated town.

Like the original: models and lists say .png where files are .jpg, test names have no condition, poses of the training
list are rows of world_from_cam, individual models of the places and a merged one. Unlike it: models without points
(they are not read), images of another size (mini.json says which), no databases.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.datasets.benchmarks.robotcar_seasons import EVALUATED_VIEW, REFERENCE, TEST, TRAIN
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import PosedImage
from sfd2_ros.geometry.colmap_types import colmap_camera
from sfd2_ros.mapping.colmap_io import write_posed_model
from support.miniatures.pictures import parted, take, write_miniature_file, write_nvm
from support.miniatures.robotcar import SEQUENCES, RobotCar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_lab.simulation.drive import DriveConfig, Frame, World
    from sfd2_lab.simulation.rigs import RigCamera
    from support.miniatures.pictures import Taken

# Conditions of the simulator as the data set calls them; the first drive is the reference, whatever its weather.
CONDITIONS = {
    "overcast": "overcast-winter",
    "dawn": "dawn",
    "dusk": "dusk",
    "night": "night",
    "night_rain": "night-rain",
    "autumn": "overcast-summer",
    "rain": "rain",
    "snow": "snow",
    "sun": "sun",
}
MIN_FRAMES_OF_TWO_PLACES = 12


class RobotCarSeasons:
    """The layout of RobotCar-Seasons, versions 1 and 2.

    A drive of 12 frames or more makes two places, its halves; a shorter one is one place.
    """

    rig = RobotCar.rig

    def __init__(self, world: World) -> None:
        self._world = world

    def write_image(self, folder: Path, frame: Frame, drive: DriveConfig, number: int) -> Taken:
        """Write an image below the folders of its condition and camera."""
        part = CONDITIONS[drive.condition] if number else REFERENCE
        name = f"{part}/{frame.camera.name}/{_stamp_us(frame, drive.condition)}.jpg"
        return take(folder / "images", name, frame, drive, number)

    def write_lists(self, folder: Path, drives: Sequence[DriveConfig], taken: Sequence[Taken]) -> None:
        """Write calibration, models and lists."""
        references, queries = parted(taken)
        _write_calibration(folder, self._world.rig(drives[0]))
        _write_models(folder / "3D-models", references, queries, drives[0].frames)
        _write_version_2(folder, queries)
        truth = {image.name: image.cam_from_world for image in queries}
        write_miniature_file(folder, "robotcar-seasons", drives[0].size, truth)


def _stamp_us(frame: Frame, condition: str) -> int:
    began = datetime.strptime(SEQUENCES[condition], "%Y-%m-%d-%H-%M-%S").replace(tzinfo=timezone.utc)
    return round(began.timestamp() * 1e6) + frame.stamp_ns // 1000 % 86_400_000_000


def _write_calibration(folder: Path, rig: Sequence[RigCamera]) -> None:
    for part in ("intrinsics", "extrinsics"):
        (folder / part).mkdir()
    for mounted in rig:
        values = zip(("fx", "fy", "cx", "cy"), colmap_camera(mounted.camera).params, strict=True)
        intrinsics = "".join(f"{name} {value:.6f}\n" for name, value in values)
        (folder / "intrinsics" / f"{mounted.name}_intrinsics.txt").write_text(intrinsics, encoding="utf-8")
        rows = "".join(",".join(f"{value:.9f}" for value in row) + "\n" for row in mounted.base_from_cam.tolist())
        (folder / "extrinsics" / f"{mounted.name}_extrinsics.txt").write_text(rows, encoding="utf-8")


def _write_models(folder: Path, references: Sequence[Taken], queries: Sequence[Taken], frames: int) -> None:
    write_nvm(folder / "all-merged" / "all.nvm", references, suffix=".png", prefix="./")
    lists = folder / "individual" / "queries_per_location"
    lists.mkdir(parents=True)
    places = 2 if frames >= MIN_FRAMES_OF_TWO_PLACES else 1
    for place in range(places):
        here = [one for one in references if one.index * places // frames == place]
        model = folder / "individual" / "colmap_reconstructions" / f"{place + 1:03d}_aligned"
        model.mkdir(parents=True)
        as_png = [one.name.removesuffix("jpg") + "png" for one in here]
        write_posed_model(
            model, [PosedImage(name, one.camera, one.cam_from_world) for name, one in zip(as_png, here, strict=True)]
        )
        names = [one.name for one in queries if one.index * places // frames == place]
        (lists / f"queries_location_{place + 1}.txt").write_text("".join(f"{name}\n" for name in names), "utf-8")


def _write_version_2(folder: Path, queries: Sequence[Taken]) -> None:
    """Make the poses of every other rear query public."""
    train, test = [], []
    for one in (query for query in queries if f"/{EVALUATED_VIEW}/" in query.name):
        name = one.name.removesuffix("jpg") + "png"
        if one.index % 2:
            numbers = " ".join(f"{value:.12f}" for value in np.ravel(inverse(one.cam_from_world)))
            train.append(f"{name} {numbers}\n")
        else:
            test.append(name.split("/", 1)[1] + "\n")
    (folder / TRAIN).write_text("".join(train), encoding="utf-8")
    (folder / TEST).write_text("".join(test), encoding="utf-8")
