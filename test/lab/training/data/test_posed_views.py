# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.pairs import collate
from sfd2_lab.training.data.posed_views import (
    PosedView,
    ViewPixels,
    flow_between,
    read_depth,
    read_view_index,
    write_views,
)
from sfd2_lab.training.data.view_source import ViewSource
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.transforms import rigid, rotation_from_vector

INTRINSICS = (100.0, 100.0, 59.5, 44.5)
SIZE = (90, 120)


def wall_view(name: str, map_from_cam: np.ndarray, condition: str) -> tuple[PosedView, ViewPixels]:
    """What a camera sees of the wall z = 10, whose brightness follows x and y."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    ray = np.stack([(x - 59.5) / 100, (y - 44.5) / 100, np.ones(SIZE)], axis=-1) @ map_from_cam[:3, :3].T
    depth = (10 - map_from_cam[2, 3]) / ray[..., 2]
    point = ray * depth[..., None] + map_from_cam[:3, 3]
    image = np.clip(np.stack([128 + 12 * point[..., 0], 128 + 12 * point[..., 1], 128 + 0 * depth], -1), 0, 255)
    view = PosedView(name, "wall", condition, INTRINSICS, map_from_cam)
    return view, ViewPixels(image.astype(np.uint8), np.full(SIZE, 2, np.uint8), depth.astype(np.float32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    poses = [np.eye(4), rigid(rotation_from_vector([0.0, 0.1, 0.05]), [0.5, -0.2, 1.0])]
    views = [wall_view(f"{i}", pose, condition) for i, (pose, condition) in enumerate(zip(poses, "ab", strict=True))]
    assert write_views(tmp_path / "views", views) == 2
    return tmp_path / "views"


def test_views_read_back_as_written(folder: Path) -> None:
    first, second = read_view_index(folder)
    assert (first.name, first.place, second.condition) == ("0", "wall", "b")
    np.testing.assert_allclose(second.map_from_cam[:3, 3], [0.5, -0.2, 1.0])
    torch.testing.assert_close(read_depth(folder, first), torch.full(SIZE, 10.0))


def test_flow_takes_a_point_of_the_wall_to_its_projection(folder: Path) -> None:
    first, second = read_view_index(folder)
    flow = flow_between(first, read_depth(folder, first), second, read_depth(folder, second))
    point = np.array([(70 - 59.5) / 10, (30 - 44.5) / 10, 10.0])
    in_second = np.linalg.inv(second.map_from_cam) @ [*point, 1.0]
    expected = in_second[:2] / in_second[2] * 100 + [59.5, 44.5]
    np.testing.assert_allclose(flow.target[30, 70].numpy(), expected, atol=0.05)
    assert flow.visible[30, 70]
    assert 0.5 < float(flow.visible.float().mean()) < 1


def test_what_another_thing_hides_and_the_sky_are_not_visible(folder: Path) -> None:
    first, second = read_view_index(folder)
    depth, other = read_depth(folder, first), read_depth(folder, second)
    x, y = flow_between(first, depth, second, other).target[30, 70].round().long().tolist()
    other[y - 2 : y + 3, x - 2 : x + 3] = 4.0  # something stands before the wall
    depth[60, 60] = torch.inf
    flow = flow_between(first, depth, second, other)
    assert not flow.visible[30, 70]
    assert not flow.visible[60, 60]
    assert torch.isfinite(flow.target).all()


def test_sky_has_no_place_even_where_something_near_is_seen(folder: Path) -> None:
    first, _ = read_view_index(folder)
    flow = flow_between(first, torch.full(SIZE, torch.inf), first, torch.ones(SIZE))
    assert not flow.visible.any()


def test_pairs_of_views_match_in_colour(folder: Path) -> None:
    source = ViewSource(folder, np.array([0, 1, 2], np.uint8), lambda _image: torch.zeros(0, 3), WarpConfig())
    compared = 0
    for seed in range(6):
        batch = collate([source.pair(torch.Generator().manual_seed(seed), 64)], 64, torch.device("cpu"))
        for row, column in torch.nonzero(batch.matched[0])[::5].tolist():
            x, y = batch.target[0, row, column].tolist()
            here = batch.images[0, :2, 4 * row + 1 : 4 * row + 3, 4 * column + 1 : 4 * column + 3].mean((1, 2))
            assert (here - batch.images[1, :2, round(y), round(x)]).abs().max() < 3 / 255
            compared += 1
        assert (batch.classes[batch.valid] == 2).all()
    assert compared > 50


def test_folder_without_index_or_with_a_broken_one_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no views at"):
        read_view_index(tmp_path / "nothing")
    (folder / "views.json").write_text('{"views": [{"name": "0"}]}')
    with pytest.raises(SceneError, match="malformed"):
        read_view_index(folder)


def test_views_that_are_far_apart_are_refused(tmp_path: Path) -> None:
    far = [wall_view("0", np.eye(4), "a"), wall_view("1", rigid(np.eye(3), [50.0, 0.0, 0.0]), "a")]
    write_views(tmp_path / "far", far)
    with pytest.raises(SceneError, match="no two views"):
        ViewSource(tmp_path / "far", np.zeros(0, np.uint8), lambda _image: torch.zeros(0, 3), WarpConfig())
