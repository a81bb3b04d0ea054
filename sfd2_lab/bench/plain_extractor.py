# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The same network and the same keypoints, written plainly: what the speed of our extractor is compared with.

Eager float32, batch normalisations as layers, whole-image maxima by pooling, as research code of local features does.
Keypoints are whole pixels; nothing is dropped or refined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.core.types import Features
from sfd2_ros.features.device import choose_device
from sfd2_ros.features.network import CELL_PX
from sfd2_ros.features.semantics import load_stability_table
from sfd2_ros.features.weights import build_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.features.extractor import ExtractorConfig
    from sfd2_ros.features.weights import Weights


class PlainExtractor:
    """Extracts features without anything that makes it fast.

    Args:
        weights: of the network.
        device: where it runs.
        config: budget, radius, threshold and border are taken from it.
    """

    def __init__(self, weights: Weights, device: str, config: ExtractorConfig) -> None:
        self.device, self._config = choose_device(device), config
        self._network = build_network(weights).to(self.device)
        self._values = load_stability_table().class_values
        self._weights_id = weights.weights_id

    def extract_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[Features]:
        """Extract features of (H, W, 3) uint8 RGB images of one size, H and W multiples of 8."""
        with torch.inference_mode():
            batch = torch.stack([torch.from_numpy(image).permute(2, 0, 1) for image in images])
            batch = batch.to(self.device).float() / 255
            output = self._network(batch)
            exponentials = output.detection_logits.exp()
            probability = exponentials / (exponentials.sum(dim=1, keepdim=True) + 1e-5)
            scores = F.pixel_shuffle(probability[:, :-1], CELL_PX)[:, 0]
            classes = F.interpolate(output.stability_logits, size=scores.shape[1:], mode="bilinear").argmax(dim=1)
            stability = scores.new_tensor(self._values)[classes]
            scores = scores * stability**self._config.stability_power
            return [
                self._features(scores[i], stability[i], output.descriptors[i], images[i]) for i in range(len(images))
            ]

    def _features(
        self, scores: torch.Tensor, stability: torch.Tensor, descriptors: torch.Tensor, image: NDArray[np.uint8]
    ) -> Features:
        config, border = self._config, self._config.border_px
        size = 2 * config.nms_radius_px + 1
        highest = F.max_pool2d(scores[None], size, 1, config.nms_radius_px)[0]
        y, x = torch.nonzero((scores == highest) & (scores > config.score_threshold), as_tuple=True)
        height, width = scores.shape
        inside = (x >= border) & (y >= border) & (x < width - border) & (y < height - border)
        x, y = x[inside], y[inside]
        order = scores[y, x].argsort(descending=True)[: config.max_keypoints]
        x, y = x[order], y[order]
        places = torch.stack([x, y], dim=1).float()
        grid = (2 * places + 1) / places.new_tensor([width, height]) - 1
        sampled = F.grid_sample(descriptors[None], grid[None, None], align_corners=False)[0, :, 0].T
        return Features(
            keypoints=places.cpu().numpy(),
            scores=scores[y, x].cpu().numpy(),
            stability=stability[y, x].cpu().numpy(),
            descriptors=F.normalize(sampled, dim=1).cpu().numpy(),
            image_size=image.shape[:2],
            weights_id=self._weights_id,
        )
