# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The floor of a network's time: its operations over what the device's matrix products give, both measured."""

from __future__ import annotations

import copy
import math
import time
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from torch import nn

_SIDE = {"cpu": 1024, "cuda": 8192}
"""Of the square matrices: large enough for the peak, small enough for 30 ms of a core."""
_ROUNDS = 5
"""The best counts: other processes only slow a product down."""


def operations(network: nn.Module, height: int, width: int, batch: int = 1) -> int:
    """Return the floating-point operations of a network (2 for a multiplication with its addition).

    Args:
        network: takes (B, 3, H, W); it is not run, shapes alone are followed.
        height: of the images, pixels.
        width: of the images, pixels.
        batch: number of images.
    """
    shapes = copy.deepcopy(network).to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shapes(torch.zeros((batch, 3, height, width), device="meta"))
    return int(counter.get_total_flops())


def matrix_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Return the operations per second of a large product of matrices: the best of five after one to warm up."""
    side = _SIDE[device.type]
    left = torch.rand((side, side), device=device).to(dtype)
    right = torch.rand((side, side), device=device).to(dtype)
    least = math.inf
    for turn in range(_ROUNDS + 1):
        wait_for(device)
        start = time.perf_counter()
        torch.mm(left, right)
        wait_for(device)
        if turn > 0:
            least = min(least, time.perf_counter() - start)
    return 2 * side**3 / least


def wait_for(device: torch.device) -> None:
    """Wait until everything that was started on a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
