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
from sfd2_lab.training.teachers.survival import survival_of_labels

WALL, CAR, TREE = 1, 20, 4


@pytest.fixture
def sessions(tmp_path: Path) -> ViewSource:
    """A wall 10 m away; a car before its left half that is gone in the other session; a tree that came up there."""
    views = []
    for session in range(2):
        labels, depth = np.full((40, 60), WALL, np.uint8), np.full((40, 60), 10.0, np.float32)
        if session == 0:
            labels[20:, :30], depth[20:, :30] = CAR, 5.0
        else:
            labels[:, 50:], depth[:, 50:] = TREE, 4.0
        view = PosedView(str(session), "street", str(session), (50.0, 50.0, 29.5, 19.5), np.eye(4))
        views.append((view, ViewPixels(np.zeros((40, 60, 3), np.uint8), labels, depth)))
    write_views(tmp_path / "views", views)
    return ViewSource(tmp_path / "views", np.zeros(0, np.uint8), lambda _image: torch.zeros(0, 3), WarpConfig())


def test_what_is_gone_does_not_survive_and_what_is_hidden_tells_nothing(sessions: ViewSource) -> None:
    share, counted = survival_of_labels(sessions, [(0, 1)])
    assert share[CAR] == 0
    assert counted[CAR] == 20 * 30
    assert share[WALL] == 1
    assert counted[WALL] == 40 * 60 - 20 * 30 - 40 * 10  # ten columns are hidden by the tree
    assert np.isnan(share[TREE])


def test_the_other_way_round_the_tree_does_not_survive(sessions: ViewSource) -> None:
    share, counted = survival_of_labels(sessions, [(1, 0)])
    assert share[TREE] == 0
    assert counted[TREE] == 40 * 10
    assert counted[WALL] == 40 * 60 - 40 * 10 - 20 * 30


def test_without_pairs_nothing_is_known(sessions: ViewSource) -> None:
    share, counted = survival_of_labels(sessions, [])
    assert np.isnan(share).all()
    assert not counted.any()
