# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rigid transforms as 4x4 float64 matrices named `a_from_b`, quaternions (x, y, z, w), and their covariances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def rigid(rotation: ArrayLike, translation: ArrayLike) -> NDArray[np.float64]:
    """Build a_from_b from a (3, 3) rotation and a (3,) translation in metres."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(rotation, dtype=np.float64)
    matrix[:3, 3] = np.asarray(translation, dtype=np.float64)
    return matrix


def rigid_from_quaternion(quaternion_xyzw: ArrayLike, translation: ArrayLike) -> NDArray[np.float64]:
    """Build a_from_b from a quaternion (x, y, z, w), normalised here, and a (3,) translation in metres.

    Raises:
        ValueError: the quaternion has no length or is not finite.
    """
    quaternion = np.asarray(quaternion_xyzw, dtype=np.float64)
    norm = float(np.linalg.norm(quaternion))
    if quaternion.shape != (4,) or not np.isfinite(norm) or norm < 1e-9:
        raise ValueError(
            f"quaternion {quaternion_xyzw!r} is no rotation; four finite numbers, not all zero, are needed"
        )
    x, y, z, w = quaternion / norm
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    return rigid(rotation, translation)


def quaternion_xyzw(a_from_b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit quaternion (x, y, z, w), w >= 0, of the rotation of a_from_b."""
    rotation = a_from_b[:3, :3]
    # The eigenvector form is exact for every angle, half turns included (Bar-Itzhack 2000).
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    symmetric = (
        np.array(
            [
                [xx - yy - zz, yx + xy, zx + xz, zy - yz],
                [yx + xy, yy - xx - zz, zy + yz, xz - zx],
                [zx + xz, zy + yz, zz - xx - yy, yx - xy],
                [zy - yz, xz - zx, yx - xy, xx + yy + zz],
            ]
        )
        / 3
    )
    quaternion: NDArray[np.float64] = np.linalg.eigh(symmetric)[1][:, -1]
    return -quaternion if quaternion[3] < 0 else quaternion


def inverse(a_from_b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return b_from_a (4, 4)."""
    rotation = a_from_b[:3, :3].T
    return rigid(rotation, -rotation @ a_from_b[:3, 3])


def rotation_angle_rad(a_from_b: NDArray[np.float64]) -> float:
    """Return the angle of the rotation of a_from_b (4, 4), in [0, pi] radians, accurate for small angles too."""
    rotation = a_from_b[:3, :3]
    sine = np.linalg.norm(rotation - rotation.T) / np.sqrt(8)
    cosine = (np.trace(rotation) - 1) / 2
    return float(np.arctan2(sine, cosine))


def skew(vector: ArrayLike) -> NDArray[np.float64]:
    """Return the (3, 3) matrix whose product with w is vector x w."""
    x, y, z = np.asarray(vector, dtype=np.float64)
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def rotation_from_vector(vector_rad: ArrayLike) -> NDArray[np.float64]:
    """Return the (3, 3) rotation about `vector_rad` by its length in radians (Rodrigues)."""
    vector = np.asarray(vector_rad, dtype=np.float64)
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3) + skew(vector)
    axis = skew(vector / angle)
    rotation: NDArray[np.float64] = np.eye(3) + np.sin(angle) * axis + (1 - np.cos(angle)) * axis @ axis
    return rotation


def vector_from_rotation(a_from_b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation vector (3,), radians, of the rotation of a_from_b; the inverse of `rotation_from_vector`."""
    x, y, z, w = quaternion_xyzw(a_from_b)
    sine = float(np.linalg.norm([x, y, z]))
    scale = 2.0 if sine < 1e-12 else 2 * np.arctan2(sine, w) / sine
    return np.array([x, y, z]) * scale


def move_covariance(
    covariance: NDArray[np.float64], map_from_cam: NDArray[np.float64], cam_from_base: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Move a pose covariance from the camera to a frame rigidly attached to it.

    Args:
        covariance: (6, 6), order (x, y, z, rotX, rotY, rotZ) as ROS has it: metres along and radians about the
            axes of the map, perturbing the pose of the camera as p + dp, exp(dtheta) R.
        map_from_cam: (4, 4) pose of the camera.
        cam_from_base: (4, 4) the base in the camera's frame.

    Returns:
        (6, 6) covariance of map_from_base in the same order and axes.
    """
    lever = map_from_cam[:3, :3] @ cam_from_base[:3, 3]
    jacobian = np.eye(6)
    jacobian[:3, 3:] = -skew(lever)
    moved: NDArray[np.float64] = jacobian @ covariance @ jacobian.T
    return moved
