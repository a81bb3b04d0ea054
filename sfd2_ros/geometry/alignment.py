# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The motion that brings points nearest to others.

Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycolmap

from sfd2_ros.geometry.colmap_types import matrix_from_rigid3d

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def rigid_alignment(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return target_from_source (4, 4) with the smallest squared distances between (N, 3) points and (N, 3) others.

    Raises:
        ValueError: fewer than three points.
    """
    found = pycolmap.estimate_rigid3d(source, target)
    if found is None:
        raise ValueError(f"{len(source)} points cannot be aligned; three are needed")
    return matrix_from_rigid3d(found)


def alignment_scale(source: NDArray[np.float64], target: NDArray[np.float64]) -> float | None:
    """Return the scale of the similarity that brings (N, 3) points nearest to (N, 3) others; None where there is none.

    Points at one spot, and fewer than three points, have no scale.
    """
    found = pycolmap.estimate_sim3d(source, target)
    return None if found is None or found.scale <= 0 else float(found.scale)
