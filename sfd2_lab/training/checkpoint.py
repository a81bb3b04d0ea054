# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The state of a run in one safetensors file, written whole: weights, their average, the optimiser, the position.

Every random number of a step follows from the seed and the step, so there is no random state to keep. Nothing in the
file can run code.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sfd2_ros.core.errors import WeightsError
from sfd2_ros.core.files import atomic_file

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_ros.features.network import FeatureNetwork

_FORMAT = "sfd2-training-1"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True)
class Position:
    """Where a run stands.

    Attributes:
        step: next one to do.
        best: highest validation score so far; minus infinity is written as None.
        seconds: training time so far.
    """

    step: int = 0
    best: float | None = None
    seconds: float = 0.0


def save_state(
    path: Path, network: FeatureNetwork, average: FeatureNetwork, optimiser: torch.optim.Optimizer, position: Position
) -> None:
    """Write the state of a run.

    Raises:
        OutputError: the folder cannot be written.
    """
    tensors = {f"network/{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average/{name}": value for name, value in average.state_dict().items()}
    for name, parameter in network.named_parameters():
        moments = optimiser.state.get(parameter, {})
        tensors |= {f"{kind}/{name}": moments[kind] for kind in _MOMENTS if kind in moments}
    metadata = {"format": _FORMAT, "position": json.dumps(asdict(position))}
    with atomic_file(path) as temporary:
        temporary.write_bytes(save({name: value.contiguous().cpu() for name, value in tensors.items()}, metadata))


def load_state(
    path: Path, network: FeatureNetwork, average: FeatureNetwork, optimiser: torch.optim.Optimizer
) -> Position:
    """Put the state of a run back and return where it stood.

    Raises:
        WeightsError: the file is damaged, or belongs to another network.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.get("format") != _FORMAT:
            raise WeightsError(f"{str(path)!r} is no state of a training run; name the folder of a run")
        position = Position(**json.loads(metadata["position"]))
        network.load_state_dict(_part(tensors, "network/"))
        average.load_state_dict(_part(tensors, "average/"))
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError) as err:
        raise WeightsError(
            f"state {str(path)!r} cannot be resumed: {err}; remove it to train from the beginning"
        ) from err
    for name, parameter in network.named_parameters():
        found = {kind: tensors[f"{kind}/{name}"] for kind in _MOMENTS if f"{kind}/{name}" in tensors}
        if found:
            # Adam counts steps on the CPU; its moments live beside the weights, laid out like them.
            optimiser.state[parameter] = {
                kind: value if kind == "step" else torch.empty_like(parameter).copy_(value).detach()
                for kind, value in found.items()
            }
    return position


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
