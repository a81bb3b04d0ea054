# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images in, features out."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.core.config import check_config, setting
from sfd2_ros.core.errors import ConfigError, ImageError
from sfd2_ros.core.types import Features
from sfd2_ros.features import keypoints as kp
from sfd2_ros.features.device import PRECISIONS, choose_device
from sfd2_ros.features.inference import fold_norms
from sfd2_ros.features.network import CELL_PX
from sfd2_ros.features.runners import BACKENDS, make_runner, precision_of
from sfd2_ros.features.semantics import load_stability_table
from sfd2_ros.features.turn import TURNS_DEG, turn_back, turn_upright
from sfd2_ros.features.weights import Weights, build_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from typing_extensions import Self

    from sfd2_ros.features.network import NetworkOutput
    from sfd2_ros.features.precision import PrecisionCache


@dataclass(frozen=True)
class ExtractorConfig:
    """Settings of the extractor."""

    max_keypoints: int = setting(2048, "Most keypoints that are kept of an image.", minimum=1, maximum=65536)
    max_side_px: int = setting(
        1600, "Images with a longer side are reduced to this, pixels; smaller ones stay as they are.", minimum=16
    )
    score_threshold: float = setting(
        0.001, "Keypoints need a score (probability times stability) above this.", minimum=0.0, maximum=1.0
    )
    nms_radius_px: int = setting(
        3, "Of keypoints within this distance along x and y only the strongest is kept, pixels.", minimum=0, maximum=64
    )
    border_px: int = setting(4, "Keypoints closer to the image's edge are dropped, pixels.", minimum=0, maximum=256)
    refinement: str = setting(
        "quadratic",
        "Subpixel position of a keypoint: quadratic fits a parabola to the scores; none keeps whole pixels.",
        choices=("none", "quadratic"),
    )
    precision: str = setting(
        "auto",
        "Number format of the network; auto: float16 on CUDA, on a CPU the faster one of float32 and bfloat16, "
        "measured at start.",
        choices=("auto", *PRECISIONS),
    )
    backend: str = setting(
        "auto",
        "Library that runs the network; auto: torch. onnxruntime and tensorrt (on CUDA) are optional libraries.",
        choices=BACKENDS,
    )
    use_stability: bool = setting(True, "Multiply the score by the stability before keypoints are chosen.")
    stability_power: float = setting(
        2.0,
        "Power of the stability in the score. The paper has 1; larger values prefer stable keypoints.",
        minimum=0.0,
        maximum=8.0,
    )
    rotate_deg: int = setting(
        0,
        "Images are rotated clockwise by this before extraction, degrees; keypoints refer to the image as received.",
        choices=TURNS_DEG,
    )


