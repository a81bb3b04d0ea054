# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The user's cache folder and what is kept there of this machine; nodes and commands look it up, algorithms get it."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sfd2_ros.features.precision import PrecisionCache

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPEED_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
"""With these a user limits the instructions that torch may use."""


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the folder for what can be measured again: $XDG_CACHE_HOME/sfd2_ros, else ~/.cache/sfd2_ros.

    Args:
        environment: of the process, such as `os.environ`.

    Returns:
        None for a user without a home. A relative XDG_CACHE_HOME is ignored, as its specification demands.
    """
    wanted, home = environment.get("XDG_CACHE_HOME", ""), environment.get("HOME", "")
    if Path(wanted).is_absolute():
        return Path(wanted) / "sfd2_ros"
    return Path(home) / ".cache" / "sfd2_ros" if Path(home).is_absolute() else None


def machine_name(environment: Mapping[str, str]) -> str:
    """Return the processor with a digest of all that changes which number format is fastest on it."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    limits = {name: environment[name] for name in _SPEED_VARIABLES if name in environment}
    parts = (sorted(capabilities.items()), torch.__version__, torch.get_num_threads(), limits)
    processor = capabilities.get("cpu_name") or platform.processor() or platform.machine()
    return f"{processor}, {hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"


def precision_cache() -> PrecisionCache | None:
    """Return where this machine's times are kept, by the environment of this process; None without a home."""
    folder = cache_folder(os.environ)
    return None if folder is None else PrecisionCache(folder / "precision.json", machine_name(os.environ))
