# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which numbers the network's convolutions are fastest with on this machine: measured, not looked up.

Tables of instruction sets were wrong twice: for processors with bfloat16 but without AMX, and for those that emulate
it. One convolution of the network, timed in both formats, takes some tens of milliseconds and is right on all of them.
"""

from __future__ import annotations

import functools
import json
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.core.errors import OutputError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.features.device import PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CHANNELS = 256
"""Of the encoder's last layer, which has more multiplications than any other of the network."""
_HEIGHT, _WIDTH = 12, 32
"""Of the timed layer's input: 0.45 GFLOP, 5 ms at the 93 GFLOP/s of one core of an EPYC."""
_ROUNDS = 4
"""Runs of each format after one to warm up; the fastest counts, because other processes only slow a run down."""
_HOPELESS = 3.0
"""A format that takes this many times as long in its first run after the warm-up is not run again. Not tuned."""
_WORTH = 0.9
"""bfloat16 is taken below this fraction of float32's time: it costs 0.5 % of the keypoints a pixel
(docs/reports/2026-11-28-performance.md), and the other layers gain less than the timed one."""


@dataclass(frozen=True)
class PrecisionTimes:
    """Time of one convolution of the network in each number format, milliseconds."""

    float32_ms: float
    bfloat16_ms: float

    @property
    def fastest(self) -> torch.dtype:
        """The format that is worth taking."""
        return torch.bfloat16 if self.bfloat16_ms < _WORTH * self.float32_ms else torch.float32


@dataclass(frozen=True)
class PrecisionCache:
    """Where the times of a machine are kept.

    Attributes:
        path: of a JSON file; it need not exist.
        machine: what the times are of: the processor and all that changes its speed.
    """

    path: Path
    machine: str

    def read(self) -> PrecisionTimes | None:
        """Return the times of this machine; None when the file is missing, damaged or of another machine."""
        try:
            content = json.loads(self.path.read_text("utf-8"))
            times = PrecisionTimes(**content["times"]) if content["machine"] == self.machine else None
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return times if times is not None and _is_plausible(times) else None

    def write(self, times: PrecisionTimes) -> None:
        """Keep the times; a folder that cannot be written is no error, they are measured again then."""
        content = json.dumps({"machine": self.machine, "times": asdict(times)}, indent=2)
        try:
            with atomic_file(self.path) as temporary:
                temporary.write_text(content + "\n", "utf-8")
        except (OSError, OutputError):
            return


@dataclass(frozen=True)
class Precision:
    """A number format and why it was chosen.

    Attributes:
        dtype: of the convolutions.
        reason: one phrase.
    """

    dtype: torch.dtype
    reason: str

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')} ({self.reason})"


def choose_precision(name: str, device: torch.device, cache: PrecisionCache | None = None) -> Precision:
    """Return the number format of the convolutions.

    Args:
        name: one of `PRECISIONS`, or "auto": float16 on CUDA, on a CPU the faster one of float32 and bfloat16.
        device: that computes.
        cache: where the times of this machine are kept; None: measured once in each process.
    """
    if name != "auto":
        return Precision(PRECISIONS[name], "as set")
    if device.type == "cuda":
        return Precision(torch.float16, "auto: on CUDA")
    known = None if cache is None else cache.read()
    times = measured_precisions() if known is None else known
    if cache is not None and known is None:
        cache.write(times)
    source = "measured" if known is None else "measured earlier"
    return Precision(
        times.fastest,
        f"auto: a layer takes {times.float32_ms:.1f} ms in float32, {times.bfloat16_ms:.1f} ms in bfloat16, {source}",
    )


@functools.cache
def measured_precisions() -> PrecisionTimes:
    """Return the times on this CPU; measured when first called, so that all extractors of a process agree."""
    return time_precisions(time.perf_counter)


def time_precisions(clock: Callable[[], float]) -> PrecisionTimes:
    """Time one convolution in turn in each format.

    Args:
        clock: returns seconds.
    """
    generator = torch.Generator().manual_seed(0)
    values = torch.rand((1, _CHANNELS, _HEIGHT, _WIDTH), generator=generator)
    weight = torch.rand((_CHANNELS, _CHANNELS, 3, 3), generator=generator)
    operands = {
        dtype: [one.to(dtype).contiguous(memory_format=torch.channels_last) for one in (values, weight)]
        for dtype in (torch.float32, torch.bfloat16)
    }
    least = dict.fromkeys(operands, math.inf)
    with torch.inference_mode():
        for turn in range(_ROUNDS + 1):
            for dtype, (image, kernel) in operands.items():
                if _HOPELESS * min(least.values()) < least[dtype] < math.inf:
                    continue
                start = clock()
                F.conv2d(image, kernel, padding=1)
                if turn > 0:
                    least[dtype] = min(least[dtype], clock() - start)
    return PrecisionTimes(1000 * least[torch.float32], 1000 * least[torch.bfloat16])


def _is_plausible(times: PrecisionTimes) -> bool:
    values = (times.float32_ms, times.bfloat16_ms)
    return all(type(value) is float and math.isfinite(value) and value > 0 for value in values)
