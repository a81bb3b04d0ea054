# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.matching import nearest
from sfd2_ros.matching.nearest import match_distinct, match_mutual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Matches

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
counts = st.integers(0, 30)


def descriptors(count: int, seed: int, dimension: int = 16) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).normal(size=(count, dimension))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def oracle(
    query: NDArray[np.float32], target: NDArray[np.float32], min_similarity: float, ratio: float | None
) -> list[tuple[int, int]]:
    """Matches by the definition, in loops."""
    found = []
    similarity = query.astype(float) @ target.astype(float).T
    for i in range(len(query)):
        j = int(similarity[i].argmax()) if len(target) else -1
        if j < 0 or int(similarity[:, j].argmax()) != i or similarity[i, j] < min_similarity:
            continue
        others = np.delete(similarity[i], j)
        nearest_distance = np.sqrt(max(0.0, 2 - 2 * similarity[i, j]))
        second_distance = np.sqrt(2 - 2 * others.max()) if len(others) else np.inf
        if ratio is None or nearest_distance <= ratio * second_distance:
            found.append((i, j))
    return found


def pairs(matches: Matches) -> list[tuple[int, int]]:
    return list(zip(matches.query.tolist(), matches.target.tolist(), strict=True))


@given(
    n=counts,
    m=counts,
    seed=st.integers(0, 999),
    floor=st.sampled_from([-1.0, 0.2, 0.5]),
    ratio=st.sampled_from([None, 0.8, 1.0]),
)
@QUICK
def test_matches_equal_the_oracle(n: int, m: int, seed: int, floor: float, ratio: float | None) -> None:
    query, target = descriptors(n, seed), descriptors(m, seed + 1000)
    found = match_mutual(query, target, min_similarity=floor, ratio=ratio)
    assert pairs(found) == oracle(query, target, floor, ratio)
    np.testing.assert_allclose(found.similarity, (query[found.query] * target[found.target]).sum(1), atol=1e-6)
    assert (found.query.dtype, found.target.dtype, found.similarity.dtype) == (np.int64, np.int64, np.float32)


@given(n=counts, m=counts, seed=st.integers(0, 999), ratio=st.sampled_from([0.8, 0.95, 1.0]))
@QUICK
def test_distinct_matches_are_those_that_pass_the_ratio_test(n: int, m: int, seed: int, ratio: float) -> None:
    query, target = descriptors(n, seed), descriptors(m, seed + 1000)
    found, is_distinct = match_distinct(query, target, min_similarity=0.2, ratio=ratio)
    assert pairs(found) == oracle(query, target, 0.2, None)
    assert [pair for pair, each in zip(pairs(found), is_distinct, strict=True) if each] == oracle(
        query, target, 0.2, ratio
    )


@given(n=counts, m=counts, seed=st.integers(0, 999), block=st.integers(1, 200))
@QUICK
def test_size_of_the_blocks_changes_nothing(n: int, m: int, seed: int, block: int) -> None:
    query, target = descriptors(n, seed), descriptors(m, seed + 1000)
    whole = match_mutual(query, target, ratio=0.95)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "BLOCK_ENTRIES", block)
        assert pairs(match_mutual(query, target, ratio=0.95)) == pairs(whole)


@given(n=counts, seed=st.integers(0, 999))
@QUICK
def test_permuted_copy_is_matched_to_itself(n: int, seed: int) -> None:
    query = descriptors(n, seed)
    order = np.random.default_rng(seed).permutation(n)
    found = match_mutual(query, query[order])
    assert found.query.tolist() == list(range(n))
    np.testing.assert_array_equal(order[found.target], np.arange(n))
    np.testing.assert_allclose(found.similarity, 1, atol=1e-6)


@given(n=counts, m=counts, seed=st.integers(0, 999))
@QUICK
def test_matches_do_not_depend_on_which_side_is_the_query(n: int, m: int, seed: int) -> None:
    query, target = descriptors(n, seed), descriptors(m, seed + 1000)
    there, back = match_mutual(query, target), match_mutual(target, query)
    assert sorted(pairs(there)) == sorted((j, i) for i, j in pairs(back))


def test_each_side_is_matched_at_most_once_even_among_equals() -> None:
    same = np.repeat(descriptors(1, 0), 5, axis=0)
    found = match_mutual(same, same)
    assert len(set(found.query.tolist())) == len(found) == len(set(found.target.tolist())) == 1


@pytest.mark.parametrize("block", [1, 7, 1 << 24])
def test_among_equals_the_first_is_matched_whatever_the_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "BLOCK_ENTRIES", block)
    query, target = np.tile(descriptors(3, 0), (4, 1)), np.tile(descriptors(3, 0), (5, 1))
    assert pairs(match_mutual(query, target)) == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 5), (5, 0)])
def test_nothing_matches_nothing(n: int, m: int) -> None:
    found = match_mutual(descriptors(n, 0), descriptors(m, 1), ratio=0.8)
    assert len(found) == 0
    assert found.similarity.dtype == np.float32


def test_a_single_target_passes_the_ratio_test() -> None:
    assert pairs(match_mutual(descriptors(4, 0), descriptors(1, 1), ratio=0.5))[0][1] == 0


@pytest.mark.parametrize("convert", [torch.from_numpy, np.asarray, lambda a: torch.from_numpy(a).half()])
def test_numpy_and_torch_give_the_same(convert: Callable[[Any], Any]) -> None:
    query, target = descriptors(40, 3), descriptors(50, 4)
    assert pairs(match_mutual(convert(query), target)) == pairs(match_mutual(query, target))
    assert pairs(match_mutual(query, convert(target))) == pairs(match_mutual(query, target))


@pytest.mark.parametrize("value", [1.5, -1.1, float("nan")])
def test_minimum_similarity_that_is_no_cosine_is_refused(value: float) -> None:
    with pytest.raises(ConfigError, match="min_similarity"):
        match_mutual(descriptors(2, 0), descriptors(2, 1), min_similarity=value)


@pytest.mark.parametrize("value", [0.0, 1.1, -0.5, float("nan")])
def test_ratio_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(ConfigError, match="ratio"):
        match_mutual(descriptors(2, 0), descriptors(2, 1), ratio=value)


def test_descriptors_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 16\) and \(2, 8\)"):
        match_mutual(descriptors(2, 0), descriptors(2, 1, 8))
    with pytest.raises(ValueError, match="needed"):
        match_mutual(descriptors(2, 0)[0], descriptors(2, 1))
