# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keypoints of a landmark, moved so that its images agree there: a detector is exact to a pixel, images to a fifth.

Each observation of a landmark is moved to where the image looks like the one in the middle of its track, by the method
of Lucas and Kanade, forth and back.

Source: Lucas, Kanade, "An Iterative Image Registration Technique with an Application to Stereo Vision", IJCAI 1981;
OpenCV's implementation.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.match_images import PairMatches

    Image = NDArray[np.uint8]

_WINDOW_PX = 9
"""Of what is compared. On a rendered drive 9, 13, 17 and 21 leave 0.31, 0.34, 0.40 and 0.44 px of noise."""
_MOST_MOVED_PX, _MOST_MISSED_PX = 4.0, 0.5
"""Farther, another corner was found; the way back must end where it began."""
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.01)
"""Of Lucas and Kanade's iteration: a hundredth of a pixel is far below its noise."""
_IMAGES_IN_MEMORY = 64
"""Gray images; pairs are visited in order, so that few are read twice."""


@dataclass(frozen=True, eq=False)
class Refined:
    """Keypoints after the refinement.

    Attributes:
        features: of each image; keypoints that could not be refined are where they were.
        is_exact: (N,) of each image, which keypoints were refined, or are what others were compared with.
    """

    features: list[Features]
    is_exact: list[NDArray[np.bool_]]

    def exact_matches(self, matches: PairMatches, least: int) -> PairMatches:
        """Return the matches between exact keypoints; all matches of a pair that has fewer than `least` of them."""
        kept = {}
        for (i, j), rows in matches.items():
            both = self.is_exact[i][rows[:, 0]] & self.is_exact[j][rows[:, 1]]
            kept[i, j] = rows[both] if np.count_nonzero(both) >= least else rows
        return kept

    @property
    def fraction(self) -> float:
        """Which part of the keypoints is exact."""
        count = sum(len(one) for one in self.is_exact)
        return sum(int(np.count_nonzero(one)) for one in self.is_exact) / max(count, 1)


def refined_keypoints(model: Any, features: Sequence[Features], image: Callable[[int], Image]) -> Refined:
    """Refine the keypoints of a model's landmarks.

    Args:
        model: a pycolmap.Reconstruction whose image ids are the indices of `features` plus one.
        features: of each image; keypoints are pixels of the images.
        image: returns the (H, W, 3) uint8 RGB image of an index.
    """
    gray = lru_cache(_IMAGES_IN_MEMORY)(lambda index: cv2.cvtColor(image(index), cv2.COLOR_RGB2GRAY))
    keypoints = [one.keypoints.copy() for one in features]
    is_exact = [np.zeros(len(one.keypoints), bool) for one in features]
    for (i, j), rows in sorted(_compared(model).items()):
        middle, other = (np.array(column) for column in zip(*rows, strict=True))
        start, guess = features[i].keypoints[middle], features[j].keypoints[other]
        found, back = _followed(gray(i), gray(j), start, guess)
        moved, missed = np.linalg.norm(found - guess, axis=1), np.linalg.norm(back - start, axis=1)
        agrees = (moved <= _MOST_MOVED_PX) & (missed <= _MOST_MISSED_PX)
        keypoints[j][other[agrees]] = found[agrees]
        is_exact[j][other[agrees]] = is_exact[i][middle[agrees]] = True
    moved_features = [replace(one, keypoints=own) for one, own in zip(features, keypoints, strict=True)]
    return Refined(moved_features, is_exact)


def _compared(model: Any) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return by pair of images the keypoints to compare: of each track the one in its middle, and another."""
    compared = defaultdict(list)
    for point in model.points3D.values():
        track = sorted((one.image_id - 1, one.point2D_idx) for one in point.track.elements)
        middle = track[len(track) // 2]
        for other in track:
            if other[0] != middle[0]:
                compared[middle[0], other[0]].append((middle[1], other[1]))
    return compared


def _followed(
    first: NDArray[np.uint8], second: NDArray[np.uint8], start: NDArray[np.float32], guess: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (N, 2) where points of the first image are in the second, and where these are in the first; or NaN."""
    options: dict[str, Any] = {
        "winSize": (_WINDOW_PX, _WINDOW_PX),
        "maxLevel": 0,
        "criteria": _CRITERIA,
        "flags": cv2.OPTFLOW_USE_INITIAL_FLOW,
    }
    begin, target = np.ascontiguousarray(start[:, None]), np.ascontiguousarray(guess[:, None])
    found, forth_ok, _ = cv2.calcOpticalFlowPyrLK(first, second, begin, target.copy(), **options)
    back, back_ok, _ = cv2.calcOpticalFlowPyrLK(second, first, found, begin.copy(), **options)
    lost = ~(forth_ok & back_ok).astype(bool)[:, 0]
    found, back = found[:, 0], back[:, 0]
    found[lost] = np.nan
    return found, back
