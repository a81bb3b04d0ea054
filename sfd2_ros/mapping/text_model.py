# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""COLMAP models in text files, written by many programs and by hand, checked line by line.

COLMAP's own reader takes every second line of images.txt for keypoints, whatever stands there, and stops the program at
contradictions. Source of the layout: https://colmap.github.io/format.html#text-format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap

from sfd2_ros.core.transforms import rigid_from_quaternion
from sfd2_ros.geometry.colmap_types import rigid3d_from_matrix
from sfd2_ros.mapping.text_lines import LARGEST_POINT_ID, check_new, entries_of, read_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.mapping.text_lines import Line

_CAMERA_FIELDS, _IMAGE_FIELDS, _POINT_FIELDS = 4, 10, 8
_QUATERNION_TOLERANCE = 0.01
"""How far the length of a quaternion may be from 1: files with two decimals are off by as much."""


@dataclass(frozen=True, eq=False)
class _Image:
    """An entry of images.txt: its line, its camera's number, cam_from_world, name, and keypoints (N, 2)."""

    line: Line
    camera_id: int
    cam_from_world: NDArray[np.float64]
    name: str
    keypoints: NDArray[np.float64]


def read_text_model(folder: Path) -> Any:
    """Read cameras.txt, images.txt and points3D.txt; rigs.txt and frames.txt add nothing to them and are not read.

    Images may come without their lines of keypoints. An image's numbers of points are taken from the tracks in
    points3D.txt.

    Returns:
        pycolmap.Reconstruction, with COLMAP's pixel centre.

    Raises:
        SceneError: names file, line, and what is wrong.
    """
    reconstruction = pycolmap.Reconstruction()
    cameras = _read_cameras(folder / "cameras.txt")
    for camera in cameras.values():
        reconstruction.add_camera_with_trivial_rig(camera)
    images = _read_images(folder / "images.txt", cameras)
    for image_id, image in images.items():
        entry = pycolmap.Image(name=image.name, keypoints=image.keypoints, camera_id=image.camera_id, image_id=image_id)
        reconstruction.add_image_with_trivial_frame(entry, rigid3d_from_matrix(image.cam_from_world))
    _add_points(reconstruction, folder / "points3D.txt", images)
    return reconstruction


def _read_cameras(path: Path) -> dict[int, Any]:
    cameras: dict[int, Any] = {}
    seen: dict[int, Line] = {}
    for line in entries_of(read_lines(path)):
        fields = line.fields
        if len(fields) < _CAMERA_FIELDS:
            raise line.error(f"{len(fields)} fields, CAMERA_ID MODEL WIDTH HEIGHT PARAMS are needed")
        camera_id = line.whole_number_in(fields[0], "camera id")
        check_new(line, camera_id, "camera id", seen)
        model = pycolmap.CameraModelId.__members__.get(fields[1])
        if model is None or model == pycolmap.CameraModelId.INVALID:
            raise line.error(f"camera model {fields[1]!r} is none of COLMAP's; PINHOLE, OPENCV, ... are")
        width, height = (line.whole_number_in(field, "image size") for field in fields[2:4])
        params = line.numbers_in(fields[4:], "camera parameter")
        camera = pycolmap.Camera.create_from_model_id(camera_id, model, 1.0, width, height)
        if len(params) != len(camera.params):
            raise line.error(f"{len(params)} parameters, {fields[1]} takes {len(camera.params)}: {camera.params_info}")
        camera.params = list(params)
        focal_lengths = params[list(camera.focal_length_idxs())]
        if min(width, height) < 1 or np.any(focal_lengths <= 0):
            raise line.error("width, height and focal length must be greater than 0")
        cameras[camera_id] = camera
    return cameras


def _read_images(path: Path, cameras: Mapping[int, Any]) -> dict[int, _Image]:
    images: dict[int, _Image] = {}
    seen: dict[int, Line] = {}
    names: dict[str, Line] = {}
    lines = [line for line in read_lines(path) if not line.text.startswith("#")]
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line.text:
            continue
        image_id = _image_id(line)
        check_new(line, image_id, "image id", seen)
        keypoints = np.empty((0, 2))
        if number < len(lines) and not _is_image(lines[number]):
            keypoints = _keypoints(lines[number])
            number += 1
        images[image_id] = _image(line, keypoints, cameras)
        check_new(line, images[image_id].name, "image name", names)
    return images


