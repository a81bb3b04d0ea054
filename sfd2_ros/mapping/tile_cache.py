# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Landmarks that stay on the disk: tiles are read where they are looked up, and the least recently used are dropped.

The robot looks up the landmarks of images that look alike or stand near it, so the tiles around it are in memory.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.errors import MapError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from sfd2_ros.mapping.tiles import Tiles

    Decode = Callable[[int, NDArray[Any]], NDArray[Any]]


class StoredArray:
    """An array in a file that stays open: rows are read where they are looked up, nothing is kept.

    A map that is replaced meanwhile is another file: this one keeps its content until it is closed.

    Attributes:
        shape: of the array.
        dtype: of its elements.
    """

    def __init__(self, path: Path) -> None:
        """Open a file that `numpy.save` wrote.

        Raises:
            ValueError: it holds no array, or less than its header has.
        """
        with path.open("rb") as stream:
            try:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                self.shape, is_fortran, self.dtype = read(stream)
            except (ValueError, SyntaxError, TokenError, EOFError, MemoryError, OverflowError) as err:
                raise ValueError(f"{path.name} holds no array: {' '.join(str(err).split())}") from err
            self._first = stream.tell()
            needed = self._first + self.dtype.itemsize * math.prod(self.shape)
            if is_fortran or self.dtype.hasobject or path.stat().st_size < needed:
                raise ValueError(f"{path.name} holds no array of {self.shape} that can be read row by row")
            self._descriptor = os.dup(stream.fileno())
        self._name = path.name

    def __del__(self) -> None:
        descriptor = getattr(self, "_descriptor", None)
        if descriptor is not None:
            os.close(descriptor)

    def __len__(self) -> int:
        return int(self.shape[0])

    def rows(self, start: int, end: int) -> NDArray[Any]:
        """Read the rows from `start` to `end`, (end - start, ...).

        Raises:
            MapError: the file has become shorter, or cannot be read.
        """
        size = self.dtype.itemsize * math.prod(self.shape[1:])
        try:
            content = os.pread(self._descriptor, size * (end - start), self._first + size * start)
        except OSError as err:
            raise MapError(f"{self._name} of the map cannot be read: {err.strerror}; load the map again") from err
        if len(content) < size * (end - start):
            raise MapError(f"{self._name} of the map has become shorter while it was in use; load the map again")
        return np.frombuffer(content, self.dtype).reshape(end - start, *self.shape[1:])

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Read a slice, or the rows from the first to the last of those chosen."""
        if isinstance(rows, slice):
            start, end, step = rows.indices(len(self))
            return self.rows(start, max(start, end))[::step] if step > 0 else self.rows(0, len(self))[rows]
        chosen = np.arange(len(self))[rows] if not isinstance(rows, np.ndarray) or rows.dtype == bool else rows
        if np.size(chosen) == 0:
            return np.empty((*np.shape(chosen), *self.shape[1:]), self.dtype)
        first = int(np.min(chosen))
        found: NDArray[Any] = self.rows(first, int(np.max(chosen)) + 1)[chosen - first]
        return found

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001
        """Read everything, for numpy."""
        del copy
        whole = self.rows(0, len(self))
        return whole if dtype is None else whole.astype(dtype)


class TileCache:
    """Tiles in memory, at most some bytes of them; safe for several threads.

    Attributes:
        tiles: of the map.
        bytes_held: of the tiles in memory.
    """

    def __init__(self, tiles: Tiles, arrays: dict[str, StoredArray], decode: dict[str, Decode], max_bytes: int) -> None:
        """Hold no tile yet.

        Args:
            tiles: of the map.
            arrays: landmark arrays by name.
            decode: what a tile's rows of an array become, given its number and the rows; others stay as they are.
            max_bytes: of tiles in memory; one tile is held in any case.
        """
        self.tiles = tiles
        self.bytes_held = 0
        self._arrays, self._decode, self._max_bytes = arrays, decode, max_bytes
        self._held: OrderedDict[int, dict[str, NDArray[Any]]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def held(self) -> list[int]:
        """The numbers of the tiles in memory, the least recently used first."""
        return list(self._held)

    def tile(self, number: int) -> dict[str, NDArray[Any]]:
        """Return the arrays (N, ...) of a tile, read from the disk where they are not in memory.

        Raises:
            MapError: a file cannot be read any more.
        """
        with self._lock:
            if number in self._held:
                self._held.move_to_end(number)
                return self._held[number]
            start, end = (int(one) for one in self.tiles.offsets[number : number + 2])
            read = {name: array.rows(start, end) for name, array in self._arrays.items()}
            made = {
                name: self._decode[name](number, one) if name in self._decode else one for name, one in read.items()
            }
            self._held[number] = made
            self.bytes_held += _bytes(made)
            while self.bytes_held > self._max_bytes and len(self._held) > 1:
                self.bytes_held -= _bytes(self._held.popitem(last=False)[1])
            return made


class TiledArray:
    """An array of all landmarks whose tiles are read where they are looked up.

    Attributes:
        shape: of the array.
        dtype: of its elements, as they are looked up.
    """

    def __init__(self, cache: TileCache, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        """Look up an array of a cache by its name."""
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._cache, self._name = cache, name

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Return chosen rows, as an array does; columns may follow."""
        columns: tuple[Any, ...] = ()
        if isinstance(rows, tuple):
            rows, columns = rows[0], rows[1:]
        is_chosen = isinstance(rows, np.ndarray) and rows.dtype != bool
        chosen = np.asarray(rows) if is_chosen else np.asarray(np.arange(len(self))[rows])
        flat = chosen.reshape(-1)
        found = np.empty((len(flat), *self.shape[1:]), self.dtype)
        tiles = self._cache.tiles
        of_row = tiles.of_rows(flat)
        for number in np.unique(of_row):
            here = of_row == number
            found[here] = self._cache.tile(int(number))[self._name][flat[here] - tiles.offsets[number]]
        shaped = found.reshape((*chosen.shape, *self.shape[1:]))
        return shaped[(slice(None), *columns)] if columns else shaped

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001
        """Return all rows, for numpy."""
        del copy
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)


def _bytes(arrays: dict[str, NDArray[Any]]) -> int:
    return sum(one.nbytes for one in arrays.values())
