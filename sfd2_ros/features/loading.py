# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the extractor that a user names: a model, a file of weights, or both."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import WeightsError
from sfd2_ros.features import models
from sfd2_ros.features.aliked_extractor import AlikedExtractor
from sfd2_ros.features.aliked_network import load_aliked_network
from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.model_names import AUTO, OTHER_MODELS, RATE_HZ
from sfd2_ros.features.quantised import SUFFIX, QuantisedExtractor

if TYPE_CHECKING:
    from sfd2_ros.features.precision import PrecisionCache


def load_extractor(
    weights: str | Path | None = None,
    device: str = "cpu",
    max_keypoints: int | None = None,
    *,
    config: ExtractorConfig | None = None,
    model: str = "",
    rate_hz: float = RATE_HZ,
    cache: PrecisionCache | None = None,
) -> Extractor:
    """Load weights and make an extractor.

    Args:
        weights: a safetensors file, a published checkpoint, or a quantised model (.onnx); None for the weights that
            ship with the package.
        device: "cpu", "cuda", "cuda:1", ... or "auto": CUDA where it is, else the CPU.
        max_keypoints: most keypoints that are kept of an image; None for what `config` says (default 2048).
        config: all settings; None for the defaults.
        model: "sfd2", "sfd2-m", "sfd2-s", or one of `OTHER_MODELS` with its `weights`; "" for that of the weights;
            "auto" for the largest that ships and runs at `rate_hz`, which is timed here.
        rate_hz: images of 640x480 a second that "auto" wants.
        cache: where it is kept which precision is fastest here; None: measured once in each process.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit, or none ship for the model.
        ConfigError: a setting, the model or the device's name is not allowed.
        DependencyError: the device is not there.
    """
    config = ExtractorConfig() if config is None else config
    if max_keypoints is not None:
        config = dataclasses.replace(config, max_keypoints=max_keypoints)
    path = None if weights is None else Path(weights)
    if path is not None and path.suffix == SUFFIX:
        return QuantisedExtractor(path, device, config)
    if model in OTHER_MODELS:
        return _aliked_extractor(path, device, config, cache, with_stability=model.endswith("+stability"))
    if model == AUTO and path is None:
        makers = [
            lambda name=name: Extractor(models.weights_for(name, None), device, config, cache=cache)
            for name in models.SHIPPED
        ]
        return models.largest_fast_enough(makers, rate_hz, models.seconds_an_image)
    return Extractor(models.weights_for("" if model == AUTO else model, path), device, config, cache=cache)


def _aliked_extractor(
    weights: Path | None, device: str, config: ExtractorConfig, cache: PrecisionCache | None, *, with_stability: bool
) -> AlikedExtractor:
    """Load ALIKED-n16 and make an extractor; the weights must be named.

    Args:
        weights: `aliked-n16.pth`.
        device: "cpu", "cuda", "cuda:1", ... or "auto".
        config: settings.
        cache: as of `load_extractor`.
        with_stability: take the stability from the shipped SFD2 network; else it is 1 everywhere.

    Raises:
        WeightsError: no weights are named, or they are missing, damaged or of another network.
        ConfigError: a setting or the device's name is not allowed.
        DependencyError: kornia or the device is missing.
    """
    if weights is None:
        raise WeightsError(
            "model 'aliked-n16' ships no weights; name aliked-n16.pth of Shiaoming/ALIKED with --weights (parameter "
            "'weights')"
        )
    stability = load_extractor(device=device, config=config, cache=cache) if with_stability else None
    return AlikedExtractor(lambda place: load_aliked_network(weights, place), device, config, stability=stability)