def _is_image(line: Line) -> bool:
    """Return whether a line is an image and no keypoints: a number, a unit quaternion, a whole camera id, a name."""
    fields = line.fields
    if len(fields) < _IMAGE_FIELDS or not (fields[0].isdigit() and fields[8].isdigit()):
        return False
    try:
        length = float(np.linalg.norm(np.array(fields[1:5], np.float64)))
    except ValueError:
        return False
    return abs(length - 1) <= _QUATERNION_TOLERANCE


def _image_id(line: Line) -> int:
    fields = line.fields
    if len(fields) < _IMAGE_FIELDS:
        raise line.error(
            f"{len(fields)} fields, IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME are needed; after each image comes "
            "its line of keypoints, which may be empty"
        )
    return line.whole_number_in(fields[0], "image id")


def _image(line: Line, keypoints: NDArray[np.float64], cameras: Mapping[int, Any]) -> _Image:
    fields = line.text.split(maxsplit=_IMAGE_FIELDS - 1)
    w, x, y, z, *translation = line.numbers_in(fields[1:8], "pose")
    length = float(np.linalg.norm([w, x, y, z]))
    if not abs(length - 1) <= _QUATERNION_TOLERANCE:
        raise line.error(
            f"the pose of image {fields[9]!r} is no pose: quaternion {' '.join(fields[1:5])} has length {length:.3g}, "
            "1 is needed"
        )
    camera_id = line.whole_number_in(fields[8], "camera id")
    if camera_id not in cameras:
        raise line.error(f"camera {camera_id} of image {fields[9]!r} is not in cameras.txt")
    return _Image(line, camera_id, rigid_from_quaternion([x, y, z, w], translation), fields[9], keypoints)


def _keypoints(line: Line) -> NDArray[np.float64]:
    fields = line.fields
    if len(fields) % 3:
        raise line.error(
            f"{len(fields)} fields are no keypoints (X Y POINT3D_ID each) and no image; after each image comes its "
            "line of keypoints, which may be empty"
        )
    for field in fields[2::3]:
        if field != "-1":
            line.whole_number_in(field, "point id", LARGEST_POINT_ID)
    return line.numbers_in(fields, "keypoint").reshape(-1, 3)[:, :2]


def _add_points(reconstruction: Any, path: Path, images: Mapping[int, _Image]) -> None:
    seen: dict[int, Line] = {}
    observed: dict[tuple[int, int], Line] = {}
    for line in entries_of(read_lines(path)):
        fields = line.fields
        if len(fields) < _POINT_FIELDS or len(fields) % 2:
            raise line.error(
                f"{len(fields)} fields, POINT3D_ID X Y Z R G B ERROR and pairs IMAGE_ID POINT2D_IDX needed"
            )
        point_id = line.whole_number_in(fields[0], "point id", LARGEST_POINT_ID)
        check_new(line, point_id, "point id", seen)
        position = line.numbers_in(fields[1:4], "position")
        colour = [line.whole_number_in(field, "colour", 255) for field in fields[4:7]]
        error = line.number_in(fields[7], "error")
        track = _track(line, images, observed)
        point = pycolmap.Point3D(xyz=position, color=np.array(colour, np.uint8), error=error, track=track)
        reconstruction.add_point3D_with_id(point_id, point)


def _track(line: Line, images: Mapping[int, _Image], observed: dict[tuple[int, int], Line]) -> Any:
    numbers = [line.whole_number_in(field, "track entry") for field in line.fields[_POINT_FIELDS:]]
    elements = list(zip(numbers[::2], numbers[1::2], strict=True))
    for image_id, index in elements:
        if image_id not in images:
            raise line.error(
                f"its track has image {image_id}, which is not in images.txt; empty points3D.txt if only poses matter"
            )
        count = len(images[image_id].keypoints)
        if index >= count:
            raise line.error(f"its track has keypoint {index} of image {image_id}, which has {count} keypoints")
        if (image_id, index) in observed:
            other = observed[image_id, index].number
            raise line.error(f"keypoint {index} of image {image_id} stands in two tracks, lines {other}, {line.number}")
        observed[image_id, index] = line
    return pycolmap.Track([pycolmap.TrackElement(*element) for element in elements])
