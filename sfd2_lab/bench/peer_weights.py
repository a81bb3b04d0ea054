# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of other methods, from files that the user names; nothing is downloaded and nothing in them is executed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import torch

from sfd2_lab.bench.peer import PeerMissingError
from sfd2_ros.core.errors import WeightsError
from sfd2_ros.core.files import sha256_of_file
from sfd2_ros.features.checkpoint import read_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import nn

_WRAPPERS = ("extractor", "model", "state_dict", "net", "network", "weights")
_SUFFIXES = (".safetensors", ".pth", ".pt")


def find_weights(method: str, named: Path | None, folder: Path | None, *, where: str) -> Path:
    """Return the weights of a method.

    Args:
        method: files and folders in `folder` are taken whose name starts with it and is not of its LightGlue.
        named: the file that the user named for the method, or None.
        folder: of weights, or None.
        where: they are published, for the error.

    Raises:
        WeightsError: a file is named that does not exist, or several in the folder would do.
        PeerMissingError: none is named and none lies in the folder.
    """
    if named is not None:
        if not named.exists():
            raise WeightsError(f"no weights of {method} at {str(named)!r}; name a file, or leave the method out")
        return named
    if folder is not None and not folder.is_dir():
        raise WeightsError(
            f"folder of weights {str(folder)!r} is no folder; name one that holds files such as {method}.pth"
        )
    found = sorted(path for path in folder.iterdir() if _is_of(path, method)) if folder is not None else []
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise WeightsError(
            f"{str(folder)!r} has several weights of {method} ({names}); name one: --weights-of {method}=FILE"
        )
    if not found:
        raise PeerMissingError(
            f"no weights of {method} were found; download them from {where} and give them: --weights-of {method}=FILE"
        )
    return found[0]


def library_for(method: str, name: str, install: str) -> Any:
    """Import an optional library.

    Raises:
        PeerMissingError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as err:
        top = name.partition(".")[0]
        raise PeerMissingError(f"{method} needs the library {top}, which is not installed; {install}") from err


def load_into(
    network: nn.Module,
    path: Path,
    method: str,
    *,
    computed: Sequence[str] = (),
    renamed: Callable[[str], str] = lambda name: name,
) -> str:
    """Load weights into a network, every one of them.

    Args:
        network: whose entries the file must have, no more and no less.
        path: safetensors, or a torch checkpoint with a state dict, on its own or wrapped.
        method: for errors and the identity.
        computed: entries of the network that files may lack because they follow from its settings.
        renamed: returns what the network calls an entry of the file.

    Returns:
        The identity of method and weights.

    Raises:
        WeightsError: the file is missing or damaged, needs code to be read, or does not fit the network.
    """
    entries, _ = read_entries(
        path, wrappers=_WRAPPERS, remedy=f"give the published weights of {method} as a state dict"
    )
    entries = {renamed(name): tensor for name, tensor in entries.items()}
    expected = network.state_dict()
    problems = [f"missing {name}" for name in expected if name not in entries and name not in computed]
    problems += [f"unknown {name}" for name in entries if name not in expected]
    for name in expected.keys() & entries.keys():
        if entries[name].shape != expected[name].shape:
            problems.append(f"{name} of shape {tuple(entries[name].shape)}, not {tuple(expected[name].shape)}")
        elif not torch.isfinite(entries[name].float()).all():
            problems.append(f"{name} not finite")
    if problems:
        said = "; ".join(problems[:4]) + (f"; and {len(problems) - 4} more" if len(problems) > 4 else "")
        raise WeightsError(f"weights {str(path)!r} are none of {method}: {said}")
    network.load_state_dict(entries, strict=False)
    return f"{method}-{sha256_of_file(path)[:12]}"


def _is_of(path: Path, method: str) -> bool:
    name = path.name.lower()
    named_so = name.startswith(method) and "lightglue" not in name
    return named_so and (path.suffix in _SUFFIXES or (path.is_dir() and (path / "config.json").is_file()))