class Extractor:
    """Extracts features; holds the network on one device. One caller at a time.

    Args:
        weights: of the network.
        device: "cpu", "cuda", "cuda:1", ... or "auto".
        config: settings; None for the defaults.
        cache: where it is kept which precision is fastest here; None: measured once in each process.

    Raises:
        ConfigError: a setting or the device's name is not allowed.
        DependencyError: the device or the library of the backend is not there.
    """

    def __init__(
        self,
        weights: Weights,
        device: str = "cpu",
        config: ExtractorConfig | None = None,
        *,
        cache: PrecisionCache | None = None,
    ) -> None:
        self.config = ExtractorConfig() if config is None else config
        check_config(self.config)
        self.device = choose_device(device)
        self._cache = cache
        self.precision = precision_of(self.config, self.device, cache)
        self.weights_id = weights.weights_id
        self.dimension = weights.dimension
        self._class_values = load_stability_table().class_values
        network = fold_norms(build_network(weights))
        self.runner = make_runner(network, self.config.backend, self.device, self.precision.dtype)
        _choose_vector_math()

    def with_config(self, config: ExtractorConfig) -> Extractor:
        """Return an extractor with other settings and the same network; this one keeps its own.

        Raises:
            ConfigError: a setting is not allowed, or the backend is another one.
        """
        check_config(config)
        other = self._copy_with(config)
        other.precision = precision_of(config, self.device, self._cache)
        other.runner = self.runner.with_dtype(other.precision.dtype)
        return other

    def _copy_with(self, config: ExtractorConfig) -> Self:
        """Return a copy with other settings, which were checked; the backend must stay."""
        if config.backend != self.config.backend:
            raise ConfigError(
                f"backend {config.backend!r} is not that of this extractor, {self.config.backend!r}; make another one"
            )
        other = copy.copy(self)
        other.config = config
        return other

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Extract the features of one image, (H, W, 3) uint8 RGB or (H, W) uint8 gray.

        Raises:
            ImageError: another shape or type, or an image without pixels.
        """
        return self.extract_batch([image])[0]

    def extract_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[Features]:
        """Extract the features of images of one size, in one pass of the network.

        Args:
            images: each (H, W, 3) uint8 RGB or (H, W) uint8 gray, all of one height and width.

        Returns:
            Features of each image, in pixels of the image as it is given, also where `rotate_deg` turns it.

        Raises:
            ImageError: another shape or type, an image without pixels, or images of different sizes.
        """
        if not images:
            return []
        with torch.inference_mode():
            angle = self.config.rotate_deg
            batch = torch.stack([self._to_device(turn_upright(image, angle)) for image in _checked(images)])
            size = (int(batch.shape[-2]), int(batch.shape[-1]))
            resized = _reduce(batch, self.config.max_side_px)
            found = self._features_of(resized, size)
        return found if angle == 0 else [_turned_back(one, angle) for one in found]

    def _to_device(self, image: NDArray[np.uint8]) -> torch.Tensor:
        """Return (3, H, W) float32 in [0, 1]."""
        pixels = torch.tensor(np.ascontiguousarray(image), device=self.device)
        pixels = pixels.expand(3, *pixels.shape) if pixels.ndim == 2 else pixels.permute(2, 0, 1)
        return pixels.float() / 255

    def _run_network(self, images: torch.Tensor) -> NetworkOutput:
        """Run the network on images padded to whole cells."""
        height, width = images.shape[-2:]
        return self.runner(F.pad(images, (0, -width % CELL_PX, 0, -height % CELL_PX), mode="replicate"))

    def stability_of(self, images: torch.Tensor) -> torch.Tensor:
        """Return the stability (B, H, W) of the pixels of images (B, 3, H, W) in [0, 1], on this device."""
        height, width = images.shape[-2:]
        logits = self._run_network(images).stability_logits
        return kp.stability_value(logits, self._class_values)[:, :height, :width]

    def _features_of(self, images: torch.Tensor, size: tuple[int, int]) -> list[Features]:
        height, width = images.shape[-2:]
        output = self._run_network(images)
        stability = kp.stability_value(output.stability_logits, self._class_values)[:, :height, :width]
        scores = kp.detection_probability(output.detection_logits)[:, :height, :width]
        scores, chosen = self._chosen(images, scores, stability)
        return [
            self._assemble(whole, scores[i], stability[i], output.descriptors[i], size)
            for i, whole in enumerate(chosen)
        ]

    def _chosen(
        self, images: torch.Tensor, scores: torch.Tensor, stability: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Choose keypoints.

        Args:
            images: (B, 3, H, W).
            scores: (B, H, W) of the detector.
            stability: (B, H, W).

        Returns:
            (B, H, W) scores, weighted by stability with `use_stability`, and the pixels (N, 2) of each image.
        """
        config = self.config
        if config.use_stability:
            scores = scores * stability**config.stability_power
        chosen = kp.select_keypoints(
            scores,
            threshold=config.score_threshold,
            radius_px=config.nms_radius_px,
            border_px=config.border_px,
            maximum=config.max_keypoints,
        )
        return scores, [whole[kp.shows_something(images[i], whole)] for i, whole in enumerate(chosen)]

    def _assemble(
        self,
        whole: torch.Tensor,
        scores: torch.Tensor,
        stability: torch.Tensor,
        descriptors: torch.Tensor,
        size: tuple[int, int],
    ) -> Features:
        """Turn the chosen pixels (N, 2) of one image into features in pixels of the image as it was given."""
        refine = self.config.refinement == "quadratic"
        keypoints = kp.refine_keypoints(scores, whole) if refine else whole.float()
        return self._finished(
            keypoints, whole, (scores, stability), kp.sample_descriptors(descriptors, keypoints), size
        )

    def _finished(
        self,
        keypoints: torch.Tensor,
        whole: torch.Tensor,
        maps: tuple[torch.Tensor, torch.Tensor],
        descriptors: torch.Tensor,
        size: tuple[int, int],
    ) -> Features:
        """Return features: keypoints (N, 2), their pixels (N, 2), score and stability (H, W), descriptors (N, D)."""
        scores, stability = maps
        scale = keypoints.new_tensor([size[1] / scores.shape[1], size[0] / scores.shape[0]])
        x, y = whole.unbind(dim=1)
        return Features(
            keypoints=((keypoints + 0.5) * scale - 0.5).cpu().numpy(),
            scores=scores[y, x].cpu().numpy(),
            stability=stability[y, x].cpu().numpy(),
            descriptors=descriptors.cpu().numpy(),
            image_size=size,
            weights_id=self.weights_id,
        )


def _turned_back(features: Features, rotate_deg: int) -> Features:
    """Return features of a turned image as those of the image as it was given."""
    height, width = features.image_size
    size = (height, width) if rotate_deg == 180 else (width, height)
    keypoints = turn_back(features.keypoints, rotate_deg, size)
    return dataclasses.replace(features, keypoints=keypoints, image_size=size)


def _choose_vector_math() -> None:
    """Take one exponential and one logarithm on one thread.

    MKL chooses its kernels when the first is taken. When several threads take it together some get another kernel, and
    the first image of a process differed in its last bits [measured: in 4 of 8 processes].
    """
    torch.zeros(64).exp().log()


def _checked(images: Sequence[NDArray[np.uint8]]) -> Sequence[NDArray[np.uint8]]:
    for image in images:
        colour = image.ndim == 3 and image.shape[2] == 3
        if image.dtype != np.uint8 or not (colour or image.ndim == 2):
            raise ImageError(
                f"image has shape {image.shape} and type {image.dtype}; (H, W, 3) RGB or (H, W) gray of uint8 is needed"
            )
        if image.size == 0:
            raise ImageError(f"image has shape {image.shape} and so no pixels; give an image of at least 1x1")
        if image.shape[:2] != images[0].shape[:2]:
            raise ImageError(
                f"a batch needs images of one size, got {image.shape[:2]} after {images[0].shape[:2]} (h, w); "
                "extract them one by one"
            )
    return images


def _reduce(images: torch.Tensor, max_side_px: int) -> torch.Tensor:
    """Reduce (B, 3, H, W) images whose longer side exceeds the limit; the corners of the image stay its corners."""
    height, width = images.shape[-2:]
    longer = max(height, width)
    if longer <= max_side_px:
        return images
    size = [max(1, round(side * max_side_px / longer)) for side in (height, width)]
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)
