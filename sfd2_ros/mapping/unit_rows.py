# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Vectors of length one in a byte a component: what a map keeps of descriptors, directions and aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

GREATEST = 127
_SMALLEST = np.float32(1e-9)


@dataclass(frozen=True, eq=False)
class UnitRows:
    """Rows of length one, decoded where they are looked up; the array itself stays mapped into memory.

    A row is scaled until its greatest component is 127, and rounded. Its scale need not be kept: the length is one.
    Encoding what was decoded gives the same bytes, so that a map written again does not drift.

    Attributes:
        codes: (N, D) int8 from -127 to 127; a row of zeros stands for no direction at all.
    """

    codes: NDArray[np.int8]

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, D)."""
        return self.codes.shape

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        """Return chosen rows, decoded: float32 of length one, zeros where there is no direction."""
        chosen = self.codes[rows].astype(np.float32)
        lengths = np.sqrt(np.einsum("...i,...i->...", chosen, chosen))[..., None]
        decoded: NDArray[np.float32] = np.divide(chosen, np.maximum(lengths, _SMALLEST), out=chosen)
        return decoded

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001
        """Return all rows, decoded; numpy asks for it.

        Raises:
            ValueError: numpy asks for the rows without a copy.
        """
        if copy is False:
            raise ValueError("rows of a byte a component cannot be had as float numbers without a copy")
        return self[:].astype(dtype or np.float32, copy=False)

    def taken(self, rows: Sequence[int] | NDArray[np.int64]) -> UnitRows:
        """Return chosen rows as they are encoded."""
        return UnitRows(self.codes[np.asarray(rows, np.int64)])

    def greatest(self) -> NDArray[np.int16]:
        """Return (N,) the greatest absolute code of each row: 127, or 0 where there is no direction."""
        highest, lowest = (each(axis=1, initial=0).astype(np.int16) for each in (self.codes.max, self.codes.min))
        largest: NDArray[np.int16] = np.maximum(highest, -lowest)
        return largest


def encode_rows(rows: NDArray[np.floating]) -> UnitRows:
    """Encode vectors by their direction; their length is not kept.

    Args:
        rows: (N, D), finite.

    Raises:
        ValueError: a number is not finite.
    """
    if not np.all(np.isfinite(rows)):
        raise ValueError("rows to encode hold numbers that are not finite")
    values = np.asarray(rows, np.float32)
    greatest = np.abs(values).max(axis=1, keepdims=True, initial=0)
    return UnitRows(np.rint(values * (GREATEST / np.maximum(greatest, _SMALLEST))).astype(np.int8))
