# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the raw mosaic of a RobotCar camera to an undistorted colour image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_ros.core.errors import DatasetError, ImageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.datasets.robotcar.calibration import Calibration

# OpenCV names a mosaic by the second and third pixel of the second row.
_CONVERSIONS = {"rggb": cv2.COLOR_BayerBG2RGB, "gbrg": cv2.COLOR_BayerGR2RGB}


def read_undistorted(path: Path, bayer: str, calibration: Calibration) -> NDArray[np.uint8]:
    """Read a raw PNG file, reconstruct its colours, and undistort it.

    Args:
        path: of the PNG file, one channel of 8 bits.
        bayer: colours of the four top-left pixels, by rows: "rggb" or "gbrg".
        calibration: of the camera.

    Returns:
        (h, w, 3) uint8 RGB; black where the raw image has nothing.

    Raises:
        ImageError: the file is missing or no PNG.
        DatasetError: it is no mosaic, or has another size than the calibration.
    """
    try:
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error) as err:
        raise ImageError(f"cannot read image {str(path)!r}: {err}; copy it again from the data set") from err
    if pixels is None:
        raise ImageError(f"{str(path)!r} is no image, or a damaged one; copy it again from the data set")
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise DatasetError(
            f"{str(path)!r} is an image of shape {pixels.shape}; one channel of 8 bits is needed, a raw mosaic"
        )
    if pixels.shape != calibration.distorted_x.shape:
        raise DatasetError(f"{str(path)!r} has shape {pixels.shape}, the camera {calibration.distorted_x.shape}")
    colour = cv2.cvtColor(pixels, _CONVERSIONS[bayer])
    undistorted = cv2.remap(
        colour,
        calibration.distorted_x,
        calibration.distorted_y,
        interpolation=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.asarray(undistorted, dtype=np.uint8)
