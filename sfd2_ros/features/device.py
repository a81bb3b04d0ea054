# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which device computes, and with which numbers."""

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
        DependencyError: CUDA is asked for and not there, or has fewer devices.
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


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the number format of the convolutions.

    Args:
        name: one of `PRECISIONS`, or "auto": float16 on CUDA, bfloat16 on a CPU that has matrix instructions for it
            (AMX), else float32. Without AMX bfloat16 is slower than float32, not faster (docs/features.md).
        device: that computes.
    """
    if name != "auto":
        return PRECISIONS[name]
    if device.type == "cuda":
        return torch.float16
    # Older PyTorch cannot tell; float32 is always right.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if capabilities.get("amx_bf16", False) else torch.float32
