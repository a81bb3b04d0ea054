# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads the entries of a weights file, whatever its container, without executing anything that is in it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

from sfd2_ros.core.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAXIMUM_BYTES = 1 << 30
"""Larger files are rejected unread; the network has 16 MB, with the state of an optimiser 50 MB."""

_ARCHIVE, _PICKLE = b"PK\x03\x04", b"\x80"
"""What a checkpoint of torch begins with: of version 1.6 or newer, and older."""
_ARCHIVE_READER = "PytorchStreamReader"
_WRAPPERS = ("model", "state_dict", "net", "network", "weights")
_REMEDY = "give a .safetensors file of `sfd2 weights import` or a checkpoint (.pth) of the SFD2 network"


def read_entries(
    path: Path, *, wrappers: Sequence[str] = _WRAPPERS, remedy: str = _REMEDY
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Read the tensors of a safetensors file or of a torch checkpoint.

    Args:
        path: a safetensors file, or a checkpoint: a state dict, or a dict with one under one of `wrappers`.
        wrappers: such as "model" or "state_dict".
        remedy: what to do when the file cannot be read, for the errors.

    Returns:
        Tensors by entry name without a leading "module.", and the header's metadata (empty for checkpoints).

    Raises:
        WeightsError: the file is missing, damaged, no weights file, or would need code to be executed.
    """
    _check_file(path, remedy)
    if path.suffix == ".safetensors":
        entries, metadata = _read_safetensors(path, remedy)
    else:
        entries, metadata = _read_checkpoint(path, wrappers, remedy), {}
    prefix = "module."
    if entries and all(name.startswith(prefix) for name in entries):
        entries = {name[len(prefix) :]: tensor for name, tensor in entries.items()}
    return entries, metadata


def _check_file(path: Path, remedy: str) -> None:
    if not path.exists():
        raise WeightsError(f"no weights at {str(path)!r}; {remedy}")
    if not path.is_file():
        raise WeightsError(f"weights {str(path)!r} are no file; {remedy}")
    size = path.stat().st_size
    if size == 0:
        raise WeightsError(f"weights {str(path)!r} are an empty file; copy it again, or {remedy}")
    if size > MAXIMUM_BYTES:
        raise WeightsError(f"weights {str(path)!r} have {size} bytes, at most {MAXIMUM_BYTES} are read; {remedy}")


def _read_safetensors(path: Path, remedy: str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as err:
        raise WeightsError(f"weights {str(path)!r} are damaged or no safetensors file: {err}; {remedy}") from err


def _read_checkpoint(path: Path, wrappers: Sequence[str], remedy: str) -> dict[str, torch.Tensor]:
    with path.open("rb") as file:
        start = file.read(8)
    if not start.startswith((_ARCHIVE, _PICKLE)):
        raise WeightsError(f"weights {str(path)!r} are no checkpoint, they begin with {start!r}; {remedy}")
    try:
        # A published checkpoint carries its training arguments in a Namespace, a plain container; no more is let in.
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # a damaged or hostile file makes the unpickler raise anything
        raise WeightsError(f"weights {str(path)!r} {_reason(err)}; {remedy}") from err
    return _state_dict_of(content, path, wrappers, remedy)


def _state_dict_of(content: Any, path: Path, wrappers: Sequence[str], remedy: str) -> dict[str, torch.Tensor]:
    """Return the state dict that a checkpoint is or holds."""
    if isinstance(content, Mapping):
        found = [content[name] for name in wrappers if isinstance(content.get(name), Mapping)]
        candidate = found[0] if len(found) == 1 else content
        if candidate and all(isinstance(name, str) for name in candidate):
            strangers = [name for name, value in candidate.items() if not isinstance(value, torch.Tensor)]
            if not strangers:
                return dict(candidate)
            raise WeightsError(f"weights {str(path)!r}: {', '.join(map(repr, strangers))} are no tensors; {remedy}")
    raise WeightsError(f"weights {str(path)!r} hold {type(content).__name__}, no entries by name; {remedy}")


def _reason(error: Exception) -> str:
    """Return why torch failed; its own text is long and advises to execute the file."""
    stranger = re.search(r"GLOBAL (\S+)", str(error))
    if stranger is not None:
        return (
            f"hold {stranger.group(1)!r}, which only executing code could read; tensors, plain values and "
            "argparse.Namespace are read, so save the state dict alone"
        )
    if _ARCHIVE_READER not in str(error):  # of the pickle reader a user learns nothing
        return "are damaged or no checkpoint"
    return f"are damaged or no checkpoint ({str(error).strip().partition('. ')[0].partition(chr(10))[0]})"
