# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Most memory that a call takes beyond what was in use before it."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""Written to clear_refs, this sets the peak of the resident memory to its present size (man proc)."""
_MEGABYTE = 1 << 20
"""Bytes."""


def peak_megabytes(call: Callable[[], object], device: torch.device) -> float | None:
    """Call once and return the megabytes at the peak beyond those before; None where the system does not show it.

    On a CPU the memory that the allocator keeps from earlier calls is given back first.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return (torch.cuda.max_memory_allocated(device) - before) / _MEGABYTE
    try:
        ctypes.CDLL(None).malloc_trim(0)
        _RESET.write_text(_RESET_PEAK, "ascii")
        before_mb = _resident_megabytes("VmRSS")
        call()
        return _resident_megabytes("VmHWM") - before_mb
    except (OSError, AttributeError):
        call()
        return None


def _resident_megabytes(name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text("ascii"), re.MULTILINE)
    if found is None:
        raise OSError(f"{_STATUS} has no {name}")
    return int(found[1]) / 1024
