# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs that are written whole or not at all, and checksums."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends without an error.

    Args:
        path: the file to write; its folder is made when missing.

    Yields:
        The path to write to. After an error nothing of it remains and `path` is as it was.

    Raises:
        OutputError: the folder cannot be made or written.
    """
    temporary = _temporary_beside(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes `path` when the block ends without an error.

    Args:
        path: the folder to make.
        overwrite: replace an existing folder; otherwise an existing one is refused before any work.

    Yields:
        An empty folder to fill. After an error nothing of it remains and `path` is as it was.

    Raises:
        OutputError: `path` exists and `overwrite` is false, or its parent cannot be written.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"output {str(path)!r} exists; name another path, or pass --overwrite to replace it")
    if path.exists() and not path.is_dir():
        raise OutputError(f"output {str(path)!r} is a file, a folder is to be written there; name another path")
    temporary = _temporary_beside(path)
    try:
        temporary.mkdir()
        yield temporary
        if path.exists():
            retired = _temporary_beside(path)
            path.rename(retired)
            temporary.rename(path)
            shutil.rmtree(retired)
        else:
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Refuse to write over an existing file.

    Raises:
        OutputError: `path` exists and `overwrite` is false.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"output {str(path)!r} exists; name another path, or pass --overwrite to replace it")


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _temporary_beside(path: Path) -> Path:
    """Return an unused name in the folder of `path`, so that the final rename stays on one file system."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    except OSError as err:
        reason = err.strerror or str(err)
        raise OutputError(f"cannot write {str(path)!r}: {reason}; name a folder that can be written") from err
    os.close(handle)
    Path(name).unlink()
    return Path(name)
