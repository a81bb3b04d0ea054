# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Descriptors in a few bits a component: what a map keeps of its landmarks.

A descriptor is turned by a fixed orthogonal transform (signs, then a cosine transform). Its components are then nearly
normal, whatever the network, and each is rounded to the nearest level of the best quantiser for a normal variable. So
no codebook has to be learnt or stored, and maps of all sessions have the same code.

Source: levels from Max, "Quantizing for minimum distortion", IRE Transactions on Information Theory 6, 1960, table I;
rounding after a random rotation as in Zandieh et al., "TurboQuant", 2025.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import DTypeLike, NDArray

_POSITIVE_LEVELS = {
    1: (0.7979,),
    2: (0.4528, 1.510),
    3: (0.2451, 0.7560, 1.344, 2.152),
    4: (0.1284, 0.3881, 0.6568, 0.9424, 1.256, 1.618, 2.069, 2.733),
}
"""Positive half of the levels for a variable of mean 0 and variance 1, by bits."""
BITS = tuple(_POSITIVE_LEVELS)
_GOLDEN = 0.6180339887498949
"""Fraction of the golden ratio: its multiples by squares, modulo 1, give signs without a pattern."""
_SMALLEST = np.float32(1e-9)
_BLOCK_ROWS = 256
"""Rows decoded at a time to be compared: 8 MB of aggregates with 8,192 components. Not tuned."""


@dataclass(frozen=True, eq=False)
class QuantisedRows:
    """Rows of length one, decoded where they are looked up; the array itself stays mapped into memory.

    Attributes:
        codes: (N, B) uint8, the planes of bits one after another, each of D bits filled up to whole bytes.
        dimension: D, components of a row.

    Raises:
        ValueError: B is no whole number of planes, or of more than 4.
    """

    codes: NDArray[np.uint8]
    dimension: int

    def __post_init__(self) -> None:
        plane = _plane_bytes(self.dimension)
        if self.codes.ndim != 2 or self.codes.shape[1] not in [bits * plane for bits in BITS]:
            raise ValueError(
                f"codes of shape {self.codes.shape} hold no rows of {self.dimension} components in 1 to 4 bits each"
            )

    @property
    def bits(self) -> int:
        """Bits of a component."""
        return int(self.codes.shape[1] // _plane_bytes(self.dimension))

    @property
    def shape(self) -> tuple[int, int]:
        """(N, D)."""
        return len(self.codes), self.dimension

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        """Return chosen rows, decoded: float32 of length one."""
        values = _levels(self.bits)[self._numbers(self.codes[rows])]
        values /= np.sqrt(np.einsum("...i,...i->...", values, values))[..., None]
        turned: NDArray[np.float32] = scipy.fft.idct(values, axis=-1, norm="ortho") * _signs(self.dimension)
        return turned

    def _numbers(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the (..., D) numbers of the levels of codes (..., B)."""
        each = codes.reshape(*codes.shape[:-1], self.bits, _plane_bytes(self.dimension))
        planes = np.unpackbits(each, axis=-1, count=self.dimension)
        numbers: NDArray[Any] = planes[..., 0, :]
        for plane in range(1, self.bits):
            numbers = (numbers << 1) | planes[..., plane, :]
        return numbers

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001
        """Return all rows, decoded, for numpy.

        Raises:
            ValueError: a copy is not allowed.
        """
        if copy is False:
            raise ValueError("rows of a few bits a component cannot be had as float numbers without a copy")
        return self[:].astype(dtype or np.float32, copy=False)

    def similarity(self, query: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the (N,) cosines of all rows with one vector (D,) of length one, block by block.

        The vector is turned in place of the rows, so that none of them has to be turned back.
        """
        turned = turned_row(query)
        parts = [np.empty(0, np.float32), *(values @ turned for values in self.turned_blocks())]
        return np.concatenate(parts)

    def turned_blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield all rows (K, D) as they are quantised, block by block: of length one, turned as `turned_row` does."""
        levels = _levels(self.bits)
        for start in range(0, len(self), _BLOCK_ROWS):
            values = levels[self._numbers(self.codes[start : start + _BLOCK_ROWS])]
            yield values / np.linalg.norm(values, axis=1, keepdims=True)

    def taken(self, rows: Sequence[int] | NDArray[np.int64]) -> QuantisedRows:
        """Return chosen rows (M,) as they are encoded."""
        return QuantisedRows(self.codes[np.asarray(rows, np.int64)], self.dimension)


def turned_row(row: NDArray[np.floating]) -> NDArray[np.float32]:
    """Turn a vector (D,) as rows are turned before they are quantised."""
    turned: NDArray[np.float32] = scipy.fft.dct(np.asarray(row, np.float32) * _signs(len(row)), norm="ortho")
    return turned


def quantise_rows(rows: NDArray[np.floating], bits: int) -> QuantisedRows:
    """Encode vectors by their direction; their length is not kept.

    Args:
        rows: (N, D), finite.
        bits: of a component, 1 to 4.

    Raises:
        ValueError: a number is not finite, or such bits are not known.
    """
    if bits not in BITS:
        raise ValueError(f"{bits!r} bits a component are not known; allowed: {', '.join(map(str, BITS))}")
    if not np.all(np.isfinite(rows)):
        raise ValueError("rows to encode hold numbers that are not finite")
    values = np.asarray(rows, np.float32)
    dimension = values.shape[1]
    lengths = np.maximum(np.linalg.norm(values, axis=1, keepdims=True), _SMALLEST)
    turned = scipy.fft.dct(values * _signs(dimension), axis=1, norm="ortho") * (np.sqrt(dimension) / lengths)
    levels = _levels(bits)
    number = np.searchsorted((levels[1:] + levels[:-1]) / 2, turned)
    planes = [(number >> plane) & 1 for plane in reversed(range(bits))]
    codes = np.packbits(np.array(planes, np.uint8), axis=-1)
    by_row = np.ascontiguousarray(codes.transpose(1, 0, 2))
    return QuantisedRows(by_row.reshape(len(values), bits * _plane_bytes(dimension)), dimension)


def _plane_bytes(dimension: int) -> int:
    return -(-dimension // 8)


def _levels(bits: int) -> NDArray[np.float32]:
    half = np.array(_POSITIVE_LEVELS[bits], np.float32)
    return np.concatenate([-half[::-1], half])


def _signs(dimension: int) -> NDArray[np.float32]:
    fractions = np.modf(np.arange(1, dimension + 1) ** 2 * _GOLDEN)[0]
    return np.where(fractions < 0.5, 1, -1).astype(np.float32)
