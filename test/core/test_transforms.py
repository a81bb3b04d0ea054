# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rigid transforms: inverses, round trips, and agreement with scipy and with finite differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sfd2_ros.core.transforms import (
    inverse,
    move_covariance,
    quaternion_xyzw,
    rigid,
    rigid_from_quaternion,
    rotation_angle_rad,
    rotation_from_vector,
    skew,
    vector_from_rotation,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTHS = st.floats(-1e3, 1e3)
_VECTORS = st.tuples(_LENGTHS, _LENGTHS, _LENGTHS)
_PARTS = st.floats(-1, 1)
_QUATERNIONS = st.tuples(_PARTS, _PARTS, _PARTS, _PARTS).filter(lambda q: np.linalg.norm(q) > 1e-3)
_ROTATION_VECTORS = st.tuples(_PARTS, _PARTS, _PARTS).map(lambda v: np.pi * np.array(v) / np.sqrt(3))
_SMALL = (0.0, 1e-300, 1e-13, 1e-9, 1e-6, 1e-3, 1e-2)
_HALF_TURNS = (np.pi, np.pi - 1e-9, np.pi - 1e-5, -np.pi)


@given(_QUATERNIONS, _VECTORS)
def test_the_inverse_undoes_a_transform(quaternion: tuple[float, ...], translation: tuple[float, ...]) -> None:
    a_from_b = rigid_from_quaternion(quaternion, translation)
    np.testing.assert_allclose(inverse(a_from_b) @ a_from_b, np.eye(4), atol=1e-11)
    np.testing.assert_allclose(inverse(inverse(a_from_b)), a_from_b, atol=1e-11)
    np.testing.assert_allclose(a_from_b[:3, :3] @ a_from_b[:3, :3].T, np.eye(3), atol=1e-14)


@given(_QUATERNIONS)
def test_quaternions_are_those_of_scipy_and_come_back(quaternion: tuple[float, ...]) -> None:
    a_from_b = rigid_from_quaternion(quaternion, [1, 2, 3])
    expected = Rotation.from_quat(quaternion)
    np.testing.assert_allclose(a_from_b[:3, :3], expected.as_matrix(), atol=1e-14)
    found = quaternion_xyzw(a_from_b)
    assert found[3] >= 0
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-12)
    assert abs(found @ expected.as_quat()) == pytest.approx(1, abs=1e-12)


@given(_ROTATION_VECTORS)
def test_rotation_vectors_are_those_of_scipy_and_come_back(vector: NDArray[np.float64]) -> None:
    rotation = rotation_from_vector(vector)
    np.testing.assert_allclose(rotation, Rotation.from_rotvec(vector).as_matrix(), atol=1e-12)
    np.testing.assert_allclose(vector_from_rotation(rigid(rotation, [0, 0, 0])), vector, atol=1e-7)
    assert rotation_angle_rad(rigid(rotation, [0, 0, 0])) == pytest.approx(np.linalg.norm(vector), abs=1e-9)


@pytest.mark.parametrize("angle", [*_SMALL, *_HALF_TURNS, 1.0, np.pi / 2])
@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (-0.6, 0, 0.8), (0.48, -0.6, 0.64)])
def test_angles_at_the_borders_are_exact(angle: float, axis: tuple[float, ...]) -> None:
    vector = angle * np.array(axis)
    pose = rigid(rotation_from_vector(vector), [0, 0, 0])
    np.testing.assert_allclose(pose[:3, :3], Rotation.from_rotvec(vector).as_matrix(), atol=1e-15)
    assert rotation_angle_rad(pose) == pytest.approx(abs(angle), rel=1e-9, abs=1e-15)
    back = rotation_from_vector(vector_from_rotation(pose))
    np.testing.assert_allclose(back, pose[:3, :3], atol=1e-14)


@pytest.mark.parametrize("quaternion", [(0, 0, 0, 0), (np.nan, 0, 0, 1), (np.inf, 0, 0, 0), (0, 0, 1), (0, 0, 0, 1, 0)])
def test_what_is_no_rotation_is_refused(quaternion: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="is no rotation"):
        rigid_from_quaternion(quaternion, [0, 0, 0])


@given(_VECTORS, _VECTORS)
def test_skew_is_the_cross_product(left: tuple[float, ...], right: tuple[float, ...]) -> None:
    np.testing.assert_allclose(skew(left) @ np.array(right), np.cross(left, right), atol=1e-6)
    np.testing.assert_array_equal(skew(left), -skew(left).T)


def _random_pose(generator: np.random.Generator) -> NDArray[np.float64]:
    return rigid(rotation_from_vector(generator.normal(size=3)), generator.normal(size=3))


@pytest.mark.parametrize("seed", range(3))
def test_moved_covariance_is_that_of_finite_differences(seed: int) -> None:
    generator = np.random.default_rng(seed)
    map_from_cam, cam_from_base = _random_pose(generator), _random_pose(generator)
    root = generator.normal(size=(6, 6))
    step = 1e-6

    def base_change(change: NDArray[np.float64]) -> NDArray[np.float64]:
        """How position and rotation of the base change with those of the camera."""
        moved = rigid(rotation_from_vector(change[3:]) @ map_from_cam[:3, :3], map_from_cam[:3, 3] + change[:3])
        before, after = map_from_cam @ cam_from_base, moved @ cam_from_base
        turn = vector_from_rotation(after @ inverse(before))
        return np.concatenate([after[:3, 3] - before[:3, 3], turn])

    columns = [(base_change(step * unit) - base_change(-step * unit)) / (2 * step) for unit in np.eye(6)]
    jacobian = np.array(columns).T
    expected = jacobian @ root @ root.T @ jacobian.T
    np.testing.assert_allclose(move_covariance(root @ root.T, map_from_cam, cam_from_base), expected, atol=1e-6)


def test_moved_covariance_comes_back() -> None:
    generator = np.random.default_rng(0)
    map_from_cam, cam_from_base = _random_pose(generator), _random_pose(generator)
    covariance = np.diag(generator.uniform(0.1, 1, 6))
    moved = move_covariance(covariance, map_from_cam, cam_from_base)
    back = move_covariance(moved, map_from_cam @ cam_from_base, inverse(cam_from_base))
    np.testing.assert_allclose(back, covariance, atol=1e-12)
    assert np.trace(moved[:3, :3]) > np.trace(covariance[:3, :3])
