# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""On what keypoints lie: on classes that last, or on what is gone tomorrow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.evaluation.scene_truth import ClassTruth

_SHOWN = 10
# What the network's stability head says, where no labels are: (name, least stability, stable).
_LEVELS = (
    ("long-term (network)", 0.75, True),
    ("short-term (network)", 0.3, False),
    ("unstable (network)", 0.0, False),
)


@dataclass(frozen=True)
class ClassShare:
    """Which fraction of the keypoints lies on one class.

    Attributes:
        name: of the class.
        is_stable: whether things of that class last.
        fraction: of all keypoints, in [0, 1].
    """

    name: str
    is_stable: bool
    fraction: float


def read_labels(scene: Path, name: str) -> NDArray[np.uint8] | None:
    """Return the (H, W) uint8 classes of an image of a scene, or None where the scene has none of it."""
    path = scene / "labels" / PurePosixPath(name).with_suffix(".png")
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    return labels if labels is not None and labels.ndim == 2 and labels.dtype == np.uint8 else None


def share_by_class(
    images: Iterable[tuple[Features, NDArray[np.uint8] | None]], classes: Mapping[int, ClassTruth]
) -> list[ClassShare]:
    """Count the keypoints of images by class.

    Args:
        images: features with the (H, W) labels of their image; where one has none, the stability that the network
            predicts stands for the class.
        classes: by label number.

    Returns:
        Shares, the largest first; the smallest ones joined, lasting and passing apart. Empty without keypoints.
    """
    counts: Counter[tuple[str, bool]] = Counter()
    for features, labels in images:
        if labels is None or labels.shape != features.image_size:
            counts.update(_level(float(value)) for value in features.stability)
            continue
        height, width = labels.shape
        columns, rows = np.rint(features.keypoints.T).astype(np.int64)
        found = labels[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
        for number, count in zip(*(each.tolist() for each in np.unique(found, return_counts=True)), strict=True):
            known = classes.get(number)
            key = (f"class {number}", False) if known is None else (known.name, known.is_lasting)
            counts[key] += count
    return _largest(counts)


def stable_fraction(shares: Iterable[ClassShare]) -> float | None:
    """Return the fraction of keypoints on what lasts; None without keypoints."""
    shares = list(shares)
    return sum(share.fraction for share in shares if share.is_stable) if shares else None


def _level(stability: float) -> tuple[str, bool]:
    return next((name, is_stable) for name, least, is_stable in _LEVELS if stability >= least)


def _largest(counts: Counter[tuple[str, bool]]) -> list[ClassShare]:
    total = sum(counts.values())
    ranked = counts.most_common()
    shares = [ClassShare(name, is_stable, count / total) for (name, is_stable), count in ranked[:_SHOWN]]
    for is_stable, name in ((True, "others that last"), (False, "others that do not last")):
        rest = sum(count for key, count in ranked[_SHOWN:] if key[1] is is_stable)
        if rest:
            shares.append(ClassShare(name, is_stable, rest / total))
    return shares
