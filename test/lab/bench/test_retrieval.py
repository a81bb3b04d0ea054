# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sfd2_lab.bench.opencv_peers import SiftPeer
from sfd2_lab.bench.retrieval import VARIANTS, Variant, bench_retrieval, learn_whitening, rank_places, sessions_of
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.types import Features
from sfd2_ros.tools.main import main


def silent(_step: str, _done: int, _total: int) -> None:
    pass


def wall(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (15, 20, 3)).repeat(10, 0).repeat(10, 1).astype(np.uint8)


def features_of(place: int, session: int) -> Features:
    """Return features whose descriptors are of a place, with some noise of the session and much that all share."""
    own = np.random.default_rng(place).normal(size=(40, 16))
    noise = np.random.default_rng(100 * place + session + 1000).normal(size=(40, 16))
    descriptors = own + 0.3 * noise
    descriptors = (descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True)).astype(np.float32)
    ones = np.ones(40, np.float32)
    return Features(np.zeros((40, 2), np.float32), ones, ones, descriptors, (100, 100), "x")


@pytest.fixture
def seasons(tmp_path: Path) -> Path:
    """Return four places in two seasons, the second one darker, and a third season with the places in another order."""
    (tmp_path / "images").mkdir()
    for session, order in enumerate(([0, 1, 2, 3], [0, 1, 2, 3], [1, 0, 3, 2])):
        for place, seed in enumerate(order):
            cv2.imwrite(str(tmp_path / "images" / f"{session:02d}{place:02d}.png"), wall(seed) // (1 + session % 2))
    return tmp_path


def test_the_same_place_of_another_season_comes_first_and_a_wrong_one_does_not(seasons: Path) -> None:
    rows = bench_retrieval([seasons], {"sift": SiftPeer(200)}, silent)
    assert [row.variant for row in rows] == [variant.name for variant in VARIANTS if not variant.is_learned]
    # Of the six ordered pairs of sessions, the two between the first and the second session have the same order.
    for row in rows:
        assert row.queries == 24
        assert row.recall == {1: pytest.approx(1 / 3), 5: 1.0, 10: 1.0}


def test_learned_variants_are_compared_where_other_images_are_given(seasons: Path, tmp_path: Path) -> None:
    others = []
    for seed in range(20, 26):
        others.append(tmp_path / f"{seed}.png")
        cv2.imwrite(str(others[-1]), wall(seed))
    rows = bench_retrieval([seasons], {"sift": SiftPeer(200)}, silent, near=1, other_images=others)
    assert [row.variant for row in rows] == [variant.name for variant in VARIANTS]
    assert all(row.recall[1] == 1.0 for row in rows if "whitened" not in row.variant)  # a neighbour is right, too


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_ranks_the_right_place_first_where_it_is_easy(variant: Variant) -> None:
    features = {name: [features_of(place, number) for place in range(6)] for number, name in enumerate("ab")}
    places = {name: list(range(6)) for name in features}
    learned = [features_of(place, 5) for place in range(50, 90)]
    ranks = rank_places(features, places, variant, learned=learned)
    assert ranks == {"a": [1] * 6, "b": [1] * 6}


def test_query_without_a_right_image_is_not_ranked_and_one_without_features_comes_by_order() -> None:
    nothing = Features(*(np.zeros(shape, np.float32) for shape in ((0, 2), 0, 0, (0, 16))), (100, 100), "x")
    features = {"a": [features_of(0, 0), features_of(1, 0)], "b": [features_of(7, 1), nothing]}
    ranks = rank_places(features, {"a": [0, 1], "b": [7, 1]}, VARIANTS[0])
    assert ranks == {"a": [2], "b": [2]}


def test_whitening_gives_its_own_images_equal_variance_in_every_direction() -> None:
    rng = np.random.default_rng(0)
    given = (rng.normal(size=(300, 5)) * [5.0, 1.0, 0.2, 0.0, 2.0] + 3.0).astype(np.float32)
    whitening = learn_whitening(given, 4)
    assert whitening.axes.shape == (5, 4)
    projected = (given - whitening.mean) @ whitening.axes
    np.testing.assert_allclose(np.cov(projected.T), np.eye(4), atol=0.02)
    np.testing.assert_allclose(np.linalg.norm(whitening(given), axis=1), 1, atol=1e-5)
    assert learn_whitening(given[:3], 4).axes.shape == (5, 2)


def test_sessions_are_folders_of_one_route_or_numbers_in_names(seasons: Path, tmp_path: Path) -> None:
    assert {name: [place for place, _ in found] for name, found in sessions_of(seasons).items()} == {
        name: [0, 1, 2, 3] for name in ("00", "01", "02")
    }
    for session in ("winter", "spring"):
        (tmp_path / "route" / session).mkdir(parents=True)
        for index in range(3):
            cv2.imwrite(str(tmp_path / "route" / session / f"{index + 7}.png"), wall(index))
    found = sessions_of(tmp_path / "route")
    assert {name: [(place, path.name) for place, path in one] for name, one in found.items()} == {
        name: [(0, "7.png"), (1, "8.png"), (2, "9.png")] for name in ("spring", "winter")
    }
    with pytest.raises(SceneError, match=r"has 0 session.*at least two are needed"):
        sessions_of(tmp_path / "route" / "winter")


def test_command_prints_and_writes_the_table(seasons: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "f.json"
    assert main(["bench", "retrieval", str(seasons), "--methods", "sift", "--near", "1", "--json", str(figures)]) == 0
    assert "localizer" in capsys.readouterr().out
    assert json.loads(figures.read_text())["rows"][0]["recall"]["1"] == 1.0
