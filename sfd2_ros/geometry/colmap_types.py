# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our cameras, poses and pixels as COLMAP's. The only place that knows its pixel centre (0.5, 0.5); ours is (0, 0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap

from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.transforms import quaternion_xyzw, rigid_from_quaternion
from sfd2_ros.core.types import Camera

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PIXEL_CENTRE_PX = 0.5
_FULL_OPENCV_COEFFICIENTS = 8

# COLMAP model: (ROS distortion model, how its parameters read as (fx, fy, cx, cy, distortion))
_READERS: dict[str, Any] = {
    "SIMPLE_PINHOLE": lambda f, cx, cy: (f, f, cx, cy, "none", ()),
    "PINHOLE": lambda fx, fy, cx, cy: (fx, fy, cx, cy, "none", ()),
    "SIMPLE_RADIAL": lambda f, cx, cy, k: (f, f, cx, cy, "plumb_bob", (k, 0.0, 0.0, 0.0)),
    "RADIAL": lambda f, cx, cy, k1, k2: (f, f, cx, cy, "plumb_bob", (k1, k2, 0.0, 0.0)),
    "OPENCV": lambda fx, fy, cx, cy, *k: (fx, fy, cx, cy, "plumb_bob", k),
    "FULL_OPENCV": lambda fx, fy, cx, cy, *k: (fx, fy, cx, cy, "rational_polynomial", k),
    "OPENCV_FISHEYE": lambda fx, fy, cx, cy, *k: (fx, fy, cx, cy, "equidistant", k),
    "SIMPLE_RADIAL_FISHEYE": lambda f, cx, cy, k: (f, f, cx, cy, "equidistant", (k, 0.0, 0.0, 0.0)),
    "RADIAL_FISHEYE": lambda f, cx, cy, k1, k2: (f, f, cx, cy, "equidistant", (k1, k2, 0.0, 0.0)),
    "SIMPLE_FISHEYE": lambda f, cx, cy: (f, f, cx, cy, "equidistant", (0.0, 0.0, 0.0, 0.0)),
    "FISHEYE": lambda fx, fy, cx, cy: (fx, fy, cx, cy, "equidistant", (0.0, 0.0, 0.0, 0.0)),
}

# ROS has no name for these: distortion_model has COLMAP's in small letters.
_COLMAP_ONLY = {
    "thin_prism_fisheye": "THIN_PRISM_FISHEYE",
    "rad_tan_thin_prism_fisheye": "RAD_TAN_THIN_PRISM_FISHEYE",
    "fov": "FOV",
    "eucm": "EUCM",
    "division": "DIVISION",
}
_READERS["SIMPLE_DIVISION"] = lambda f, cx, cy, k: (f, f, cx, cy, "division", (k,))


def colmap_points(keypoints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Shift (N, 2) keypoints to COLMAP's pixel centre."""
    return np.asarray(keypoints, dtype=np.float64) + PIXEL_CENTRE_PX


def keypoints_from_colmap(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Shift (N, 2) points of COLMAP to our pixel centre."""
    return np.asarray(points, dtype=np.float64) - PIXEL_CENTRE_PX


def colmap_camera(camera: Camera) -> Any:
    """Return a pycolmap.Camera of the same intrinsics; plumb_bob with a k3 other than 0 becomes FULL_OPENCV.

    Raises:
        CameraError: COLMAP has no model of the lens; see `geometry.ideal`.
    """
    cx, cy = camera.cx + PIXEL_CENTRE_PX, camera.cy + PIXEL_CENTRE_PX
    base = [camera.fx, camera.fy, cx, cy]
    model, params = "PINHOLE", base
    if camera.distortion_model == "plumb_bob":
        k1, k2, p1, p2, k3 = (*camera.distortion, 0.0)[:5]
        model, params = "OPENCV", [*base, k1, k2, p1, p2]
        if k3 != 0:
            model, params = "FULL_OPENCV", [*base, k1, k2, p1, p2, k3, 0.0, 0.0, 0.0]
    elif camera.distortion_model in _COLMAP_ONLY:
        model, params = _COLMAP_ONLY[camera.distortion_model], [*base, *camera.distortion]
    elif camera.distortion_model == "rational_polynomial":
        if len(camera.distortion) > _FULL_OPENCV_COEFFICIENTS:
            raise CameraError(
                f"rational_polynomial with {len(camera.distortion)} coefficients has no model in COLMAP; undistort the "
                "images or their keypoints"
            )
        model, params = "FULL_OPENCV", [*base, *camera.distortion]
    elif camera.distortion_model == "equidistant":
        model, params = "OPENCV_FISHEYE", [*base, *camera.distortion]
    return pycolmap.Camera(model=model, width=camera.width, height=camera.height, params=params)


def camera_from_colmap(camera: Any) -> Camera:
    """Return the `Camera` of a pycolmap.Camera.

    Raises:
        CameraError: the model has no counterpart in sensor_msgs/CameraInfo.
    """
    return camera_from_model(camera.model.name, camera.width, camera.height, [float(value) for value in camera.params])


def camera_from_model(model: str, width: int, height: int, params: Sequence[float]) -> Camera:
    """Return the `Camera` of a line of COLMAP's cameras.txt.

    Args:
        model: name of COLMAP's camera model, such as "PINHOLE" or "OPENCV".
        width: pixels.
        height: pixels.
        params: the parameters of that model, COLMAP's pixel centre.

    Raises:
        CameraError: the model is not supported, or the number of parameters does not fit it.
    """
    own = next((ours for ours, theirs in _COLMAP_ONLY.items() if theirs == model), None)
    reader = _READERS.get(model) if own is None else lambda fx, fy, cx, cy, *k: (fx, fy, cx, cy, own, k)
    if reader is None:
        allowed = ", ".join([*_READERS, *_COLMAP_ONLY.values()])
        raise CameraError(f"COLMAP camera model {model!r} is not supported; allowed: {allowed}; undistort the images")
    expected = len(pycolmap.Camera.create_from_model_name(1, model, 1.0, 1, 1).params)
    if len(params) != expected:
        raise CameraError(f"COLMAP camera model {model!r} takes {expected} parameters, got {len(params)}: {params!r}")
    fx, fy, cx, cy, distortion_model, distortion = reader(*params)
    shift = PIXEL_CENTRE_PX
    return Camera(width, height, fx, fy, cx - shift, cy - shift, distortion_model, tuple(distortion))


def matrix_from_rigid3d(a_from_b: Any) -> NDArray[np.float64]:
    """Return the (4, 4) matrix of a pycolmap.Rigid3d; a quaternion that text files rounded is normalised."""
    return rigid_from_quaternion(a_from_b.rotation.quat, a_from_b.translation)


def rigid3d_from_matrix(a_from_b: NDArray[np.float64]) -> Any:
    """Return the pycolmap.Rigid3d of a (4, 4) matrix."""
    return pycolmap.Rigid3d(pycolmap.Rotation3d(quaternion_xyzw(a_from_b)), a_from_b[:3, 3])
