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
"""Similarities held at a time on an accelerator, at the most: 64 MB in float32."""
CPU_BLOCK_ENTRIES = 1 << 19
"""The same on a CPU: 2 MB stay in the cache, which takes half the time."""


class DistinctMatches(NamedTuple):
    """Matches, and which of them are distinct.

    Attributes:
        matches: by ascending query index.
        is_distinct: (M,) whether the nearest target is nearer than the second nearest by the ratio.
    """

    matches: Matches
    is_distinct: NDArray[np.bool_]


class _Nearest(NamedTuple):
    """For each query its best target and the two highest similarities; for each target the highest."""

    target: torch.Tensor
    best: torch.Tensor
    second: torch.Tensor
    best_of_target: torch.Tensor


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
        Matches by ascending query index. Memory beside the descriptors is bounded by the entries of a block.

    Raises:
        ConfigError: a limit is out of its range.
        ValueError: the arrays are not two-dimensional or of different lengths of descriptor.
    """
    matches, is_distinct = _match(query, target, min_similarity, ratio)
    if ratio is None:
        return matches
    return Matches(matches.query[is_distinct], matches.target[is_distinct], matches.similarity[is_distinct])


def match_distinct(
    query: NDArray[np.floating] | torch.Tensor,
    target: NDArray[np.floating] | torch.Tensor,
    *,
    min_similarity: float = -1.0,
    ratio: float,
    points: NDArray[np.int64] | None = None,
) -> DistinctMatches:
    """Match (N, D) with (M, D) descriptors mutually; return which matches pass the ratio test.

    One look at the similarities instead of two. Arguments and errors are those of `match_mutual`. Where `points` (M,)
    has ascending numbers, targets of one number are one point, and the second nearest is of another point.
    """
    return _match(query, target, min_similarity, ratio, points)


def _match(
    query: NDArray[np.floating] | torch.Tensor,
    target: NDArray[np.floating] | torch.Tensor,
    min_similarity: float,
    ratio: float | None,
    points: NDArray[np.int64] | None = None,
) -> DistinctMatches:
    _check_limits(min_similarity, ratio)
    left, right = _as_tensors(query, target)
    if not len(left) or not len(right):
        nothing = Matches(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        return DistinctMatches(nothing, np.empty(0, bool))
    with torch.inference_mode():
        found = _nearest(left, right, _twins(points, left.device), with_second=ratio is not None)
        is_mutual = (found.best == found.best_of_target[found.target]) & (found.best >= min_similarity)
        is_distinct = _distance(found.best) <= (1.0 if ratio is None else ratio) * _distance(found.second)
    mutual = np.flatnonzero(is_mutual.cpu().numpy())
    targets = found.target.cpu().numpy()
    # Of queries that are equally near to one target the first is matched.
    chosen = np.sort(mutual[np.unique(targets[mutual], return_index=True)[1]])
    matches = Matches(chosen, targets[chosen], found.best.float().cpu().numpy()[chosen])
    return DistinctMatches(matches, is_distinct.cpu().numpy()[chosen])


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


def _nearest(query: torch.Tensor, target: torch.Tensor, twins: torch.Tensor | None, *, with_second: bool) -> _Nearest:
    """Go through the queries block by block."""
    entries = min(CPU_BLOCK_ENTRIES, BLOCK_ENTRIES) if query.device.type == "cpu" else BLOCK_ENTRIES
    rows = max(1, entries // len(target))
    best_of_target = query.new_full((len(target),), -math.inf)
    parts = []
    for start in range(0, len(query), rows):
        similarity = query[start : start + rows] @ target.T
        torch.maximum(best_of_target, similarity.amax(dim=0), out=best_of_target)
        parts.append(_best_of_rows(similarity, twins, with_second=with_second))
    nearest, highest, second = (torch.cat(column) for column in zip(*parts, strict=True))
    return _Nearest(nearest, highest, second, best_of_target)


def _twins(points: NDArray[np.int64] | None, device: torch.device) -> torch.Tensor | None:
    """Return (M, K) for each target all targets of its point, itself repeated to fill; None where all are alone."""
    if points is None or len(points) == 0:
        return None
    _, starts, counts = np.unique(points, return_index=True, return_counts=True)
    most = int(counts.max())
    if most == 1:
        return None
    steps = np.minimum(np.arange(most), (counts - 1)[:, None])
    return torch.as_tensor(np.repeat(starts[:, None] + steps, counts, axis=0), device=device)


def _best_of_rows(
    similarity: torch.Tensor, twins: torch.Tensor | None, *, with_second: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the index of the highest of each row, the highest, and the second highest (-inf when not requested).

    The second highest is of another point than the highest where targets have twins.

    The similarities are not usable afterwards.
    """
    if similarity.device.type == "cpu":
        index = torch.from_numpy(similarity.numpy().argmax(axis=1))  # three to six times as fast as that of torch
    else:
        index = similarity.argmax(dim=1)
    best = similarity.gather(1, index[:, None])[:, 0]
    if not with_second or similarity.shape[1] == 1:
        return index, best, torch.full_like(best, -math.inf)
    same_point = index[:, None] if twins is None else twins[index]
    return index, best, similarity.scatter_(1, same_point, -math.inf).amax(dim=1)


def _distance(similarity: torch.Tensor) -> torch.Tensor:
    """Euclidean distance of unit vectors with this cosine."""
    return (2 - 2 * similarity.float()).clamp_min(0).sqrt()
