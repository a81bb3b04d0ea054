# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.posed_views import PosedView, ViewPixels, write_views
from sfd2_lab.training.data.view_source import ViewSource
from sfd2_lab.training.teachers.repeatability import repeated_corners

INTRINSICS = (50.0, 50.0, 29.5, 19.5)
ON_CAR, ON_WALL, MOVED, HIDDEN, OUTSIDE = [10.0, 30.0], [40.0, 10.0], [40.0, 30.0], [55.0, 20.0], [5.0, 10.0]


def view(condition: str, x_m: float = 0.0) -> PosedView:
    pose = np.eye(4)
    pose[0, 3] = x_m
    return PosedView(condition, "street", condition, INTRINSICS, pose)


def depths(session: int) -> torch.Tensor:
    """Return a wall 10 m away; a car before it in the first session, a tree at the right in the second."""
    depth = torch.full((40, 60), 10.0)
    if session == 0:
        depth[22:, :30] = 5.0
    else:
        depth[:, 45:] = 4.0
    return depth


def test_reliability_is_what_other_sessions_found() -> None:
    corners = torch.tensor([[*ON_CAR, 0.9], [*ON_WALL, 0.8], [*MOVED, 0.6], [*HIDDEN, 0.7], [*OUTSIDE, 0.5]])
    # The other camera stands 2 m to the right: the wall's points are 10 px farther left there.
    again = torch.tensor([[31.0, 11.0, 0.3], [36.0, 30.0, 0.9], [0.0, 30.0, 0.9]])
    found = repeated_corners(
        corners, view("day"), depths(0), [(view("night", 2.0), depths(1), again)], tolerance_px=3.0
    )
    assert torch.equal(found[:, :2], corners[:, :2])
    assert found[0, 2] == pytest.approx(0.9)  # the car's corner is outside the other view: nothing is told
    assert found[1, 2] == pytest.approx(1.8 / 2)  # found again, 1.4 px away
    assert found[2, 2] == pytest.approx(0.6 / 2)  # the nearest corner is 6 px away
    assert found[3, 2] == pytest.approx(0.7)  # behind the tree
    assert found[4, 2] == pytest.approx(0.5)


def test_what_is_gone_is_not_found_again_though_a_corner_is_seen_there() -> None:
    corners = torch.tensor([[*ON_CAR, 1.0]])
    again = torch.tensor([[*ON_CAR, 1.0]])  # of the wall that the car hid
    found = repeated_corners(corners, view("day"), depths(0), [(view("night"), depths(1), again)], tolerance_px=3.0)
    assert found[0, 2] == pytest.approx(0.5)


def test_no_corners_and_no_other_views_change_nothing() -> None:
    nothing = torch.zeros(0, 3)
    there = [(view("night"), depths(1), nothing)]
    assert repeated_corners(nothing, view("day"), depths(0), there, tolerance_px=3.0).shape == (0, 3)
    corners = torch.tensor([[*ON_WALL, 0.8]])
    assert torch.equal(repeated_corners(corners, view("day"), depths(0), [], tolerance_px=3.0), corners)
    assert repeated_corners(corners, view("day"), depths(0), there, tolerance_px=3.0)[0, 2] == pytest.approx(0.4)


def test_source_of_views_asks_other_conditions_only(tmp_path: Path) -> None:
    views = []
    for index, condition in enumerate(("day", "day", "night")):
        pixels = ViewPixels(np.full((40, 60, 3), index, np.uint8), np.zeros((40, 60), np.uint8), depths(1).numpy())
        views.append((PosedView(str(index), "street", condition, INTRINSICS, np.eye(4)), pixels))
    write_views(tmp_path / "views", views)

    def corners_of(image: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[*ON_WALL, 0.6]] if int(image[0, 0, 0]) < 2 else [[20.0, 20.0, 0.6]])

    folder, nothing = tmp_path / "views", np.zeros(0, np.uint8)
    plain = ViewSource(folder, nothing, corners_of, WarpConfig())
    judged = ViewSource(folder, nothing, corners_of, WarpConfig(), 4)
    assert plain.view(0).corners[0, 2] == pytest.approx(0.6)
    assert judged.view(0).corners[0, 2] == pytest.approx(0.3)  # the night did not find it; the other day was not asked
