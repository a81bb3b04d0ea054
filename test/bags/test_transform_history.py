# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytransform3d.rotations import quaternion_slerp
from scipy.spatial.transform import Rotation, Slerp

from sfd2_ros.bags.transform_history import TransformHistory, TransformUnavailableError, interpolate
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector

S = 1_000_000_000
numbers = st.floats(-2, 2)
vectors = st.lists(numbers, min_size=3, max_size=3)


def moved(x: float, yaw: float = 0.0) -> np.ndarray:
    return rigid(rotation_from_vector([0, 0, yaw]), [x, 0, 0])


@pytest.fixture
def history() -> TransformHistory:
    """Return odom -> base_link at 1, 2 and 3 s, and a camera mounted at (0.5, 0.1, 1)."""
    history = TransformHistory()
    for second in (1, 3, 2):
        history.insert("odom", "base_link", second * S, moved(second * 10.0, 0.1 * second), is_static=False)
    history.insert("base_link", "camera", 0, rigid(np.eye(3), [0.5, 0.1, 1.0]), is_static=True)
    return history


def test_lookup_interpolates_between_samples(history: TransformHistory) -> None:
    np.testing.assert_allclose(history.lookup("odom", "base_link", 2 * S + S // 4), moved(22.5, 0.225), atol=1e-9)


def test_lookup_at_a_sample_needs_no_later_one(history: TransformHistory) -> None:
    np.testing.assert_allclose(history.lookup("odom", "base_link", 3 * S), moved(30.0, 0.3), atol=1e-12)
    np.testing.assert_allclose(history.lookup("odom", "base_link", 1 * S), moved(10.0, 0.1), atol=1e-12)


def test_lookup_never_extrapolates(history: TransformHistory) -> None:
    with pytest.raises(TransformUnavailableError, match=r"known until 0\.001 s before"):
        history.lookup("odom", "base_link", 3 * S + S // 1000)
    with pytest.raises(TransformUnavailableError, match=r"known from 0\.500 s after"):
        history.lookup("odom", "base_link", S // 2)


def test_lookup_goes_through_common_ancestors_in_both_directions(history: TransformHistory) -> None:
    expected = moved(15.0, 0.15) @ rigid(np.eye(3), [0.5, 0.1, 1.0])
    np.testing.assert_allclose(history.lookup("odom", "camera", S + S // 2), expected, atol=1e-9)
    np.testing.assert_allclose(history.lookup("camera", "odom", S + S // 2), inverse(expected), atol=1e-9)
    history.insert("base_link", "other", 0, moved(2.0), is_static=True)
    np.testing.assert_allclose(
        history.lookup("other", "camera", 99 * S), inverse(moved(2.0)) @ rigid(np.eye(3), [0.5, 0.1, 1.0]), atol=1e-9
    )


def test_unknown_and_unconnected_frames_are_named(history: TransformHistory) -> None:
    with pytest.raises(TransformUnavailableError, match="'map'"):
        history.lookup("map", "base_link", 2 * S)
    history.insert("map", "lidar", 0, np.eye(4), is_static=True)
    with pytest.raises(TransformUnavailableError, match="not connected"):
        history.lookup("lidar", "base_link", 2 * S)


def test_loop_of_frames_is_refused() -> None:
    history = TransformHistory()
    history.insert("a", "b", 0, np.eye(4), is_static=True)
    history.insert("b", "a", 0, np.eye(4), is_static=True)
    with pytest.raises(TransformUnavailableError, match="loop"):
        history.lookup("a", "c", 0)


def test_transform_from_a_frame_to_itself_is_ignored(history: TransformHistory) -> None:
    history.insert("odom", "odom", 2 * S, moved(1.0), is_static=False)
    np.testing.assert_allclose(history.lookup("odom", "base_link", 2 * S), moved(20.0, 0.2), atol=1e-12)


def test_old_samples_are_forgotten() -> None:
    history = TransformHistory(duration_s=2.0)
    for second in range(6):
        history.insert("odom", "base_link", second * S, moved(second), is_static=False)
    history.lookup("odom", "base_link", 3 * S)
    with pytest.raises(TransformUnavailableError, match="known from"):
        history.lookup("odom", "base_link", 2 * S)


def test_time_that_jumps_back_starts_anew() -> None:
    history = TransformHistory(duration_s=2.0)
    for second in (100, 101, 10, 11):
        history.insert("odom", "base_link", second * S, moved(second), is_static=False)
    np.testing.assert_allclose(history.lookup("odom", "base_link", 10 * S + S // 2), moved(10.5))
    with pytest.raises(TransformUnavailableError, match="known until"):
        history.lookup("odom", "base_link", 100 * S)


def test_new_parent_starts_anew(history: TransformHistory) -> None:
    history.insert("world", "base_link", 4 * S, moved(1.0), is_static=False)
    with pytest.raises(TransformUnavailableError):
        history.lookup("odom", "base_link", 2 * S)
    np.testing.assert_allclose(history.lookup("world", "base_link", 4 * S), moved(1.0))


def test_clear_forgets_what_moves_and_keeps_what_is_mounted(history: TransformHistory) -> None:
    history.clear()
    history.lookup("base_link", "camera", 7 * S)
    with pytest.raises(TransformUnavailableError):
        history.lookup("odom", "base_link", 2 * S)


@given(vectors, vectors, st.floats(0, 1))
def test_interpolation_agrees_with_scipy_and_pytransform3d(
    first: list[float], second: list[float], share: float
) -> None:
    start, end = rigid(rotation_from_vector(first), first), rigid(rotation_from_vector(second), second)
    between = interpolate(start, end, share)
    turn = rigid(start[:3, :3].T @ end[:3, :3], [0, 0, 0])
    if np.trace(turn[:3, :3]) > -0.99:  # at half a turn there are two shortest ways
        oracle = Slerp([0, 1], Rotation.from_matrix([start[:3, :3], end[:3, :3]]))(share)
        np.testing.assert_allclose(between[:3, :3], oracle.as_matrix(), atol=1e-6)
        wxyz = [np.roll(Rotation.from_matrix(each[:3, :3]).as_quat(), 1) for each in (start, end)]
        other = quaternion_slerp(*wxyz, share, shortest_path=True)
        np.testing.assert_allclose(between[:3, :3], Rotation.from_quat(np.roll(other, -1)).as_matrix(), atol=1e-6)
    np.testing.assert_allclose(between[:3, 3], (1 - share) * start[:3, 3] + share * end[:3, 3], atol=1e-9)
