# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features within a time limit: images are reduced as far as this machine needs, measured while it runs.

A reduced image has as many keypoints for a pixel as before: with more of them fewer queries were localized
(docs/performance.md).

The time of the network grows with the number of pixels. The time for a pixel is the median of the last images, so one
image that had to wait changes nothing, and a processor that slows down when it is hot is noticed after some images.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.features.extractor import Extractor, ExtractorConfig

SCALES = (1.0, 0.8, 0.64, 0.5)
"""What the sides of an image are multiplied by. The smallest loses 4 of 30 queries of real places, and 0.4 lost 27
(docs/performance.md)."""
_SMALLEST_SIDE_PX = 16
"""What `extractor.max_side_px` allows."""
_REMEMBERED = 5
"""Images whose median counts: two slow ones in a row change nothing. Not tuned."""
_ROOM = 0.85
"""A larger scale is taken again when it needs less than this fraction of the limit, so the choice does not swing."""


@dataclasses.dataclass(frozen=True)
class BudgetChoice:
    """What was chosen for images of one size.

    Attributes:
        scale: of the image's sides, one of `SCALES`.
        expected_s: time that the features of an image need at this scale; NaN before the first image.
        fits: whether that is within the limit.
    """

    scale: float
    expected_s: float
    fits: bool

    def describe(self) -> str:
        """Return the choice as a clause."""
        text = f"sides times {self.scale:g}, {1000 * self.expected_s:.0f} ms"
        return text if self.fits else f"{text}, which is too long, and images are not reduced further"


class LatencyBudget:
    """Chooses a scale by the time that images needed.

    Args:
        limit_s: longest time for the features of an image, above 0.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._seconds_a_pixel: deque[float] = deque(maxlen=_REMEMBERED)
        self._scale = SCALES[0]

    def observe(self, pixels: float, seconds: float) -> None:
        """Add the time of an image.

        Args:
            pixels: that the network saw, above 0.
            seconds: for its features.
        """
        self._seconds_a_pixel.append(seconds / pixels)

    def choose(self, pixels: float) -> BudgetChoice:
        """Choose the scale for an image.

        Args:
            pixels: that the network sees at scale 1.
        """
        if not self._seconds_a_pixel:
            return BudgetChoice(self._scale, float("nan"), fits=True)
        cost = median(self._seconds_a_pixel) * pixels
        fitting = [scale for scale in SCALES if cost * scale**2 <= self.limit_s * self._share_for(scale)]
        self._scale = max(fitting, default=SCALES[-1])
        return BudgetChoice(self._scale, cost * self._scale**2, fits=bool(fitting))

    def _share_for(self, scale: float) -> float:
        return _ROOM if scale > self._scale else 1.0


class BudgetedExtraction:
    """Extracts features with images reduced so that a time limit is kept. One caller at a time.

    Args:
        limit_s: longest time for the features of an image, above 0.
        clock: returns seconds.
        on_change: called with a new choice and the image's size (height, width) in pixels.

    Attributes:
        choice: for the last image.
    """

    def __init__(
        self,
        limit_s: float,
        *,
        clock: Callable[[], float],
        on_change: Callable[[BudgetChoice, tuple[int, int]], None] = lambda _choice, _size: None,
    ) -> None:
        self._clock, self._on_change = clock, on_change
        self._budget = LatencyBudget(limit_s)
        self.choice = BudgetChoice(SCALES[0], float("nan"), fits=True)

    def __call__(self, extractor: Extractor, image: NDArray[np.uint8]) -> Features:
        """Extract the features of one image.

        Args:
            extractor: with the settings that apply without a limit.
            image: (H, W, 3) uint8 RGB or (H, W) uint8 gray.

        Returns:
            Features in pixels of the image as it is given.

        Raises:
            ImageError: another shape or type, or an image without pixels.
        """
        height, width = image.shape[:2]
        config = extractor.config
        side = min(max(height, width), config.max_side_px)
        pixels = height * width * (side / max(height, width, 1)) ** 2
        last, choice = self.choice, self._budget.choose(pixels)
        self.choice = choice
        if (choice.scale, choice.fits) != (last.scale, last.fits):
            self._on_change(choice, (height, width))
        if choice.scale < 1:
            extractor = extractor.with_config(_reduced(config, side, choice.scale))
        start = self._clock()
        features = extractor(image)
        self._budget.observe(pixels * choice.scale**2, self._clock() - start)
        return features


def _reduced(config: ExtractorConfig, side_px: int, scale: float) -> ExtractorConfig:
    """Return settings for an image with smaller sides: as many keypoints for a pixel as before."""
    return dataclasses.replace(
        config,
        max_side_px=max(_SMALLEST_SIDE_PX, round(side_px * scale)),
        max_keypoints=max(1, round(config.max_keypoints * scale**2)),
    )
