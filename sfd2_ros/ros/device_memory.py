# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How much memory is used where the network runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

MIB = 1 << 20


@dataclass(frozen=True)
class DeviceMemory:
    """Memory of a device, in MiB.

    Attributes:
        used_mib: on CUDA what everybody uses of the device; on a CPU what this process keeps resident.
        total_mib: what there is.
    """

    used_mib: float
    total_mib: float

    @property
    def share(self) -> float:
        """Used of total, 0 to 1."""
        return self.used_mib / self.total_mib if self.total_mib > 0 else 0.0


def memory_of(device: torch.device) -> DeviceMemory | None:
    """Return the memory of a device; None where the system does not tell."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return DeviceMemory((total - free) / MIB, total / MIB)
    used = resident_mib(os.getpid())
    if used is None:
        return None
    return DeviceMemory(used, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / MIB)


def resident_mib(pid: int) -> float | None:
    """Return the resident memory of a process in MiB; None when there is no such process, or no /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def is_out_of_memory(err: BaseException) -> bool:
    """Return whether an error of torch, numpy or OpenCV says that there is no memory left."""
    if isinstance(err, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(err).lower()
    return any(words in said for words in ("allocate memory", "insufficient memory", "out of memory", "bad_alloc"))
