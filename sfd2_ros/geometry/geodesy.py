# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Places on the earth: WGS84 coordinates and local axes east, north, up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycolmap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Geodetic = tuple[float, float, float]


def geodetic_from_enu(places_m: NDArray[np.float64], datum: Geodetic) -> NDArray[np.float64]:
    """Return (N, 3) latitudes and longitudes in degrees and heights in metres of (N, 3) places east, north, up.

    Args:
        places_m: metres from the datum.
        datum: latitude and longitude in degrees, height in metres above the ellipsoid WGS84.
    """
    found: NDArray[np.float64] = _transform().enu_to_ellipsoid(places_m, *datum)
    return found


def enu_from_geodetic(geodetic: NDArray[np.float64], datum: Geodetic) -> NDArray[np.float64]:
    """Return (N, 3) metres east, north and up of a datum; the inverse of `geodetic_from_enu`."""
    found: NDArray[np.float64] = _transform().ellipsoid_to_enu(geodetic, *datum)
    return found


def _transform() -> pycolmap.GPSTransform:
    return pycolmap.GPSTransform(pycolmap.GPSTransformEllipsoid.WGS84)
