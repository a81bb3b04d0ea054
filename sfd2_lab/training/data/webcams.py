# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixed webcams: pairs are one place at two times, seen from where nothing moved but light, weather and season."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.training.data.geometry import WarpConfig, choose, companion, cut
from sfd2_lab.training.data.pairs import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from sfd2_lab.training.data.photographs import PhotographSource


class WebcamSource:
    """Pairs of two times of one camera.

    Args:
        cameras: the photographs of each camera, all of one size.
        warp: how far crops are apart.
    """

    def __init__(self, cameras: Sequence[PhotographSource], warp: WarpConfig) -> None:
        self._cameras = list(cameras)
        self._warp = warp

    def pair(self, generator: torch.Generator, crop_px: int) -> Pair:
        """Return crops of two photographs of one camera; corners of both times count where they agree on the place."""
        camera = self._cameras[choose(generator, len(self._cameras))]
        first, second = (camera.view(choose(generator, len(camera))) for _ in range(2))
        height, width = first.labels.shape
        place = cut(generator, (height, width), crop_px, self._warp)
        return Pair((first, second), (place, place @ companion(generator, crop_px, self._warp)))
