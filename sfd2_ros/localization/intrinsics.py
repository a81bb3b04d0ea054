# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the matches of an image contradict the nominal intrinsics of its camera, those of camera_info.

Only distinct matches of the search in the whole image are used: matches that were searched near a pose fit its
intrinsics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.core.types import Status
from sfd2_ros.localization.focal import fit_focal
from sfd2_ros.localization.intrinsics_fit import fit_intrinsics, focal_length_px
from sfd2_ros.localization.measure import observed_in
from sfd2_ros.localization.principal_point import fit_centre

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.geometry.residuals import Observations
    from sfd2_ros.localization.config import LocalizerConfig
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.search import Hypothesis

ANY_INTRINSICS = 1e6
"""As `max_focal_error` and `max_centre_error`: nothing is rejected."""


def intrinsics_contradiction(found: Hypothesis, query: Query, context: MapContext) -> tuple[Status, str] | None:
    """Return status and reason where the distinct matches contradict the intrinsics of a camera; else None."""
    for view in observed_in(query, context, found.matches.where(found.matches.is_distinct)):
        contradictions = _contradictions(view, view.cam_from_body @ found.body_from_map, context.config)
        if contradictions:
            _, status, reason = max(contradictions)
            return (
                status,
                f"{reason}; calibrate the camera, and make camera_info follow whatever scales or crops its images",
            )
    return None


def _contradictions(
    view: Observations, cam_from_map: NDArray[np.float64], config: LocalizerConfig
) -> list[tuple[float, Status, str]]:
    """Return each contradiction of a camera's matches: gain in log-likelihood, status and reason."""
    camera, reach_px = view.camera, config.max_error_px
    nominal = fit_intrinsics(view, cam_from_map, max_error_px=reach_px)
    if nominal is None:
        return []
    found = []
    focal = fit_focal(view, nominal, max_error_px=reach_px)
    if focal and focal.num_inliers >= config.min_inliers and focal.contradicts(config.max_focal_error):
        nominal_px = focal_length_px(camera)
        fitted_px = nominal_px * focal.scale
        reason = f"the matches fit a focal length of {fitted_px:.0f} px, camera_info has {nominal_px:.0f} px"
        found.append((focal.gain, Status.WRONG_FOCAL_LENGTH, reason))
    centre = fit_centre(view, cam_from_map, nominal, max_error_px=reach_px)
    if centre and centre.num_inliers >= config.min_inliers and centre.contradicts(config.max_centre_error):
        x, y = camera.cx + centre.shift_px[0], camera.cy + centre.shift_px[1]
        reason = (
            f"the matches fit a principal point at ({x:.0f}, {y:.0f}) px, camera_info has ({camera.cx:.0f}, "
            f"{camera.cy:.0f}) px"
        )
        found.append((centre.gain, Status.WRONG_PRINCIPAL_POINT, reason))
    return found
