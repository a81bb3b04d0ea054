# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""LightGlue of the library kornia: matches the features of two images, with weights that the user provides.

Source: Lindenberger et al., "LightGlue: Local Feature Matching at Light Speed", ICCV 2023.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sfd2_lab.bench.peer_weights import library_for, load_into
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.types import Features, Matches
from sfd2_ros.features.device import choose_device

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MATCHED_METHODS = ("aliked", "disk", "superpoint", "xfeat")
"""Methods whose features it was trained for, and that the bench has."""

_INSTALL = "pip install 'kornia>=0.9'"
_COMPUTED = ("confidence_thresholds",)
# Published files count the attention layers apart; kornia's network has both kinds in each of its transformers.
_PUBLISHED_NAME = re.compile(r"^(?:matcher\.)?(self|cross)_attn\.(\d+)\.")


class LightGlueMatcher:
    """The network, ready to match.

    Args:
        network: kornia's, with weights, on its device.
        device: where that is.
    """

    def __init__(self, network: Any, device: torch.device) -> None:
        self._network, self._device = network, device

    def __call__(self, first: Features, second: Features) -> Matches:
        """Match the keypoints of two images; the similarity is the network's score in [0, 1]."""
        if not len(first) or not len(second):
            return Matches(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        with torch.inference_mode():
            found = self._network({"image0": self._picture(first), "image1": self._picture(second)})
        pairs: NDArray[np.int64] = found["matches"][0].cpu().numpy().astype(np.int64).reshape(-1, 2)
        return Matches(pairs[:, 0], pairs[:, 1], found["scores"][0].float().cpu().numpy())

    def _picture(self, features: Features) -> dict[str, torch.Tensor]:
        height, width = features.image_size
        parts = {
            "keypoints": features.keypoints,
            "descriptors": features.descriptors,
            "image_size": np.array([width, height], np.float32),
        }
        return {
            name: torch.from_numpy(np.ascontiguousarray(part))[None].to(self._device) for name, part in parts.items()
        }


def load_lightglue(method: str, path: Path, device: str) -> LightGlueMatcher:
    """Load the LightGlue that was trained for a method's features.

    Args:
        method: one of `MATCHED_METHODS`.
        path: its weights, as they were published or as kornia names them.
        device: where it runs.

    Raises:
        ConfigError: LightGlue was not trained for the method, or the device's name is not allowed.
        PeerMissingError: kornia is not installed.
        WeightsError: the file is missing, damaged or of something else.
    """
    if method not in MATCHED_METHODS:
        raise ConfigError(f"LightGlue has no form for {method!r}; allowed: {', '.join(MATCHED_METHODS)}")
    kornia = library_for("lightglue", "kornia.feature", _INSTALL)
    settings = {name: value for name, value in kornia.LightGlue.features[method].items() if name != "weights"}
    network = kornia.LightGlue(None, **settings)
    load_into(network, path, f"{method}+lightglue", computed=_COMPUTED, renamed=_kornia_name)
    where = choose_device(device)
    return LightGlueMatcher(network.eval().requires_grad_(requires_grad=False).to(where), where)


def _kornia_name(name: str) -> str:
    """Return what kornia calls an entry of a published file."""
    return _PUBLISHED_NAME.sub(r"transformers.\2.\1_attn.", name.removeprefix("matcher."))
