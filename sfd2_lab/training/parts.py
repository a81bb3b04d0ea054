# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training of some heads alone, on features of the frozen trunk that are kept on disk.

Nine tenths of a step's time go into the trunk and the descriptor head. Where only the detector is to learn, both stay
as they are: the trunk runs once for each of a bank of batches, and every further step on a batch costs the heads alone.
Norms keep their statistics, so that the average of few crops does not move them.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sfd2_lab.training.data.pairs import PairBatch
from sfd2_ros.core.errors import ConfigError, SceneError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.features.network import RawOutput, Sfd2Network

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_ros.features.network import FeatureNetwork

PARTS = {
    "all": (),
    "heads": ("detection", "description", "stability"),
    "detector": ("detection", "stability"),
}
"""What can be trained: names of the modules of the published network or its half; 'all' is every module."""


def freeze_others(network: FeatureNetwork, part: str) -> None:
    """Let gradients reach the modules of a part alone.

    Args:
        network: to change.
        part: of `PARTS`.
    """
    for name, module in network.named_children():
        module.requires_grad_(part == "all" or name in PARTS[part])


@torch.no_grad()
def trunk_features(network: FeatureNetwork, images: torch.Tensor) -> torch.Tensor:
    """Return (B, C, H/4, W/4) of (B, 3, H, W) images, without gradients; norms keep their statistics.

    Raises:
        ConfigError: the network's heads do not take the same features.
    """
    return with_one_trunk(network.eval()).raw(images).shared


def heads_forward(network: FeatureNetwork, shared: torch.Tensor, part: str) -> RawOutput:
    """Run the heads of a part on (B, C, h, w) features of the trunk; descriptors that are not trained are zero.

    Raises:
        ConfigError: the network's heads do not take the same features.
    """
    network = with_one_trunk(network.eval())
    if "description" in PARTS[part]:
        description = network.description(shared)
    else:
        description = shared.new_zeros(len(shared), network.dimension, *shared.shape[-2:])
    return RawOutput(shared, shared, network.detection(shared), description, network.stability(shared))


def with_one_trunk(network: FeatureNetwork) -> Sfd2Network:
    """Return the network, whose heads all take the features of one trunk.

    Raises:
        ConfigError: they do not.
    """
    if not isinstance(network, Sfd2Network):
        raise ConfigError(
            f"heads of {network.layout!r} cannot be trained alone: they take several layers; set run.train to 'all'"
        )
    return network


class FeatureBank:
    """Batches with their features, a file each, made when they are first needed.

    Args:
        folder: where they are; of one run.
        count: of batches; step i takes batch i modulo this.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count

    def index(self, step: int) -> int:
        """Return the number of the batch of a step."""
        return step % self._count

    def load(self, step: int, rank: int, device: torch.device) -> tuple[PairBatch, torch.Tensor] | None:
        """Return the batch of a step and its (2B, 256, h, w) features, or None before it was kept.

        Raises:
            SceneError: its file is damaged.
        """
        path = self._path(step, rank)
        if not path.is_file():
            return None
        try:
            with safe_open(path, "pt") as file:
                parts = {name: file.get_tensor(name).to(device) for name in file.keys()}  # noqa: SIM118
            shared = parts.pop("shared").float()
            plain = parts.pop("plain").float() / 255
            parts["reliability"] = parts["reliability"].float()
            return PairBatch(images=plain, plain=plain, **parts), shared
        except (SafetensorError, OSError, KeyError, TypeError) as err:
            raise SceneError(f"batch {str(path)!r} cannot be read: {err}; remove it, and it is made again") from err

    def keep(self, step: int, rank: int, batch: PairBatch, shared: torch.Tensor) -> None:
        """Write a batch and its (2B, 256, h, w) features in float16; the changed images are not kept."""
        parts = {field.name: getattr(batch, field.name) for field in fields(batch) if field.name != "images"}
        parts = {name: value for name, value in parts.items() if value is not None}
        parts["plain"] = (parts["plain"] * 255).round().to(torch.uint8)
        parts["reliability"] = parts["reliability"].half()
        parts["shared"] = shared.half()
        with atomic_file(self._path(step, rank)) as temporary:
            temporary.write_bytes(save({name: value.contiguous().cpu() for name, value in parts.items()}))

    def _path(self, step: int, rank: int) -> Path:
        return self._folder / f"{rank}_{self.index(step):06d}.safetensors"
