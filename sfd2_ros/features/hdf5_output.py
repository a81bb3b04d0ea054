# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""HDF5 files on a disk that may fill up.

HDF5 writes what it holds back when a file is closed. If that fails, it keeps the file open, and the process ends with a
segmentation fault later. So a write that fails is kept in memory here, HDF5 closes the file, and the error is raised.
"""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING

import h5py

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Buffer


@contextlib.contextmanager
def hdf5_output(path: Path) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Yield a new HDF5 file, and a function that raises the error of a write that failed.

    The function is to be called now and then, so that work does not go on for a file that is lost.

    Args:
        path: of the file, in the block of an atomic file.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w+b", buffering=0) as stream:
        held = _Held(stream.fileno())
        with h5py.File(held, "w") as file:
            yield file, held.raise_error
        held.raise_error()


class _Held(io.RawIOBase):
    """A file whose writes always succeed; after the first error, what is written is kept in memory."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._place = 0
        self._end = 0
        self._kept: list[tuple[int, bytes]] = []
        self._error: OSError | None = None

    def raise_error(self) -> None:
        """Raise the first error of a write, if there was one."""
        if self._error is not None:
            raise self._error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._end}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def write(self, data: Buffer) -> int:
        content = memoryview(data).cast("B")
        try:
            written = 0
            while written < len(content) and self._error is None:
                written += os.pwrite(self._descriptor, content[written:], self._place + written)
        except OSError as err:
            self._error = err
        if self._error is not None:
            self._kept.append((self._place, bytes(content)))
        self._place += len(content)
        self._end = max(self._end, self._place)
        return len(content)

    def readinto(self, into: Buffer) -> int:
        view = memoryview(into).cast("B")
        size = max(0, min(len(view), self._end - self._place))
        content = bytearray(os.pread(self._descriptor, size, self._place).ljust(size, b"\0"))
        for place, kept in self._kept:
            first, last = max(place, self._place), min(place + len(kept), self._place + size)
            if first < last:
                content[first - self._place : last - self._place] = kept[first - place : last - place]
        view[:size] = content
        self._place += size
        return size

    def truncate(self, size: int | None = None) -> int:
        self._end = self._place if size is None else size
        if self._error is None:
            try:
                os.ftruncate(self._descriptor, self._end)
            except OSError as err:
                self._error = err
        return self._end

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
