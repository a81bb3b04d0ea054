# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which device computes, and with which numbers."""

from __future__ import annotations

import torch

from sfd2_ros.core.errors import ConfigError, DependencyError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Number formats of the network's convolutions, by name."""
_FAST_BFLOAT16 = ("amx_bf16", "avx512_bf16")
"""Instruction sets with which a CPU multiplies bfloat16 faster than float32: four times with AMX, twice with
AVX512-BF16 (640x480 on one core of an EPYC: 0.62 s, 1.31 s in float32). Without either, with AVX-512 or AVX2 alone,
bfloat16 is slower (docs/features.md)."""


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


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the number format of the convolutions.

    Args:
        name: one of `PRECISIONS`, or "auto": float16 on CUDA, bfloat16 on a CPU with `has_fast_bfloat16`, else
            float32.
        device: that computes.
    """
    if name != "auto":
        return PRECISIONS[name]
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if has_fast_bfloat16() else torch.float32


def has_fast_bfloat16() -> bool:
    """Return whether this CPU multiplies bfloat16 faster than float32; False if an older PyTorch cannot detect it."""
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in _FAST_BFLOAT16)
