# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network as ONNX: alone, or with the decoding of keypoints inside."""

from __future__ import annotations

import importlib
import json
import math
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.core.errors import DependencyError
from sfd2_ros.features import keypoints as kp
from sfd2_ros.features.network import CELL_PX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfd2_ros.features.extractor import ExtractorConfig

OPSET = 17
"""Version of ONNX's operators: the first with all that are used, so that old runtimes read the file."""
_EXAMPLE_PX = 64
"""Side of the image that the network is traced with; the exported one takes any multiple of 8."""
_NETWORK_AXES = {
    "images": {0: "batch", 2: "height", 3: "width"},
    "detection_logits": {0: "batch", 2: "height_8", 3: "width_8"},
    "descriptors": {0: "batch", 2: "height_4", 3: "width_4"},
    "stability_logits": {0: "batch", 2: "height_4", 3: "width_4"},
}
_DECODED_AXES = {"images": {2: "height", 3: "width"}}


class _PlainOutputs(nn.Module):
    """The network with a tuple for its named outputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map (B, 3, H, W) to detection logits, descriptors and stability logits."""
        output = self.network(images)
        return output.detection_logits, output.descriptors, output.stability_logits


class DecodingNetwork(nn.Module):
    """The network and the choice of keypoints, of fixed number, for one image.

    Args:
        network: ready to be used.
        config: which keypoints are chosen.
        class_values: stability of each class.

    The outputs always have `max_keypoints` rows. Rows of score 0 are no keypoints: there were fewer, or those of one
    even colour were dropped. Of two equal maxima within the radius of the suppression both stay.
    """

    def __init__(self, network: nn.Module, config: ExtractorConfig, class_values: Sequence[float]) -> None:
        super().__init__()
        self.network, self._config, self._values = network, config, list(class_values)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map (1, 3, H, W) to keypoints (K, 2), scores (K,), stability (K,) and descriptors (K, D)."""
        config, output = self._config, self.network(images)
        stability = kp.stability_value(output.stability_logits, self._values)
        scores = _probability(output.detection_logits)
        scores = scores * stability**config.stability_power if config.use_stability else scores
        width = scores.shape[2]
        best, index = self._candidates(scores).flatten().topk(config.max_keypoints)
        whole = torch.stack([index % width, index // width], dim=1)
        best = best * _shows_something(images, whole)
        refined = kp.refine_keypoints(scores[0], whole) if config.refinement == "quadratic" else whole.float()
        descriptors = kp.sample_descriptors(output.descriptors[0], refined)
        return refined, best, stability.flatten()[index], descriptors

    def _candidates(self, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores (1, H, W) of local maxima above the threshold and off the border, 0 elsewhere."""
        config = self._config
        size = 2 * config.nms_radius_px + 1
        peaks = scores == F.max_pool2d(scores[:, None], size, 1, config.nms_radius_px)[:, 0]
        peaks = peaks & (scores > config.score_threshold)
        border = config.border_px
        inside = torch.ones_like(scores[:, border : scores.shape[1] - border, border : scores.shape[2] - border])
        return scores * peaks * F.pad(inside, (border, border, border, border))


def _probability(logits: torch.Tensor) -> torch.Tensor:
    """Return what `keypoints.detection_probability` does, by operators of ONNX: (B, 65, h, w) to (B, 8h, 8w)."""
    nothing = torch.full_like(logits[:, :1], math.log(kp.DUSTBIN_EPSILON))
    return F.pixel_shuffle(torch.cat([logits, nothing], dim=1).softmax(dim=1)[:, : CELL_PX**2], CELL_PX)[:, 0]


def _shows_something(images: torch.Tensor, keypoints: torch.Tensor) -> torch.Tensor:
    """Return what `keypoints.shows_something` does, for images of any size in an exported network.

    Args:
        images: (1, C, H, W).
        keypoints: (N, 2) int64, x and y.
    """
    reach = kp.REACH_OF_CONTRAST_PX
    padded = F.pad(images, (reach, reach, reach, reach), mode="replicate")[0]
    around = torch.arange(2 * reach + 1, device=images.device)
    x, y = keypoints.unbind(dim=1)
    patches = padded[:, (y[:, None] + around)[:, :, None], (x[:, None] + around)[:, None, :]].flatten(2)
    return ((patches.amax(dim=2) - patches.amin(dim=2)) > kp.LEAST_CONTRAST).any(dim=0)


def network_as_onnx(network: nn.Module, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the network as an ONNX model.

    Args:
        network: from `fold_norms`, on the CPU. Input `images` (B, 3, H, W) float32 RGB in [0, 1], H and W multiples of
            8; outputs as of `NetworkOutput`, by name.
        metadata: kept in the model.

    Raises:
        DependencyError: the library onnx is not installed.
    """
    outputs = ("detection_logits", "descriptors", "stability_logits")
    return _exported(_PlainOutputs(network), _EXAMPLE_PX, outputs, _NETWORK_AXES, metadata or {})


def decoding_as_onnx(
    network: nn.Module, config: ExtractorConfig, class_values: Sequence[float], metadata: Mapping[str, str]
) -> bytes:
    """Return the network with the decoding of keypoints inside, as an ONNX model; see `DecodingNetwork`.

    Raises:
        DependencyError: the library onnx is not installed.
    """
    # The example must have as many pixels as keypoints are chosen.
    cells = max(_EXAMPLE_PX, int(config.max_keypoints**0.5) + CELL_PX) // CELL_PX
    outputs = ("keypoints", "scores", "stability", "descriptors")
    decoding = DecodingNetwork(network, config, class_values)
    return _exported(decoding, CELL_PX * cells, outputs, _DECODED_AXES, metadata)


def _exported(
    module: nn.Module,
    side_px: int,
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
    metadata: Mapping[str, str],
) -> bytes:
    try:
        importlib.import_module("onnx")
    except ImportError as err:
        raise DependencyError(
            "exporting to ONNX needs the library onnx: pip install 'onnx>=1.16' 'onnxruntime>=1.18'"
        ) from err
    example = torch.rand((1, 3, side_px, side_px), generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        # The tracer warns of every shape that becomes a number; the tests run other sizes.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (example,),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=list(outputs),
            dynamic_axes={name: dict(named) for name, named in axes.items()},
        )
        exported = path.read_bytes()
    return with_metadata(exported, metadata)


def with_metadata(exported: bytes, metadata: Mapping[str, object]) -> bytes:
    """Return an ONNX model with other metadata."""
    onnx = importlib.import_module("onnx")
    model = onnx.load_from_string(exported)
    onnx.helper.set_model_props(model, {name: _as_text(value) for name, value in metadata.items()})
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
