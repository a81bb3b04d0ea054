# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""COLMAP's models, read from and written to its files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap

from sfd2_ros.core.errors import OutputError, SceneError
from sfd2_ros.core.transforms import quaternion_xyzw, rigid_from_quaternion
from sfd2_ros.core.types import PosedImage
from sfd2_ros.geometry.colmap_types import camera_from_colmap, colmap_camera, matrix_from_rigid3d, rigid3d_from_matrix
from sfd2_ros.mapping.model_layout import check_binary_model, check_text_model
from sfd2_ros.mapping.text_model import read_text_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera


def quiet_colmap() -> None:
    """Keep COLMAP's log off the terminal but for what ends the program; failures are raised as our own errors."""
    pycolmap.logging.minloglevel = pycolmap.logging.Level.FATAL.value


def read_model(folder: Path) -> Any:
    """Read a COLMAP model, text or binary; of both, the binary one.

    Returns:
        pycolmap.Reconstruction.

    Raises:
        SceneError: there is no model, or it cannot be read.
    """
    kind = _kind_of_model(folder)
    try:
        if kind == "txt":
            return read_text_model(folder)
        check_binary_model(folder)
        reconstruction = pycolmap.Reconstruction()
        reconstruction.read_binary(str(folder))
    except (ValueError, RuntimeError, IndexError, OSError, MemoryError, TypeError) as err:
        raise SceneError(
            f"the COLMAP model in {str(folder)!r} cannot be read: its files contradict each other (ids that are "
            "repeated or missing, invalid numbers); export it again"
        ) from err
    return reconstruction


_MODEL_PARTS = ("cameras", "images", "points3D")


def holds_model(folder: Path) -> bool:
    """Return whether a folder holds a COLMAP model, whole or in part."""
    return any((folder / f"{part}.{kind}").is_file() for part in _MODEL_PARTS[:2] for kind in ("bin", "txt"))


def _kind_of_model(folder: Path) -> str:
    missing = {kind: [part for part in _MODEL_PARTS if not (folder / f"{part}.{kind}").is_file()] for kind in _KINDS}
    for kind, parts in missing.items():
        if not parts:
            return kind
    nearly = min(missing.values(), key=len)
    lack = f"; {', '.join(nearly)} are missing" if len(nearly) < len(_MODEL_PARTS) else ""
    raise SceneError(
        f"{str(folder)!r} holds no COLMAP model; cameras, images and points3D as .bin or .txt are needed there{lack}"
    )


_KINDS = ("bin", "txt")


def write_model(reconstruction: Any, folder: Path, *, is_text: bool = False) -> None:
    """Write a COLMAP model, and check that it is whole: COLMAP does not report a full disk.

    Args:
        reconstruction: pycolmap.Reconstruction.
        folder: an existing folder.
        is_text: text files in place of binary ones.

    Raises:
        OutputError: it could not be written whole.
    """
    (reconstruction.write_text if is_text else reconstruction.write_binary)(str(folder))
    try:
        if is_text:
            check_text_model(folder, reconstruction)
        else:
            check_binary_model(folder)
    except SceneError as err:
        raise OutputError(f"the COLMAP model was not written whole: {err}; is the disk full? Free some space") from err


def posed_images(reconstruction: Any) -> list[PosedImage]:
    """Return the images of a reconstruction that have a pose, sorted by name.

    Raises:
        CameraError: the model of a camera is not supported.
        SceneError: a pose is no rotation or not finite, or two images have one name.
    """
    images = [
        PosedImage(image.name, camera_from_colmap(reconstruction.camera(image.camera_id)), _finite_pose(image))
        for image in reconstruction.images.values()
        if image.has_pose
    ]
    repeated = [name for name, count in Counter(image.name for image in images).items() if count > 1]
    if repeated:
        raise SceneError(
            f"the COLMAP model has {len(repeated)} names twice, such as {repeated[0]!r}; names must differ"
        )
    return sorted(images, key=lambda image: image.name)


def _finite_pose(image: Any) -> NDArray[np.float64]:
    try:
        pose = matrix_from_rigid3d(image.cam_from_world())
    except ValueError as err:
        raise SceneError(f"the pose of image {image.name!r} is no pose: {err}") from err
    if not np.all(np.isfinite(pose)):
        raise SceneError(f"the pose of image {image.name!r} is not finite; fix the COLMAP model")
    return pose


def reconstruction_from_poses(images: Sequence[PosedImage]) -> Any:
    """Return a pycolmap.Reconstruction of cameras and poses without points; image ids count from 1 in this order."""
    reconstruction = pycolmap.Reconstruction()
    camera_ids: dict[Camera, int] = {}
    for image_id, image in enumerate(images, start=1):
        if image.camera not in camera_ids:
            camera = colmap_camera(image.camera)
            camera.camera_id = camera_ids[image.camera] = len(camera_ids) + 1
            reconstruction.add_camera_with_trivial_rig(camera)
        reconstruction.add_image_with_trivial_frame(
            pycolmap.Image(name=image.name, camera_id=camera_ids[image.camera], image_id=image_id),
            rigid3d_from_matrix(image.cam_from_world),
        )
    return reconstruction


def write_posed_model(folder: Path, images: Sequence[PosedImage]) -> None:
    """Write cameras and poses as a COLMAP text model without points (cameras.txt, images.txt, points3D.txt).

    Args:
        folder: an existing folder to write into.
        images: names, intrinsics and poses.
    """
    cameras: dict[Camera, int] = {}
    image_lines = []
    for image_id, image in enumerate(images, start=1):
        camera_id = cameras.setdefault(image.camera, len(cameras) + 1)
        x, y, z, w = quaternion_xyzw(image.cam_from_world)
        numbers = " ".join(f"{value:.17g}" for value in (w, x, y, z, *image.cam_from_world[:3, 3]))
        image_lines.append(f"{image_id} {numbers} {camera_id} {image.name}\n\n")
    camera_lines = []
    for camera, camera_id in cameras.items():
        converted = colmap_camera(camera)
        params = " ".join(f"{value:.17g}" for value in converted.params)
        camera_lines.append(f"{camera_id} {converted.model.name} {camera.width} {camera.height} {params}\n")
    (folder / "cameras.txt").write_text("".join(camera_lines), encoding="utf-8")
    (folder / "images.txt").write_text("".join(image_lines), encoding="utf-8")
    (folder / "points3D.txt").write_text("", encoding="utf-8")


def pose_from_wxyz(values: Sequence[float]) -> NDArray[np.float64]:
    """Return cam_from_world from COLMAP's order qw qx qy qz tx ty tz.

    Raises:
        ValueError: not seven numbers, or no rotation.
    """
    qw, qx, qy, qz, *translation = values
    if len(translation) != 3:
        raise ValueError(f"a pose has seven numbers qw qx qy qz tx ty tz, got {len(values)}")
    return rigid_from_quaternion([qx, qy, qz, qw], translation)


def wxyz_from_pose(cam_from_world: NDArray[np.float64]) -> list[float]:
    """Return qw qx qy qz tx ty tz of cam_from_world."""
    x, y, z, w = quaternion_xyzw(cam_from_world)
    return [float(value) for value in (w, x, y, z, *cam_from_world[:3, 3])]
