# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Landmarks without information do not end a build."""

import numpy as np
import pytest
from scipy.sparse import csr_array


def test_a_landmark_without_information_leaves_the_others_as_they_are() -> None:
    pytest.importorskip("pyceres")
    from sfd2_ros.mapping.drive.uncertainty import inverse_blocks  # noqa: PLC0415

    by_point = np.zeros((4, 6))
    by_point[:, :3] = np.random.default_rng(0).normal(size=(4, 3))
    inverse = inverse_blocks(csr_array(by_point)).toarray()
    np.testing.assert_allclose(inverse[:3, :3], np.linalg.inv(by_point[:, :3].T @ by_point[:, :3]), rtol=1e-6)
    np.testing.assert_array_equal(inverse[3:], np.eye(6)[3:])
