# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the matches of an image contradict the nominal principal point of its camera, that of camera_info.

An image that was cropped without its camera_info, or the camera_info of another camera: a rotation of the camera makes
up for most of a shifted principal point, and a sideways shift for some of the rest, so that poses are off by decimetres
to metres. With the principal point free the matches agree far better, on one that lies many standard deviations away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.localization.intrinsics_fit import PRINCIPAL_POINT, SURE_DEVIATIONS, fit_intrinsics, focal_length_px

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.geometry.residuals import Observations
    from sfd2_ros.localization.intrinsics_fit import IntrinsicsFit


@dataclass(frozen=True)
class CentreFit:
    """The principal point that matches fit best.

    Attributes:
        shift_px: (x, y) of it, from the nominal one.
        share: length of the shift, as a fraction of the focal length.
        deviations: length of the shift in standard deviations (Mahalanobis distance).
        num_inliers: matches that agree with it.
        gain: log-likelihood of the matches, less that with the nominal one.
    """

    shift_px: tuple[float, float]
    share: float
    deviations: float
    num_inliers: int
    gain: float

    def contradicts(self, tolerance: float) -> bool:
        """Return whether it surely lies farther off than this fraction of the focal length."""
        is_sure = self.deviations > SURE_DEVIATIONS and self.gain > SURE_DEVIATIONS**2 / 2
        return is_sure and self.share > tolerance


def fit_centre(
    observed: Observations, cam_from_map: NDArray[np.float64], nominal: IntrinsicsFit, *, max_error_px: float
) -> CentreFit | None:
    """Find the principal point that matches fit, starting from the pose found with the nominal one.

    Args:
        observed: matches of one camera, made without knowing its pose; wrong ones among them.
        cam_from_map: (4, 4) that pose.
        nominal: the fit with the nominal intrinsics.
        max_error_px: largest reprojection error of an inlier.

    Returns:
        The principal point, or None when the matches do not determine it.
    """
    free = fit_intrinsics(observed, cam_from_map, free=PRINCIPAL_POINT, max_error_px=max_error_px)
    if free is None:
        return None
    shift = free.centre_shift_px
    return CentreFit(
        shift_px=(float(shift[0]), float(shift[1])),
        share=float(np.linalg.norm(shift)) / focal_length_px(observed.camera),
        deviations=float(np.sqrt(shift @ np.linalg.solve(free.covariance, shift))),
        num_inliers=free.num_inliers,
        gain=free.likelihood - nominal.likelihood,
    )
