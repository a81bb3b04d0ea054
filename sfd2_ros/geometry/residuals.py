# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keypoints of landmarks, and how their residuals change with the pose of the body that carries the cameras.

Each residual is whitened by how exact its keypoint and its landmark are: by the inverse of
sigma_px^2 I + J Sigma_X J^T. A landmark that was triangulated from a short baseline is uncertain along its ray. Taken
as exact, it would pull the pose away and make its covariance too small.

The body is the camera itself, or the base of a robot with one camera or several. With p its origin and R its rotation
in the map, perturbed as p + dp and exp(dtheta) R, and C the rotation of the camera on the body, a landmark X moves in
the camera by -C R^T dp + C R^T [X - p]_x dtheta.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.geometry.least_squares import Linearised
from sfd2_ros.geometry.projection import image_jacobian, image_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

_MIN_DEPTH_OF_MEDIAN = 1e-3
"""A landmark nearer than this fraction of the median depth is in the camera or behind it. Not tuned."""
_MAX_SHIFT_DEVIATIONS = 3.0
"""Landmarks move at most as far as a residual of 3 standard deviations asks for: farther off are wrong matches."""
_MAX_SHIFT_OF_DEPTH = 0.5
"""A landmark that would come nearer to the camera by more than this fraction of its depth is not moved. Not tuned."""


@dataclass(frozen=True, eq=False)
class Observations:
    """Keypoints of one camera and the landmarks that they show.

    Attributes:
        keypoints: (M, 2) pixels.
        positions: (M, 3) landmarks in the map.
        covariances: (M, 3, 3) of the positions.
        camera: intrinsics.
        sigma_px: standard deviation of a keypoint's x and y, pixels.
        cam_from_body: (4, 4) the body in the camera's frame; the identity where the camera is the body.
    """

    keypoints: NDArray[np.floating]
    positions: NDArray[np.float64]
    covariances: NDArray[np.float64]
    camera: Camera
    sigma_px: float
    cam_from_body: NDArray[np.float64] = field(default_factory=lambda: np.eye(4))

    def __len__(self) -> int:
        return len(self.positions)

    def where(self, chosen: NDArray[np.bool_]) -> Observations:
        """Return the observations that a (M,) mask chooses."""
        return replace(
            self,
            keypoints=self.keypoints[chosen],
            positions=self.positions[chosen],
            covariances=self.covariances[chosen],
        )

    def depths(self, body_from_map: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the depths (M,) of the landmarks in the camera where the body has a pose (4, 4)."""
        cam_from_map = self.cam_from_body @ body_from_map
        depths: NDArray[np.float64] = self.positions @ cam_from_map[2, :3] + cam_from_map[2, 3]
        return depths

    def in_front(self, body_from_map: NDArray[np.float64]) -> Observations:
        """Return the observations whose landmarks lie in front of the camera where the body has a pose (4, 4)."""
        depths = self.depths(body_from_map)
        in_front = depths > _MIN_DEPTH_OF_MEDIAN * np.median(np.abs(depths))
        return self if in_front.all() else self.where(in_front)


def moved_body(body_from_map: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a pose (4, 4) after a step (6,) of the body: its position, then its rotation about the map's axes."""
    map_from_body = inverse(body_from_map)
    return inverse(rigid(rotation_from_vector(step[3:]) @ map_from_body[:3, :3], map_from_body[:3, 3] + step[:3]))


def linearised(body_from_map: NDArray[np.float64], view: Observations) -> Linearised:
    """Linearise the residuals in the six unknowns of a pose (4, 4), with landmarks where the map has them."""
    by_landmark, residual, information = _residuals(body_from_map, view)
    return Linearised(_by_body(by_landmark, view.positions, body_from_map), residual, information)


def linearised_with_landmarks(body_from_map: NDArray[np.float64], view: Observations) -> Linearised:
    """Linearise the same residuals at a pose (4, 4) where map and keypoints together put the landmarks.

    Landmarks are measured too, and their errors along the rays of the mapping cameras fit there and nowhere else. With
    the Jacobian at the map's landmarks, poses are drawn towards where the map was made (regression dilution). With the
    Jacobian at the likeliest landmarks, the step is that of a fit of pose and landmarks together, and is not biased.

    Source: Fuller, Measurement Error Models, 1987, 3.2 (the functional model).
    """
    by_landmark, residual, information = _residuals(body_from_map, view)
    whitened = np.einsum("nij,nj->ni", information, residual)
    deviations = np.sqrt(np.maximum(np.einsum("ni,ni->n", residual, whitened), 1e-12))  # 1e-12: no division by 0
    pulled = np.einsum("kin,nk->ni", by_landmark, whitened)
    shift = np.einsum("nij,nj->ni", view.covariances, pulled)
    shift *= np.minimum(1.0, _MAX_SHIFT_DEVIATIONS / deviations)[:, None]
    # A landmark without depth could move to the camera or behind it, where the Jacobian changes its sign.
    nearer = shift @ (view.cam_from_body @ body_from_map)[2, :3] / view.depths(body_from_map)
    shift[nearer < -_MAX_SHIFT_OF_DEPTH] = 0.0
    moved = replace(view, positions=view.positions + shift)
    jacobian = _by_body(_by_landmark(body_from_map, moved)[0], moved.positions, body_from_map)
    return Linearised(jacobian, residual, information)


def _residuals(
    body_from_map: NDArray[np.float64], view: Observations
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return how projections move with landmarks (2, 3, M), residuals (M, 2), and their information (M, 2, 2)."""
    by_landmark, in_camera = _by_landmark(body_from_map, view)
    # Products of many small matrices are seven times as fast with the number of the matrix as the last axis.
    covariances = np.ascontiguousarray(view.covariances.transpose(1, 2, 0))
    half = np.einsum("kin,ijn->kjn", by_landmark, covariances)
    a, b, d = (np.einsum("in,in->n", half[row], by_landmark[column]) for row, column in ((0, 0), (0, 1), (1, 1)))
    a, d = a + view.sigma_px**2, d + view.sigma_px**2
    information = np.empty((len(view), 2, 2))
    information[:, 0, 0], information[:, 1, 1] = d, a
    information[:, 0, 1] = information[:, 1, 0] = -b
    information /= (a * d - b * b)[:, None, None]
    return by_landmark, view.keypoints - image_points(view.camera, in_camera), information


def _by_landmark(
    body_from_map: NDArray[np.float64], view: Observations
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how projections move with landmarks in the map (2, 3, M), and the landmarks in the camera (M, 3)."""
    cam_from_map = view.cam_from_body @ body_from_map
    in_camera = view.positions @ cam_from_map[:3, :3].T + cam_from_map[:3, 3]
    jacobian = image_jacobian(view.camera, in_camera).reshape(-1, 3) @ cam_from_map[:3, :3]
    return np.ascontiguousarray(jacobian.reshape(-1, 2, 3).transpose(1, 2, 0)), in_camera


def _by_body(
    by_landmark: NDArray[np.float64], positions: NDArray[np.float64], body_from_map: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how projections move with the body (M, 2, 6)."""
    x, y, z = (positions - inverse(body_from_map)[:3, 3]).T
    moved = np.empty((len(positions), 2, 6))
    for row, (a, b, c) in enumerate(by_landmark):
        # A row of the derivatives by the landmark, times [X - p]_x, is their cross product.
        for column, values in enumerate((-a, -b, -c, b * z - c * y, c * x - a * z, a * y - b * x)):
            moved[:, row, column] = values
    return moved
