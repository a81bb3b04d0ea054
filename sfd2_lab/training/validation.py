# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the weights are worth, by the extractor that will use them: repeatability, matching, semantics, localization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.training.data.pairs import collate, locate
from sfd2_lab.training.data.sources import step_generator
from sfd2_lab.training.data.view_source import ViewSource
from sfd2_lab.training.small_localization import localization_recall
from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.semantics import NOT_LABELLED
from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sfd2_lab.training.config import ValidationConfig
    from sfd2_lab.training.data.pairs import Pair, PairSource
    from sfd2_ros.core.types import Features
    from sfd2_ros.features.weights import Weights

_UNSTABLE = 0  # class of the stability head


@dataclass(frozen=True)
class PairScore:
    """Figures of one pair.

    Attributes:
        repeatability: share of the first crop's keypoints seen in the second that are keypoints there; NaN if none.
        matching: share of them that are matched rightly; NaN if none.
        correct: right matches.
        precision: share of right ones among matches whose truth is known; NaN if none.
        unstable: share of keypoints on what is volatile or moves, among labelled ones; NaN if none.
    """

    repeatability: float
    matching: float
    correct: int
    precision: float
    unstable: float


def validate(
    weights: Weights,
    sources: Mapping[str, PairSource],
    config: ValidationConfig,
    device: str,
    *,
    use_stability: bool = True,
) -> dict[str, float]:
    """Return the figures of each source, by "source/figure".

    Args:
        weights: to judge.
        sources: of pairs that are not trained on, by name.
        config: how many pairs of which size.
        device: where the extractor runs.
        use_stability: whether scores are multiplied by the stability; no when its head was not trained.
    """
    settings = ExtractorConfig(max_keypoints=config.keypoints, use_stability=use_stability)
    extractor = Extractor(weights, device, settings)
    figures: dict[str, float] = {}
    for name, source in sources.items():
        generator = step_generator(0, 0, 0, purpose=9)
        scores = [score_pair(source.pair(generator, config.crop_px), extractor, config) for _ in range(config.pairs)]
        for figure in ("repeatability", "matching", "correct", "precision", "unstable"):
            values = np.array([getattr(score, figure) for score in scores], dtype=np.float64)
            figures[f"{name}/{figure}"] = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
        if isinstance(source, ViewSource):
            figures[f"{name}/localized"] = localization_recall(extractor, source, count=config.pairs)
    return figures


def overall(figures: Mapping[str, float]) -> float:
    """Return one number to choose weights by: mean matching score less mean unstable share."""
    matching = [value for name, value in figures.items() if name.endswith("/matching")]
    unstable = [value for name, value in figures.items() if name.endswith("/unstable")]
    return _mean(matching) - _mean(unstable)


def score_pair(pair: Pair, extractor: Extractor, config: ValidationConfig) -> PairScore:
    """Extract and match both crops of a pair and compare with the truth."""
    batch = collate([pair], config.crop_px, torch.device("cpu"))
    images = (batch.images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    first, second = extractor.extract_batch(list(images))
    target, seen = locate(pair, torch.from_numpy(first.keypoints).double(), config.crop_px)
    truth, is_seen = target.numpy(), seen.numpy()
    near = _distances(truth[is_seen], second.keypoints) <= config.correct_px
    matches = match_mutual(first.descriptors, second.descriptors)
    known = is_seen[matches.query]
    away = np.linalg.norm(truth[matches.query] - second.keypoints[matches.target], axis=1)
    correct = int((known & (away <= config.correct_px)).sum())
    shares = [unstable_share(one, batch.classes[side].numpy()) for side, one in enumerate((first, second))]
    return PairScore(
        repeatability=_ratio(int(near.any(1).sum()) if near.size else 0, int(is_seen.sum())),
        matching=_ratio(correct, int(is_seen.sum())),
        correct=correct,
        precision=_ratio(correct, int(known.sum())),
        unstable=_mean([share for share in shares if np.isfinite(share)])
        if np.isfinite(shares).any()
        else float("nan"),
    )


def unstable_share(features: Features, classes: NDArray[np.uint8]) -> float:
    """Return the share of keypoints on volatile or dynamic pixels among those on labelled ones; NaN without any.

    Args:
        features: of an image.
        classes: (h, w) stability classes of its pixels, or NOT_LABELLED.
    """
    x, y = np.rint(features.keypoints).astype(np.int64).T
    found = classes[y.clip(0, classes.shape[0] - 1), x.clip(0, classes.shape[1] - 1)]
    return _ratio(int((found == _UNSTABLE).sum()), int((found != NOT_LABELLED).sum()))


def _distances(first: NDArray[np.float64], second: NDArray[np.float32]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.linalg.norm(first[:, None] - second[None], axis=2)
    return distances


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else 0.0
