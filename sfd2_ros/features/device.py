# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which device computes, and the number formats that it can compute with."""

from __future__ import annotations

import torch

from sfd2_ros.core.errors import ConfigError, DependencyError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Number formats of the network's convolutions, by name."""


def choose_device(name: str) -> torch.device:
    """Return the device of a name.

    Args:
        name: "cpu", "cuda", "cuda:1" and so on, or "auto": the first CUDA device, else the CPU.

    Raises:
        ConfigError: the name is none of these.
        DependencyError: CUDA is needed and not there, or has fewer devices.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if (
        kind not in ("cpu", "cuda")
        or (index and not index.isdigit())
        or name.endswith(":")
        or (kind, bool(index)) == ("cpu", True)
    ):
        raise ConfigError(f"device {name!r} is not known; allowed: 'auto', 'cpu', 'cuda', 'cuda:0', 'cuda:1', ...")
    if kind == "cuda" and not torch.cuda.is_available():
        built = "this PyTorch is built without CUDA" if torch.version.cuda is None else "no CUDA device is found"
        raise DependencyError(
            f"device {name!r} cannot be used: {built}; use device 'cpu', or install PyTorch with CUDA"
        )
    if index and int(index) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise DependencyError(f"device {name!r} is not there; devices found: {count}, numbered from 0")
    return torch.device(name)
