# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the matches of a picture contradict what camera_info says of its camera.

Asked of distinct matches that were made without knowing a pose: those near a pose fit its intrinsics.
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

    from sfd2_ros.geometry.refine import Observations
    from sfd2_ros.localization.config import LocalizerConfig
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.search import Hypothesis

ANY_INTRINSICS = 1e6
"""As `max_focal_error` and `max_centre_error`: nothing is refused."""


def intrinsics_contradiction(found: Hypothesis, query: Query, context: MapContext) -> tuple[Status, str] | None:
    """Return which intrinsics the distinct ones among matches fit, where these contradict a camera; else None."""
    for view in observed_in(query, context, found.matches.where(found.matches.is_distinct)):
        contradictions = _contradictions(view, view.cam_from_body @ found.body_from_map, context.config)
        if contradictions:
            _, status, reason = max(contradictions)
            return (
                status,
                f"{reason}; calibrate the camera, and let camera_info follow what scales or crops its pictures",
            )
    return None


def _contradictions(
    view: Observations, cam_from_map: NDArray[np.float64], config: LocalizerConfig
) -> list[tuple[float, Status, str]]:
    """Return what a camera's matches contradict: by how much likelier another value makes them, status and reason."""
    camera, reach_px = view.camera, config.max_error_px
    said = fit_intrinsics(view, cam_from_map, max_error_px=reach_px)
    if said is None:
        return []
    found = []
    focal = fit_focal(view, said, max_error_px=reach_px)
    if focal and focal.num_inliers >= config.min_inliers and focal.contradicts(config.max_focal_error):
        said_px = focal_length_px(camera)
        reason = f"the matches fit a focal length of {said_px * focal.scale:.0f} px, camera_info says {said_px:.0f} px"
        found.append((focal.gain, Status.WRONG_FOCAL_LENGTH, reason))
    centre = fit_centre(view, cam_from_map, said, max_error_px=reach_px)
    if centre and centre.num_inliers >= config.min_inliers and centre.contradicts(config.max_centre_error):
        x, y = camera.cx + centre.shift_px[0], camera.cy + centre.shift_px[1]
        reason = (
            f"the matches fit a principal point at ({x:.0f}, {y:.0f}) px, camera_info says ({camera.cx:.0f}, "
            f"{camera.cy:.0f}) px"
        )
        found.append((centre.gain, Status.WRONG_PRINCIPAL_POINT, reason))
    return found
