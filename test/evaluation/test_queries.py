# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a scene asks for, and what it wants refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sfd2_ros.core.errors import PoseFileError, SceneError
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.evaluation.queries import load_queries, refuse_strangers
from sfd2_ros.mapping.colmap_io import write_posed_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("images", "sparse"):
        (tmp_path / part).mkdir()
    camera = Camera(640, 480, 500, 500, 319.5, 239.5)
    write_posed_model(tmp_path / "sparse", [PosedImage(f"{i}.jpg", camera, np.eye(4)) for i in range(4)])
    return tmp_path


def test_without_lists_all_images_are_queries(folder: Path) -> None:
    queries = load_queries(folder)
    assert sorted(queries.reference) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert queries.foreign == ()


def test_foreign_images_of_the_model_are_no_queries(folder: Path) -> None:
    (folder / "foreign.txt").write_text("3.jpg\nelsewhere.jpg\n")
    queries = load_queries(folder)
    assert sorted(queries.reference) == ["0.jpg", "1.jpg", "2.jpg"]
    assert queries.foreign == ("3.jpg", "elsewhere.jpg")


def test_query_txt_is_the_default_and_another_list_may_be_named(folder: Path) -> None:
    (folder / "query.txt").write_text("2.jpg\n0.jpg\n")
    (folder / "night.txt").write_text("1.jpg\n")
    assert list(load_queries(folder).reference) == ["2.jpg", "0.jpg"]
    assert list(load_queries(folder, "night.txt").reference) == ["1.jpg"]


def test_an_image_is_not_query_and_foreign_at_once(folder: Path) -> None:
    (folder / "query.txt").write_text("0.jpg\n")
    (folder / "foreign.txt").write_text("0.jpg\n")
    with pytest.raises(SceneError, match=r"both name '0.jpg'"):
        load_queries(folder)


@pytest.mark.parametrize("name", ["nosuch.txt", ""])
def test_a_list_that_is_not_there_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(SceneError, match="cannot be read"):
        load_queries(folder, name)


def test_a_query_without_a_pose_is_refused(folder: Path) -> None:
    (folder / "query.txt").write_text("0.jpg\n9.jpg\n")
    with pytest.raises(SceneError, match=r"no pose for: 9.jpg"):
        load_queries(folder)


def test_poses_of_another_scene_are_refused(folder: Path) -> None:
    queries = load_queries(folder)
    with pytest.raises(PoseFileError, match=r"none of 1 poses in 'p.txt' is of a query: .* like 'images/0.jpg', the"):
        refuse_strangers({"images/0.jpg": None}, queries, "p.txt")
    refuse_strangers({}, queries, "p.txt")
    refuse_strangers({"0.jpg": None, "more.jpg": None}, queries, "p.txt")
