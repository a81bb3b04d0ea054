# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Segmentation networks of the library transformers (SegFormer, UperNet with ConvNeXt, ...) as teachers.

The library is optional: `pip install transformers`. Weights are read as safetensors only, nothing in them is executed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.core.errors import DependencyError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEP_PX = 32
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class TransformersTeacher(nn.Module):
    """A segmentation network with the calls that a teacher has.

    Args:
        model: of transformers' AutoModelForSemanticSegmentation.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1), persistent=False)

    @torch.no_grad()
    def label(self, images: torch.Tensor) -> torch.Tensor:
        """Return the likeliest class (B, H, W) uint8 of (B, 3, H, W) images in [0, 1] of any size."""
        logits = self.model(pixel_values=self._prepared(images)).logits
        size = (int(images.shape[2]), int(images.shape[3]))
        fine = F.interpolate(logits.float(), size=size, mode="bilinear", align_corners=False)
        return fine.argmax(1).to(torch.uint8)

    @torch.no_grad()
    def encoder_features(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return all hidden maps of the encoder, finest first, each (B, C, h, w)."""
        answer = self.model(pixel_values=self._prepared(images), output_hidden_states=True)
        return [state for state in answer.hidden_states if state.ndim == 4]

    def class_names(self) -> list[str]:
        """Return the names of the classes in the order of their numbers."""
        names = self.model.config.id2label
        return [str(names[index]) for index in range(len(names))]

    def _prepared(self, images: torch.Tensor) -> torch.Tensor:
        whole = [-(-int(side) // _STEP_PX) * _STEP_PX for side in images.shape[2:]]
        resized = F.interpolate(images, size=(whole[0], whole[1]), mode="bilinear", align_corners=False)
        return (resized - self.mean) / self.deviation


def load_transformers_teacher(source: str) -> TransformersTeacher:
    """Load a segmentation network.

    Args:
        source: a folder that `save_pretrained` wrote, or a name on the hub, such as
            "nvidia/segformer-b2-finetuned-ade-512-512" or "openmmlab/upernet-convnext-base".

    Raises:
        DependencyError: transformers is not installed.
        WeightsError: the network is not there, cannot be reached, or has no safetensors.
    """
    try:
        library = importlib.import_module("transformers")
    except ImportError as err:
        raise DependencyError("this teacher needs the library transformers; pip install transformers") from err
    try:
        model = library.AutoModelForSemanticSegmentation.from_pretrained(source, use_safetensors=True)
    except (OSError, ValueError, KeyError, RuntimeError) as err:
        raise WeightsError(
            f"segmentation network {source!r} cannot be loaded: {str(err).splitlines()[0]}; "
            "name a folder of save_pretrained, or one on the hub that can be reached"
        ) from err
    return TransformersTeacher(model)
