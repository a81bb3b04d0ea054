# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""True repeatability: which corners are found again in other sessions, where depth and pose say where they must be.

Every corner of a view is projected into views of other sessions. Where such a view shows something nearer, the corner
is hidden and that view tells nothing. Otherwise it either is found again, when the view has a corner within the
tolerance on the same thing, or it is not: because it is gone, or because nothing is to be seen there in that light.
With n views that tell, m of which found it, its reliability is the mean of what the detector believed, once, and what
was seen,

    S_rel = (r + m) / (1 + n).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sfd2_lab.training.data.posed_views import DEPTH_TOLERANCE, project_between

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sfd2_lab.training.data.posed_views import PosedView


def repeated_corners(
    corners: torch.Tensor,
    view: PosedView,
    depth_m: torch.Tensor,
    others: Iterable[tuple[PosedView, torch.Tensor, torch.Tensor]],
    *,
    tolerance_px: float,
) -> torch.Tensor:
    """Return the corners of a view with reliability by what other views found.

    Args:
        corners: (N, 3) x and y in pixels, and how much the detector believes in each, in [0, 1].
        view: the view.
        depth_m: (h, w) its depth, metres.
        others: views of other sessions, each with its depth and its corners.
        tolerance_px: a corner this near is the same.

    Returns:
        (N, 3) with another reliability.
    """
    if len(corners) == 0:
        return corners
    x, y = corners[:, 0].round().long(), corners[:, 1].round().long()
    told, found = torch.zeros(len(corners)), torch.zeros(len(corners))
    for other, other_depth, other_corners in others:
        seen = project_between(view, depth_m, other, other_depth)
        depth, there = seen.depth_m[y, x], seen.there_m[y, x]
        tells = seen.inside[y, x] & (there >= depth * (1 - DEPTH_TOLERANCE))
        is_there = there <= depth * (1 + DEPTH_TOLERANCE)
        is_again = _nearest_px(seen.target[y, x], other_corners) <= tolerance_px
        told += tells
        found += tells & is_there & is_again
    return torch.cat([corners[:, :2], ((corners[:, 2] + found) / (1 + told))[:, None]], dim=1)


def _nearest_px(points: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
    """Return the distance (N,) of points to the nearest corner; infinite without corners."""
    if len(corners) == 0:
        return torch.full((len(points),), torch.inf)
    return torch.cdist(points, corners[:, :2]).amin(1)
