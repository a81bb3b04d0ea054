# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Learned stability: which classes are still there in another session, measured instead of believed.

Every pixel of a view is projected into a view of another session through the true depth. Where that view shows
something nearer, the pixel is hidden and tells nothing. Otherwise it survived if the same depth and class are seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.training.data.posed_views import DEPTH_TOLERANCE, project_between, read_depth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sfd2_lab.training.data.view_source import ViewSource

_LABELS = 256


def survival_of_labels(
    source: ViewSource, pairs: Iterable[tuple[int, int]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the share of pixels that survive, by label, and how many were counted.

    Args:
        source: views of at least two sessions.
        pairs: indices of views to compare, each of another session than the other.

    Returns:
        (256,) float64 in [0, 1], NaN where nothing was counted (the sky has no depth and so no place); (256,) int64.
    """
    survived, counted = np.zeros(_LABELS, np.int64), np.zeros(_LABELS, np.int64)
    for first, second in pairs:
        labels, has_survived = _compared(source, first, second)
        survived += np.bincount(labels[has_survived], minlength=_LABELS)
        counted += np.bincount(labels, minlength=_LABELS)
    share = np.full(_LABELS, np.nan)
    np.divide(survived, counted, out=share, where=counted > 0)
    return share, counted


def _compared(source: ViewSource, first: int, second: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the labels of the pixels that tell something, and whether each survived."""
    one, other = source.views[first], source.views[second]
    found = project_between(one, read_depth(source.folder, one), other, read_depth(source.folder, other))
    tells = found.inside & (found.there_m >= found.depth_m * (1 - DEPTH_TOLERANCE))
    labels, there = source.pictures.view(first).labels, source.pictures.view(second).labels
    x, y = found.target[tells].round().long().unbind(-1)
    same_place = found.there_m[tells] <= found.depth_m[tells] * (1 + DEPTH_TOLERANCE)
    survived = same_place & (there[y, x] == labels[tells])
    return labels[tells].numpy(), torch.as_tensor(survived).numpy()
