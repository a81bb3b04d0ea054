# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An output folder belongs to one run at a time, and what killed runs left beside it is removed by the next.

A run holds a lock on a hidden file beside its output. The system releases the lock when the run ends, however it ends.
So a temporary folder of this output without a lock on it is of a killed run.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CLAIM, _PARTIAL, _REPLACED = "sfd2_claim", "sfd2_partial", "sfd2_replaced"
_HELD: set[Path] = set()
"""Outputs that this process holds: a build claims its output, and so does what writes it at the end."""


@contextlib.contextmanager
def claimed(target: Path) -> Iterator[None]:
    """Hold an output folder's name; remove what killed runs left of it.

    Args:
        target: the output, links resolved; its parent is made when missing.

    Raises:
        OutputError: another run holds it, or its parent cannot be written.
    """
    if target in _HELD:
        yield
        return
    path = target.parent / f".{target.name}.{_CLAIM}"
    handle = _lock(path, target)
    _HELD.add(target)
    try:
        _remove_leftovers(target)
        yield
    finally:
        _HELD.discard(target)
        path.unlink(missing_ok=True)
        os.close(handle)


def partial_folder(target: Path) -> Path:
    """Return an unused name beside an output, for the folder that becomes it.

    Raises:
        OSError: the parent cannot be written.
    """
    return _unused(target, _PARTIAL)


def replaced_folder(target: Path) -> Path:
    """Return an unused name beside an output, for the folder that it replaces."""
    return _unused(target, _REPLACED)


def _unused(target: Path, kind: str) -> Path:
    made = tempfile.mkdtemp(prefix=f".{target.name}.", suffix=f".{kind}", dir=target.parent)
    path = target.parent / os.path.basename(made)  # noqa: PTH119 - a name, not a path
    path.rmdir()
    return path


def _lock(path: Path, target: Path) -> int:
    """Return a handle that holds a lock on a file, which may be removed and made again meanwhile."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as err:
            reason = err.strerror or err
            raise OutputError(f"cannot write {str(target)!r}: {reason}; name a folder that can be written") from err
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            os.close(handle)
            raise OutputError(
                f"output {str(target)!r} is being written by another run; wait for it, or name another path"
            ) from err
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            return handle
        os.close(handle)


def _remove_leftovers(target: Path) -> None:
    """Remove unfinished folders of killed runs; put back a folder that one was about to replace."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]+\.({_PARTIAL}|{_REPLACED})")
    for path in sorted(target.parent.iterdir()):
        found = pattern.fullmatch(path.name)
        if found is None or path.is_symlink() or not path.is_dir():
            continue
        if found[1] == _REPLACED and not target.exists():
            path.rename(target)
        else:
            shutil.rmtree(path, ignore_errors=True)
