# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Covariances of optimised poses, with landmarks as unknown as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import block_diag, csr_array
from scipy.sparse.linalg import splu

from sfd2_ros.core.transforms import skew
from sfd2_ros.mapping.drive.adjustment import ceres
from sfd2_ros.mapping.drive.rig_model import poses_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.mapping.drive.adjustment import Adjusted

_DAMPING = 1e-9
"""Added to the information of landmarks, as a fraction of it, so that a landmark without depth can be eliminated."""
_LEAST_INFORMATION = 1e-9
"""Of a landmark, per square metre: with less, its place is open by tens of kilometres."""


def pose_covariances(adjusted: Adjusted, model: Any, *, pixel_sigma_px: float) -> NDArray[np.float64]:
    """Return the (K, 6, 6) covariances of map_from_base, ROS's order (x, y, z, rotX, rotY, rotZ), axes of the map.

    Args:
        adjusted: the optimisation that has ended.
        model: that it optimised.
        pixel_sigma_px: the unit of its residuals.
    """
    points = [point.xyz for point in model.points3D.values() if adjusted.problem.has_parameter_block(point.xyz)]
    options = ceres().EvaluateOptions()
    options.apply_loss_function = True
    options.set_parameter_blocks([*adjusted.blocks, *points])
    jacobian = _sparse(adjusted.problem.evaluate_jacobian(options)) / pixel_sigma_px
    of_poses = 6 * len(adjusted.blocks)
    by_pose, by_point = jacobian[:, :of_poses], jacobian[:, of_poses:]
    information = (by_pose.T @ by_pose).tocsc()
    if points:
        cross = (by_pose.T @ by_point).tocsr()
        information = (information - cross @ inverse_blocks(by_point) @ cross.T).tocsc()
    solve = splu(information).solve
    covariances = []
    for number, map_from_base in enumerate(poses_of(model)):
        unit = np.zeros((of_poses, 6))
        unit[6 * number : 6 * number + 6] = np.eye(6)
        covariances.append(_of_map_from_base(solve(unit)[6 * number : 6 * number + 6], map_from_base))
    return np.array(covariances)


def _sparse(matrix: Any) -> csr_array:
    rows, columns, values = matrix.rows, matrix.cols, matrix.values
    return csr_array((values, columns, rows), shape=(matrix.num_rows, matrix.num_cols))


def inverse_blocks(by_point: csr_array) -> csr_array:
    """Return the inverse of the information of landmarks, whose blocks of three do not touch each other.

    A landmark without information, behind all its cameras for example, is left out: its inverse is the identity, and
    it shares nothing with any pose.

    Args:
        by_point: (R, 3P) derivatives of residuals by landmarks.
    """
    normal = (by_point.T @ by_point).tocsr()
    count = normal.shape[0] // 3
    blocks = np.zeros((count, 3, 3))
    entries = normal.tocoo()
    rows, columns = entries.coords
    blocks[rows // 3, rows % 3, columns % 3] = entries.data
    traces = np.trace(blocks, axis1=1, axis2=2)[:, None, None]
    damping = np.where(traces > _LEAST_INFORMATION, _DAMPING * traces, 1.0) * np.eye(3)
    return csr_array(block_diag(list(np.linalg.inv(blocks + damping)), format="csr"))


def _of_map_from_base(covariance: NDArray[np.float64], map_from_base: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn a covariance of base_from_map in the tangent of Ceres, rotation first, into ROS's.

    A step d of Ceres turns base_from_map from the left by the rotation vector 2 d, and adds to its translation.
    """
    rotation, position = map_from_base[:3, :3], map_from_base[:3, 3]
    base_from_map_position = -rotation.T @ position
    jacobian = np.zeros((6, 6))
    jacobian[:3, :3] = -2 * rotation @ skew(base_from_map_position)
    jacobian[:3, 3:] = -rotation
    jacobian[3:, :3] = -2 * rotation
    turned: NDArray[np.float64] = jacobian @ covariance @ jacobian.T
    return turned
