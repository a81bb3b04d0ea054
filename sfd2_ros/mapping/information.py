# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Uncertainties of positions in twelve bytes: the Cholesky factor of the information, in half precision.

A landmark seen from one side is far less certain in depth than across. Half precision has directions exact to 0.0005
rad, so depth may be at most 1,000 times less certain: beyond, rounding would make a landmark uncertain across as well.
A product of a factor with itself is never negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOWER = ([0, 1, 1, 2, 2, 2], [0, 0, 1, 0, 1, 2])
"""Rows and columns of the six numbers of a lower triangle."""
_LONGEST = 1000.0
"""Largest ratio of two standard deviations of a position. It changes those across by 4 %, see the module."""
_SMALLEST, _GREATEST = 6.2e-5, 6.5e4
"""Range of a factor's diagonal, that of half precision: standard deviations from 15 micrometres to 16 km."""


def packed_information(covariances: NDArray[np.floating]) -> NDArray[np.float16]:
    """Return the (N, 6) factors of the inverse of (N, 3, 3) covariances, in the order of their lower triangle."""
    return packed_factors(np.linalg.inv(np.asarray(covariances, np.float64)))


def packed_factors(information: NDArray[np.float64]) -> NDArray[np.float16]:
    """Return the (N, 6) factors of information matrices (N, 3, 3), in the order of their lower triangle."""
    # By eigenvalues: rounding may leave a matrix that Cholesky's decomposition takes for negative.
    values, vectors = np.linalg.eigh(information)
    values = np.maximum(values, np.maximum(values[:, -1:] / _LONGEST**2, _SMALLEST**2))
    roots = vectors * np.sqrt(values)[:, None, :]
    upper: Any = np.linalg.qr(roots.transpose(0, 2, 1), mode="r")
    factors: NDArray[np.float64] = (upper * np.where(np.einsum("nii->ni", upper) < 0, -1, 1)[:, :, None]).transpose(
        0, 2, 1
    )
    diagonal = np.arange(3)
    factors[:, diagonal, diagonal] = np.maximum(factors[:, diagonal, diagonal], _SMALLEST)
    packed: NDArray[np.float16] = np.clip(factors[:, _LOWER[0], _LOWER[1]], -_GREATEST, _GREATEST).astype(np.float16)
    return packed


def covariances_of(factors: NDArray[np.float16]) -> NDArray[np.float64]:
    """Return the (N, 3, 3) covariances of packed factors (N, 6)."""
    lower = np.zeros((len(factors), 3, 3))
    lower[:, _LOWER[0], _LOWER[1]] = factors
    inverse = np.linalg.inv(lower)
    covariances: NDArray[np.float64] = inverse.transpose(0, 2, 1) @ inverse
    return covariances
