# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which build of torch is installed: a plain one brings gigabytes of CUDA, which a machine without a GPU cannot use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from problem import SetupError

if TYPE_CHECKING:
    from pathlib import Path

# PyTorch's own index of CPU builds, asked only when pip's configured indexes have none.
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True)
class Attempt:
    """One way to ask pip for torch.

    Attributes:
        words: what it is, for the progress line.
        arguments: for `pip install`.
        gigabytes: room that it needs together with everything else.
    """

    words: str
    arguments: tuple[str, ...]
    gigabytes: float


def torch_attempts(pin: str, *, index: str, has_gpu: bool, machine: str) -> list[Attempt]:
    """Return the ways to get torch, in the order in which they are tried.

    Args:
        pin: requirement such as `torch==2.13.0`.
        index: the user's choice of index for torch (TORCH_INDEX), or empty.
        has_gpu: whether an NVIDIA GPU is there.
        machine: processor, as `platform.machine()` says.
    """
    if index:
        return [Attempt(f"torch from {index}", (pin, "--extra-index-url", index), 4)]
    brings_cuda = machine == "x86_64"
    size = "; with CUDA libraries, 5 GB" if brings_cuda else ""
    plain = Attempt(f"torch, plain build{size}", (pin,), 9 if brings_cuda else 4)
    if has_gpu or not brings_cuda:
        return [plain]
    cpu = f"{pin}+cpu"
    # An index that cannot be reached must not hold the set-up for minutes.
    quick = ("--timeout", "10", "--retries", "1")
    return [
        Attempt("torch, CPU build", (cpu,), 4),
        Attempt(f"torch, CPU build of {CPU_INDEX}", (cpu, "--extra-index-url", CPU_INDEX, *quick), 4),
        plain,
    ]


def torch_pin(requirements: Path) -> str:
    """Return the line of a requirements file that pins torch.

    Raises:
        SetupError: there is none.
    """
    found = re.search(r"^torch==\S+$", requirements.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise SetupError(f"{requirements} has no line torch==VERSION; restore it (git checkout {requirements.name})")
    return found.group()
