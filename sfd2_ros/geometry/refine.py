# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Refine a pose by all its inliers, each weighted by how exact its keypoint and its landmark are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.geometry.least_squares import CONVERGED_DEVIATIONS, Cauchy, minimise, stacked
from sfd2_ros.geometry.residuals import linearised, moved_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.geometry.least_squares import Linearised
    from sfd2_ros.geometry.residuals import Observations


def refine_pose(
    body_from_map: NDArray[np.float64],
    views: Sequence[Observations],
    *,
    converged_deviations: float = CONVERGED_DEVIATIONS,
) -> NDArray[np.float64]:
    """Minimise the robust, whitened reprojection error of all cameras together, starting from a pose.

    Args:
        body_from_map: (4, 4) start.
        views: inliers of the start, by camera.
        converged_deviations: a step shorter than this many standard deviations of the pose is the last.

    Returns:
        The refined body_from_map (4, 4), or the start when the matches do not determine a pose.
    """
    views = [view for view in views if len(view)]
    if not views:
        return body_from_map

    def linearise(pose: NDArray[np.float64]) -> Linearised:
        """Linearise all views at a pose (4, 4); landmarks may come in front of a camera, or leave."""
        return stacked([linearised(pose, view.in_front(pose)) for view in views])

    found = minimise(
        body_from_map,
        Cauchy(),
        linearise=linearise,
        move=moved_body,
        converged_deviations=converged_deviations,
    )
    return body_from_map if found is None else found[0]
