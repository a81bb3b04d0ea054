# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which images of a map look like a query, at any size of the map.

Images are compared in two steps. The signs of all components, a bit each, give a few hundred images by their Hamming
distance; the whole codes order these. In both, the mean of all images is subtracted: among many images, what all have
in common would drown what makes them different. Every image is compared: 26,000 take 24 ms and 53 MB. An inverted file
of faiss took 7 ms and missed the most similar image in half of the queries
(docs/reports/2026-11-28-map-size.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.mapping.quantised_rows import turned_row
from sfd2_ros.mapping.retrieval import most_similar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.mapping.quantised_rows import QuantisedRows

_SHORTLIST = 128
"""Images that are ordered by their whole codes, at the least; the ten best are among them nearly always."""
_SHORTLIST_TIMES = 8
"""The same where more than sixteen images are wanted, as a multiple of their number. Not tuned."""
_BLOCK_IMAGES = 1024
"""Images compared at a time: a megabyte of signs stays in the cache. Not tuned."""
_SMALLEST = np.float32(1e-9)
_BITS_OF_BYTE = np.array([value.bit_count() for value in range(256)], np.uint8)


class ImageIndex:
    """Finds the images that look most like a query."""

    def __init__(self, aggregates: QuantisedRows) -> None:
        """Make the index of images with aggregates (I, G)."""
        self._aggregates = aggregates
        self._mean = np.zeros(aggregates.dimension, np.float32)
        for block in aggregates.turned_blocks():
            self._mean += block.sum(axis=0) / len(aggregates)
        self._all_signs = np.concatenate(
            [np.empty((0, -(-aggregates.dimension // 8)), np.uint8), *map(self._signs, aggregates.turned_blocks())]
        )
        lengths = (np.linalg.norm(block - self._mean, axis=1) for block in aggregates.turned_blocks())
        self._lengths = np.concatenate([np.empty(0, np.float32), *lengths])

    def most_similar(self, query: NDArray[np.float32], count: int) -> list[int]:
        """Return indices of the images that look most like a query, best first.

        Args:
            query: (G,) aggregate of the query.
            count: how many to return at the most.
        """
        wanted = max(_SHORTLIST, _SHORTLIST_TIMES * count)
        if len(self._aggregates) <= wanted:
            return [int(index) for index in most_similar(query, self._aggregates, count)[0]]
        turned = turned_row(query)
        shortlist = np.sort(self._nearest(self._signs(turned), wanted))
        blocks = self._aggregates.taken(shortlist).turned_blocks()
        similarity = np.concatenate([(block - self._mean) @ (turned - self._mean) for block in blocks])
        similarity /= np.maximum(self._lengths[shortlist], _SMALLEST)
        best = np.argsort(-similarity, kind="stable")[:count]
        return [int(index) for index in shortlist[best]]

    def _nearest(self, signs: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
        """Return (count,) images whose signs are nearest to (B,) signs, in any order."""
        starts = range(0, len(self._all_signs), _BLOCK_IMAGES)
        blocks = (self._all_signs[start : start + _BLOCK_IMAGES] for start in starts)
        distances = np.concatenate([_bits(block ^ signs) for block in blocks])
        return np.argpartition(distances, count - 1)[:count]

    def _signs(self, turned: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the signs of turned rows (..., G) without what all images have in common, eight a byte."""
        return np.packbits(turned > self._mean, axis=-1)


def _bits(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (N,) how many bits are set in each row (N, B)."""
    counted = np.bitwise_count(codes) if hasattr(np, "bitwise_count") else _BITS_OF_BYTE[codes]  # numpy 2 counts faster
    total: NDArray[np.int64] = counted.sum(axis=1, dtype=np.int64)
    return total
