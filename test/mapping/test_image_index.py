# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The index of images finds what comparing all of them finds, whatever the size of the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.mapping.image_index import ImageIndex
from sfd2_ros.mapping.quantised_rows import QuantisedRows, quantise_rows
from sfd2_ros.mapping.retrieval import most_similar

if TYPE_CHECKING:
    import pytest
    from numpy.typing import NDArray


def _street(count: int, dimension: int = 512, step: float = 0.25) -> NDArray[np.float32]:
    """Return vectors that change a little from one image to the next, about a mean that all share."""
    generator = np.random.default_rng(5)
    walk = np.cumsum(generator.normal(size=(count, dimension)), axis=0) * step
    rows = 3 * generator.normal(size=dimension) + walk - 0.9 * walk.mean(axis=0) + generator.normal(size=walk.shape)
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _queries(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    noise = np.random.default_rng(6).normal(size=rows.shape).astype(np.float32) * 0.5 / np.sqrt(rows.shape[1])
    return (rows + noise) / np.linalg.norm(rows + noise, axis=1, keepdims=True)


def _recall(index: ImageIndex, rows: QuantisedRows, queries: NDArray[np.float32]) -> float:
    """Return the fraction of the ten most similar images, by the mean-free cosines of all, that the index finds."""
    mean = rows[:].mean(axis=0)
    free = rows[:] - mean
    free /= np.linalg.norm(free, axis=1, keepdims=True)
    best = [most_similar(one - mean, free, 10)[0].tolist() for one in queries]
    found = [len(set(index.most_similar(one, 10)) & set(ten)) for one, ten in zip(queries, best, strict=True)]
    return float(np.mean(found)) / 10


def test_a_small_map_is_searched_as_by_comparing_all() -> None:
    rows = _street(60)
    encoded = quantise_rows(rows, 2)
    index = ImageIndex(encoded)
    for query in _queries(rows)[::7]:
        assert index.most_similar(query, 10) == most_similar(query, encoded, 10)[0].tolist()
        assert index.most_similar(query, 100) == most_similar(query, encoded, 100)[0].tolist()


def test_a_scan_of_the_signs_finds_the_most_similar() -> None:
    rows = _street(1500)
    encoded = quantise_rows(rows, 2)
    index = ImageIndex(encoded)
    assert _recall(index, encoded, _queries(rows)[::50]) > 0.98


def test_bits_are_counted_alike_with_every_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = _street(300)
    query = _queries(rows)[17]
    index = ImageIndex(quantise_rows(rows, 2))
    found = index.most_similar(query, 10)
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert index.most_similar(query, 10) == found


def test_an_index_of_no_images_finds_none() -> None:
    index = ImageIndex(QuantisedRows(np.empty((0, 128), np.uint8), 512))
    assert index.most_similar(_street(1)[0], 10) == []
