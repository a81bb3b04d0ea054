# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Converts a RobotCar sequence to a scene folder, for `sfd2 map build` and `sfd2 evaluate`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sfd2_lab.datasets.robotcar.pictures import read_undistorted
from sfd2_lab.datasets.robotcar.plan import LONGEST_TRUTH_GAP_NS, plan_images
from sfd2_ros.core.errors import DatasetError
from sfd2_ros.core.files import atomic_folder
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import PosedImage
from sfd2_ros.features.images import write_image
from sfd2_ros.mapping.colmap_io import write_posed_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sfd2_lab.datasets.robotcar.plan import Stretch
    from sfd2_lab.datasets.robotcar.sequence import RobotCarSequence

SCENE_MARKER = "robotcar.json"


def convert_to_scene(
    sequence: RobotCarSequence,
    path: Path,
    stretch: Stretch,
    *,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] = lambda _step, _done, _total: None,
) -> dict[str, Any]:
    """Write undistorted images with their poses as a scene folder; all are in map.txt.

    Args:
        sequence: checked, with ground truth.
        path: folder to make: images/CAMERA/MICROSECONDS.png, sparse/, map.txt.
        stretch: what part of the sequence.
        overwrite: replace an existing scene that this function made.
        progress: called with step, done and total.

    Returns:
        The figures of the conversion. Images at whose time the ground truth is silent are left out and counted.

    Raises:
        ConfigError: no images are in the stretch.
        DatasetError: there is no truth, or it says nothing of any image.
        OutputError: the folder exists and may not be replaced.
    """
    if sequence.truth is None:
        raise DatasetError("a scene needs poses; choose ins or rtk")
    planned = plan_images(sequence, stretch)
    posed: list[PosedImage] = []
    with atomic_folder(path, overwrite=overwrite, marker=SCENE_MARKER) as folder:
        for done, image in enumerate(planned, start=1):
            map_from_base = sequence.truth.at(image.stamp_ns, LONGEST_TRUTH_GAP_NS)
            if map_from_base is not None:
                camera = sequence.cameras[image.camera]
                name = f"{image.camera}/{image.stamp_us}.png"
                file = folder / "images" / name
                source = sequence.image_path(image.camera, image.stamp_us)
                picture = read_undistorted(source, camera.files.bayer, camera.calibration)
                write_image(file, picture[..., ::-1])
                cam_from_map = inverse(map_from_base @ camera.calibration.base_from_cam)
                posed.append(PosedImage(name, camera.calibration.camera, cam_from_map))
            progress("convert", done, len(planned))
        if not posed:
            raise DatasetError(
                f"the ground truth covers the time of none of the {len(planned)} images; use that of this drive"
            )
        (folder / "sparse").mkdir()
        write_posed_model(folder / "sparse", posed)
        (folder / "map.txt").write_text("".join(f"{one.name}\n" for one in posed), encoding="utf-8")
        figures = {"images": len(posed), "images_without_truth": len(planned) - len(posed)}
        (folder / SCENE_MARKER).write_text(json.dumps({"sequence": sequence.path.name, **figures}), encoding="utf-8")
    return {**figures, "cameras": list(sequence.cameras)}
