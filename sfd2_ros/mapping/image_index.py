# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which images of a map look like a query, at any size of the map.

Images are compared in two steps. The signs of all components, a bit each, give a few hundred images by their Hamming
distance; the whole codes order these. In both, the mean of all images is subtracted: among many images, what all have
in common would drown what makes them different. Up to some thousand images
the first step compares all of them. Beyond, it uses an inverted file of faiss where that is installed: every eighth
image is the centre of a list of the images that are most like it, and only the lists whose centres are most like the
query are compared. A drive's images follow one another, so such centres lie all over the map, and nothing has to be
trained.

faiss was chosen over usearch: its wheels have no other dependency than numpy and exist for Python 3.10 on and ARM, its
lists are compared by the processor's count of bits, and its licence is MIT. usearch's graph has to be built image by
image, which takes minutes for a hundred thousand images at each start.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.mapping.quantised_rows import turned_row
from sfd2_ros.mapping.retrieval import most_similar

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sfd2_ros.mapping.quantised_rows import QuantisedRows

    Nearest = Callable[[NDArray[np.uint8], int], NDArray[np.int64]]

LOGGER = logging.getLogger(__name__)
SCAN_UP_TO = 5_000
"""Images that are all compared: some milliseconds. Not tuned."""
_LIST_IMAGES = 8
"""Images for each centre: a few metres of a drive. Not tuned."""
_LISTS_READ = 128
"""Lists compared for a query: a thousand images. Not tuned."""
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

    def __init__(self, aggregates: QuantisedRows, *, scan_up_to: int = SCAN_UP_TO) -> None:
        """Make the index.

        Args:
            aggregates: (I, G) of the images of a map.
            scan_up_to: from more images on, faiss's inverted file is used where faiss is installed.
        """
        self._aggregates = aggregates
        self._mean = np.zeros(aggregates.dimension, np.float32)
        for block in aggregates.turned_blocks():
            self._mean += block.sum(axis=0) / len(aggregates)
        signs = np.concatenate(
            [np.empty((0, -(-aggregates.dimension // 8)), np.uint8), *map(self._signs, aggregates.turned_blocks())]
        )
        lengths = (np.linalg.norm(block - self._mean, axis=1) for block in aggregates.turned_blocks())
        self._lengths = np.concatenate([np.empty(0, np.float32), *lengths])
        faiss = _faiss() if len(signs) > scan_up_to else None
        self.is_exhaustive = faiss is None
        self._nearest = _scan(signs) if faiss is None else _inverted_file(faiss, signs)

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

    def _signs(self, turned: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the signs of turned rows (..., G) without what all images have in common, eight a byte."""
        return np.packbits(turned > self._mean, axis=-1)


def _scan(signs: NDArray[np.uint8]) -> Nearest:
    """Return a search that compares all images (I, B) with a query (B,)."""

    def nearest(query: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
        """Return (count,) images, in any order."""
        starts = range(0, len(signs), _BLOCK_IMAGES)
        distances = np.concatenate([_bits(signs[start : start + _BLOCK_IMAGES] ^ query) for start in starts])
        return np.argpartition(distances, count - 1)[:count]

    return nearest


def _bits(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (N,) how many bits are set in each row (N, B)."""
    counted = np.bitwise_count(codes) if hasattr(np, "bitwise_count") else _BITS_OF_BYTE[codes]  # numpy 2 counts faster
    total: NDArray[np.int64] = counted.sum(axis=1, dtype=np.int64)
    return total


def _inverted_file(faiss: Any, signs: NDArray[np.uint8]) -> Nearest:
    """Return a search in an inverted file of faiss over images (I, B)."""
    bits = 8 * signs.shape[1]
    centres = faiss.IndexBinaryFlat(bits)
    centres.add(signs[::_LIST_IMAGES])
    index = faiss.IndexBinaryIVF(centres, bits, centres.ntotal)
    index.is_trained, index.nprobe = True, _LISTS_READ
    index.add(signs)

    def nearest(query: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
        """Return at most (count,) images, in any order."""
        found = index.search(query[None], count)[1][0]
        chosen: NDArray[np.int64] = found[found >= 0]
        return chosen

    nearest.centres = centres  # type: ignore[attr-defined]  # faiss keeps no reference to it
    return nearest


def _faiss() -> Any:
    """Return faiss, or None where it is not installed."""
    try:
        import faiss  # noqa: PLC0415  optional: maps of some thousand images do without
    except ImportError:
        LOGGER.warning(
            "faiss is not installed: every query is compared with all images of this map; install faiss-cpu (the extra "
            "'large') to compare a few thousand"
        )
        return None
    return faiss
