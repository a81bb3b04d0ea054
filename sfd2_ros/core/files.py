# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs that are written whole or not at all, and checksums."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.claim import claimed, partial_folder, replaced_folder
from sfd2_ros.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A full disk, a full quota, a file larger than is allowed."""


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends without an error.

    Args:
        path: the file to write; its folder is made when missing. Of a link, the file it points to is replaced.

    Yields:
        The path to write to. After an error nothing of it remains and `path` is as it was.

    Raises:
        OutputError: the folder cannot be made or written, or `path` is a folder or a device.
    """
    target = _behind_links(path)
    _refuse_irregular(target)
    temporary = _temporary_beside(target)
    try:
        with _full_disk_reported(target):
            yield temporary
        _rename(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path, *, overwrite: bool = False, marker: str | None = None) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes `path` when the block ends without an error.

    Args:
        path: the folder to make. Of a link, the folder it points to is replaced.
        overwrite: replace an existing folder; otherwise an existing one is refused before any work.
        marker: pattern of a file that shows that an existing folder is of the kind to be replaced; a folder without
            one is never replaced, so that a wrong path costs nobody their photographs. None: only an empty one is.

    Yields:
        An empty folder to fill. After an error nothing of it remains and `path` is as it was.

    Raises:
        OutputError: `path` exists and may not be replaced, or its parent cannot be written.
    """
    target = _behind_links(path)
    refuse_existing_folder(target, overwrite=overwrite, marker=marker)
    with claimed(target):
        # The claim may have put back a folder that a killed run was about to replace.
        refuse_existing_folder(target, overwrite=overwrite, marker=marker)
        temporary = _new_folder(target)
        try:
            with _full_disk_reported(target):
                yield temporary
            # Another program may have put something there meanwhile.
            refuse_existing_folder(target, overwrite=overwrite, marker=marker)
            if target.exists():
                _swap(temporary, target)
            else:
                _rename(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def claimed_folder(path: Path, *, overwrite: bool = False, marker: str | None = None) -> Iterator[None]:
    """Hold the name of a folder that is written at the end of a block, by `atomic_folder`.

    Args:
        path: the folder to make.
        overwrite: as for `atomic_folder`.
        marker: as for `atomic_folder`.

    Raises:
        OutputError: `path` exists and may not be replaced, another run writes it, or its parent cannot be written.
    """
    refuse_existing_folder(path, overwrite=overwrite, marker=marker)
    with claimed(_behind_links(path)):
        refuse_existing_folder(path, overwrite=overwrite, marker=marker)
        yield


@contextlib.contextmanager
def claimed_file(path: Path, *, overwrite: bool) -> Iterator[None]:
    """Hold the name of a file that is written in the block, or at its end, by `atomic_file`.

    Args:
        path: the file to make.
        overwrite: replace an existing file.

    Raises:
        OutputError: see `refuse_existing`, or another run writes the file.
    """
    refuse_existing(path, overwrite=overwrite)
    with claimed(_behind_links(path)):
        refuse_existing(path, overwrite=overwrite)
        yield


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array of any shape, (N, ...), as `np.save` does, in the block of an atomic file or folder.

    `np.save` writes to files by C's fwrite, whose error names neither the file nor a full disk.

    Raises:
        OSError: it cannot be written; a full disk is reported by the block.
        ValueError: the array holds objects.
    """
    with path.open("wb") as stream:
        np.save(SimpleNamespace(write=stream.write), array, allow_pickle=False)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file inside the block of an atomic folder; unlike image writers, report a full disk.

    Raises:
        OutputError: it cannot be written.
    """
    with _full_disk_reported(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a file that could not be written after it.

    Raises:
        OutputError: `path` exists and `overwrite` is false, it is a folder or a device, or its folder cannot be
            written.
    """
    if _exists(path) and not overwrite:
        raise OutputError(f"output {str(path)!r} exists; name another path, or pass --overwrite to replace it")
    _refuse_irregular(_behind_links(path))
    _refuse_unwritable(_behind_links(path))


def refuse_existing_folder(path: Path, *, overwrite: bool, marker: str | None = None) -> None:
    """Refuse, before any work, a folder that could not be made after it; see `atomic_folder`.

    Raises:
        OutputError: `path` exists and may not be replaced, or its parent cannot be written.
    """
    if _exists(path):
        if not overwrite:
            raise OutputError(f"output {str(path)!r} exists; name another path, or pass --overwrite to replace it")
        if not path.is_dir():
            raise OutputError(f"output {str(path)!r} is a file, a folder is to be written there; name another path")
        if any(path.iterdir()) and not (marker and any(path.glob(marker))):
            expected = f"has no {marker}" if marker else "is not empty"
            raise OutputError(
                f"output {str(path)!r} {expected} and so is not replaced; name another path, or remove it yourself"
            )
    _refuse_unwritable(_behind_links(path))


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_utf8(name: str) -> bool:
    """Return whether a name of a file can be written as text; Linux allows any bytes, which Python then escapes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _behind_links(path: Path) -> Path:
    """Return where a path leads: a rename onto a link would replace the link."""
    return Path(os.path.realpath(path))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        # Too long a name, or a folder that may not be looked into; writing there says so.
        return False


def _refuse_irregular(path: Path) -> None:
    """Refuse what a rename would destroy: /dev/null, a pipe, a folder."""
    if _exists(path) and not path.is_file():
        kind = "a folder" if path.is_dir() else "no regular file"
        raise OutputError(f"output {str(path)!r} is {kind}, a file is to be written there; name another path")


def _refuse_unwritable(path: Path) -> None:
    """Refuse a path whose nearest existing folder does not let us write."""
    folder = next(one for one in path.parents if _exists(one))
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        reason = "may not be written" if folder.is_dir() else "is no folder"
        raise OutputError(f"cannot write {str(path)!r}: {str(folder)!r} {reason}; name a folder that can be written")


def _rename(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except OSError as err:
        raise _not_written(target, err) from err


def _swap(temporary: Path, target: Path) -> None:
    """Put a folder in another's place; the old one goes only when the new one stands."""
    retired = replaced_folder(target)
    _rename(target, retired)
    try:
        _rename(temporary, target)
    except OutputError:
        retired.rename(target)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def _new_folder(target: Path) -> Path:
    try:
        folder = partial_folder(target)
        folder.mkdir()
    except OSError as err:
        raise _not_written(target, err) from err
    return folder


@contextlib.contextmanager
def _full_disk_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        if err.errno not in _FULL:
            raise
        raise OutputError(f"cannot write {str(path)!r}: {err.strerror}; free some space, or name another disk") from err


def _temporary_beside(path: Path) -> Path:
    """Return an unused name in the folder of `path`, so that the final rename stays on one file system."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    except OSError as err:
        raise _not_written(path, err) from err
    os.close(handle)
    Path(name).unlink()
    return Path(name)


def _not_written(path: Path, err: OSError) -> OutputError:
    return OutputError(f"cannot write {str(path)!r}: {err.strerror or err}; name a folder that can be written")
