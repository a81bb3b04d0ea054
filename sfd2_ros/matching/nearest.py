# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mutual nearest neighbours among descriptors of length one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.types import Matches

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_ENTRIES = 1 << 24
"""Similarities held at a time: 64 MB in float32."""


class _Nearest(NamedTuple):
    """For each query its best target and the two highest similarities; for each target its best query."""

    target: torch.Tensor
    best: torch.Tensor
    second: torch.Tensor
    query: torch.Tensor


def match_mutual(
    query: NDArray[np.floating] | torch.Tensor,
    target: NDArray[np.floating] | torch.Tensor,
    *,
    min_similarity: float = -1.0,
    ratio: float | None = None,
) -> Matches:
    """Match descriptors that are each other's nearest.

    Args:
        query: (N, D) descriptors of length one, numpy or torch; torch tensors are matched on their device.
        target: (M, D) descriptors of length one.
        min_similarity: least cosine of a match, in [-1, 1].
        ratio: largest quotient of the distances to the nearest and the second nearest target, in (0, 1]; None
            for no such test. A single target has no second and passes.

    Returns:
        Matches by ascending query index. Memory beside the descriptors is bounded by `BLOCK_ENTRIES`.

    Raises:
        ConfigError: a limit is out of its range.
        ValueError: the arrays are not two-dimensional or of different lengths of descriptor.
    """
    _check_limits(min_similarity, ratio)
    left, right = _as_tensors(query, target)
    if not len(left) or not len(right):
        return Matches(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    with torch.inference_mode():
        found = _nearest(left, right, with_second=ratio is not None)
        rows = torch.arange(len(left), device=left.device)
        keep = (found.query[found.target] == rows) & (found.best >= min_similarity)
        if ratio is not None:
            keep &= _distance(found.best) <= ratio * _distance(found.second)
        chosen = rows[keep]
        return Matches(
            chosen.cpu().numpy(), found.target[chosen].cpu().numpy(), found.best[chosen].float().cpu().numpy()
        )


def _check_limits(min_similarity: float, ratio: float | None) -> None:
    if not -1.0 <= min_similarity <= 1.0:
        raise ConfigError(f"min_similarity is {min_similarity!r}; a cosine is in [-1, 1], -1 keeps every match")
    if ratio is not None and not 0.0 < ratio <= 1.0:
        raise ConfigError(f"ratio is {ratio!r}; it must be in (0, 1], or None for no ratio test")


def _as_tensors(
    query: NDArray[np.floating] | torch.Tensor, target: NDArray[np.floating] | torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return both on the device of the first tensor among them; half precision is kept on an accelerator only."""
    if query.ndim != 2 or target.ndim != 2 or query.shape[1] != target.shape[1]:
        raise ValueError(
            f"descriptors have shapes {tuple(query.shape)} and {tuple(target.shape)}; (N, D), (M, D) needed"
        )
    device = next((side.device for side in (query, target) if isinstance(side, torch.Tensor)), torch.device("cpu"))
    left, right = (torch.as_tensor(side, device=device) for side in (query, target))
    if device.type == "cpu" or left.dtype != right.dtype:
        return left.float(), right.float()
    return left, right


def _nearest(query: torch.Tensor, target: torch.Tensor, *, with_second: bool) -> _Nearest:
    """Go through the queries block by block; of equal neighbours the earlier block's stays."""
    rows = max(1, BLOCK_ENTRIES // len(target))
    best_of_target = query.new_full((len(target),), -math.inf)
    query_of_target = torch.zeros(len(target), dtype=torch.int64, device=query.device)
    parts = []
    for start in range(0, len(query), rows):
        similarity = query[start : start + rows] @ target.T
        best, index = similarity.max(dim=0)
        better = best > best_of_target
        best_of_target = torch.where(better, best, best_of_target)
        query_of_target = torch.where(better, index + start, query_of_target)
        parts.append(_best_of_rows(similarity, with_second=with_second))
    nearest, highest, second = (torch.cat(column) for column in zip(*parts, strict=True))
    return _Nearest(nearest, highest, second, query_of_target)


def _best_of_rows(similarity: torch.Tensor, *, with_second: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the index of the highest of each row, the highest, and the second highest (-inf when not asked for)."""
    best, index = similarity.max(dim=1)
    if not with_second or similarity.shape[1] == 1:
        return index, best, torch.full_like(best, -math.inf)
    second = similarity.scatter(1, index[:, None], -math.inf).amax(dim=1)
    return index, best, second


def _distance(similarity: torch.Tensor) -> torch.Tensor:
    """Euclidean distance of unit vectors with this cosine."""
    return (2 - 2 * similarity.float()).clamp_min(0).sqrt()
