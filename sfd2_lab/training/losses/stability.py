# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stability classes: the head that lets semantics go at test time.

    L_sta = - log softmax(logits)_c, averaged over the labelled cells,

c one of volatile or dynamic, short-term, long-term. Source: the released training (the paper trains it as part of the
score); Xue et al., CVPR 2023, section 3.1 for the classes.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.features.keypoints import upsample_stability
from sfd2_ros.features.semantics import NOT_LABELLED


def stability_loss(logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of the stability head at every labelled pixel.

    Args:
        logits: (B, 3, H/4, W/4) of the stability head; compared after the interpolation that extraction uses.
        classes: (B, H, W) uint8, 0 to 2, or NOT_LABELLED.

    Returns:
        A scalar; zero where nothing is labelled.
    """
    fine = upsample_stability(logits)
    labelled = classes != NOT_LABELLED
    total = F.cross_entropy(fine, classes.long(), ignore_index=NOT_LABELLED, reduction="sum")
    return torch.where(labelled.any(), total / labelled.sum().clamp(min=1), fine.sum() * 0)
