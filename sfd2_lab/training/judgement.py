# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of the model card: weights on photographs that no choice was made by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.training.data.photographs import read_labels
from sfd2_lab.training.validation import unstable_share
from sfd2_ros.core.errors import SceneError
from sfd2_ros.features.images import list_images, read_image
from sfd2_ros.matching.nearest import match_mutual

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.training.data.photographs import Photograph
    from sfd2_ros.features.extractor import Extractor


@dataclass(frozen=True)
class SemanticFigures:
    """Where keypoints lie on labelled photographs, means over them.

    Attributes:
        unstable: share of keypoints on what is volatile or moves.
        unstable_area: share of the labelled pixels that are.
        keypoints: number of keypoints.
    """

    unstable: float
    unstable_area: float
    keypoints: float


def judge_semantics(
    extractor: Extractor, photographs: Sequence[Photograph], classes_of_label: NDArray[np.uint8]
) -> SemanticFigures:
    """Return where the keypoints of labelled photographs lie.

    Args:
        extractor: its `max_keypoints` is how many of the strongest count.
        photographs: with labels.
        classes_of_label: (L,) uint8 stability class of each label number.
    """
    shares, areas, counts = [], [], []
    for photograph in photographs:
        image = read_image(photograph.image)
        labels = read_labels(photograph.labels, image.shape[:2]).numpy()
        classes = classes_of_label[labels]
        features = extractor(image)
        shares.append(unstable_share(features, classes))
        areas.append(float((classes == 0).sum() / max(1, (classes < len(classes_of_label)).sum())))
        counts.append(len(features))
    return SemanticFigures(float(np.nanmean(shares)), float(np.mean(areas)), float(np.mean(counts)))


def judge_webcam(extractor: Extractor, folder: Path, *, pairs: int, correct_px: float = 3.0) -> float:
    """Return the mean number of right matches between two times of a fixed camera, far apart.

    Args:
        extractor: its `max_keypoints` is how many keypoints an image has.
        folder: of the camera's photographs in order of time, all of one size.
        pairs: photograph i is matched with the one half of the folder later, for this many i, evenly spread.
        correct_px: matches this near to the same place are right.

    Raises:
        SceneError: fewer than two photographs.
        ImageError: a photograph cannot be read.
    """
    names = list_images(folder)
    half = len(names) // 2
    if half < 1:
        raise SceneError(f"webcam {str(folder)!r} has {len(names)} images; two are needed")
    counts = []
    for index in np.unique(np.linspace(0, half - 1, pairs).round().astype(int)):
        first, second = (extractor(read_image(folder / names[i])) for i in (index, index + half))
        matches = match_mutual(first.descriptors, second.descriptors)
        moved = first.keypoints[matches.query] - second.keypoints[matches.target]
        counts.append(int((np.linalg.norm(moved, axis=1) <= correct_px).sum()))
    return float(np.mean(counts))
