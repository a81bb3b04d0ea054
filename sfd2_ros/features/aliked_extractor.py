# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ALIKED-n16 in the place of SFD2: the same settings and output, for maps, commands and nodes.

Scores and descriptors are ALIKED's. The stability is 1 everywhere, or that of an SFD2 network that looks at the same
image; it weights the scores as for SFD2. Suppression, threshold and sub-pixel refinement are those of SFD2, so that
both networks are compared with everything else equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sfd2_ros.core.config import check_config
from sfd2_ros.core.errors import ImageError
from sfd2_ros.features import keypoints as kp
from sfd2_ros.features.aliked_network import ALIKED_DIMENSION, AlikedNetwork
from sfd2_ros.features.device import choose_device
from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.precision import Precision

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_ros.core.types import Features

SMALLEST_PX = 32
"""Shortest side of an image: ALIKED's coarsest features have 32 pixels."""


class AlikedExtractor(Extractor):
    """Extracts ALIKED-n16 features; one caller at a time.

    Args:
        load: returns the network on a device.
        device: "cpu", "cuda", "cuda:1", ... or "auto".
        config: settings; None for the defaults. `precision` is always float32.
        stability: an extractor of SFD2 on the same device that the stability is taken from; None: 1 everywhere.

    Raises:
        ConfigError: a setting or the device's name is not allowed.
        DependencyError: the device is not there.
    """

    def __init__(
        self,
        load: Callable[[torch.device], AlikedNetwork],
        device: str = "cpu",
        config: ExtractorConfig | None = None,
        *,
        stability: Extractor | None = None,
    ) -> None:
        self.config = ExtractorConfig() if config is None else config
        check_config(self.config)
        self.device = choose_device(device)
        self.precision, self.dimension = Precision(torch.float32, "ALIKED"), ALIKED_DIMENSION
        self._aliked, self._semantics = load(self.device), stability
        suffix = "" if stability is None else f"+{stability.weights_id}"
        self.weights_id = f"{self._aliked.weights_id}{suffix}"

    def with_config(self, config: ExtractorConfig) -> AlikedExtractor:
        """Return an extractor with other settings and the same network; this one keeps its own.

        Raises:
            ConfigError: a setting is not allowed.
        """
        semantics = None if self._semantics is None else self._semantics.with_config(config)
        return AlikedExtractor(lambda _device: self._aliked, str(self.device), config, stability=semantics)

    def _features_of(self, images: torch.Tensor, size: tuple[int, int]) -> list[Features]:
        if min(images.shape[-2:]) < SMALLEST_PX:
            raise ImageError(f"image is {size} (h, w); ALIKED needs at least {SMALLEST_PX} pixels a side")
        maps, scores = self._aliked.dense(images)
        stability = torch.ones_like(scores) if self._semantics is None else self._semantics.stability_of(images)
        scores, chosen = self._chosen(images, scores, stability)
        return [
            self._described(whole, (scores[i], stability[i]), maps[i][None], size) for i, whole in enumerate(chosen)
        ]

    def _described(
        self,
        whole: torch.Tensor,
        maps: tuple[torch.Tensor, torch.Tensor],
        features: torch.Tensor,
        size: tuple[int, int],
    ) -> Features:
        """Turn the chosen pixels (N, 2) of one image into features in pixels of the image as it was given."""
        keypoints = kp.refine_keypoints(maps[0], whole) if self.config.refinement == "quadratic" else whole.float()
        none = features.new_zeros(0, self.dimension)
        descriptors = self._aliked.describe(features, [keypoints])[0] if len(whole) else none
        return self._finished(keypoints, whole, maps, descriptors, size)
