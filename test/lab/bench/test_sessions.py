# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bench of sessions: sizes and recall after each merge, survival by class."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sfd2_lab.bench.sessions import Taken, merge_rows, survival_by_class, take_sessions
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import PosedImage
from sfd2_ros.features.semantics import NOT_LABELLED
from sfd2_ros.mapping import load_map

if TYPE_CHECKING:
    from pathlib import Path


def silent(_step: str, _done: int, _total: int) -> None:
    pass


def test_each_merge_has_its_size_and_the_recall_of_all_sessions(random_place: Any, tmp_path: Path) -> None:
    random_place.map_again(tmp_path / "night" / "map", np.eye(4))
    maps = [load_map(random_place.map_folder), load_map(tmp_path / "night" / "map")]
    pose = inverse(rigid(rotation_from_vector([0.03, 0.0, 0.0]), [0.3, 0.1, 0.3]))
    elsewhere = inverse(rigid(rotation_from_vector([0.03, 0.0, 0.0]), [0.3, 0.1, 0.9]))
    view = random_place.view(pose, seed=3)
    sessions = [
        Taken("day", [], [(PosedImage("a", random_place.camera, pose), view)]),
        Taken("night", [], [(PosedImage(n, random_place.camera, p), view) for n, p in (("b", pose), ("c", elsewhere))]),
    ]
    rows = merge_rows(sessions, maps, tmp_path, silent)
    assert [row.session for row in rows] == ["day", "night"]
    assert rows[0].growth == 1.0
    assert 1.0 <= rows[1].growth < 1.5
    assert rows[1].recall == {"day": 1.0, "night": 0.5}


def test_survival_counts_the_later_sessions_by_class() -> None:
    classes = np.array([0, 0, 2, 2, NOT_LABELLED, 1], np.uint8)
    seen = np.array([1, 2, 5, 4, 5, 1], np.uint8)
    expected = np.array([5, 3, 5, 5, 5, 2], np.uint8)  # the last one was visible in one later session only
    rows = survival_by_class(classes, seen, expected)
    assert [(row.stability, row.landmarks) for row in rows] == [(0.1, 2), (1.0, 2)]
    assert [row.survival for row in rows] == [pytest.approx(1 / 6), pytest.approx(7 / 8)]


def test_a_session_of_three_images_is_rejected(painted: Path, tmp_path: Path) -> None:
    scene = shutil.copytree(painted, tmp_path / "scene")
    names = (scene / "map.txt").read_text().split()
    (scene / "map.txt").write_text("\n".join(names[:2]))
    (scene / "query.txt").write_text(names[2])
    with pytest.raises(SceneError, match="has 3 images; at least 4 are needed"):
        take_sessions(scene, lambda _image: None, silent)  # type: ignore[arg-type,return-value]
