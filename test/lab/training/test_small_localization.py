# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.posed_views import PosedView, ViewPixels, write_views
from sfd2_lab.training.data.view_source import ViewSource
from sfd2_lab.training.small_localization import localization_recall
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.features import load_extractor

SIZE, FOCAL = (192, 256), 220.0


def seen(texture: np.ndarray, map_from_cam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Picture and depth of the plane z = 5, 8 m wide, that carries a texture."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    ray = np.stack([(x - 127.5) / FOCAL, (y - 95.5) / FOCAL, np.ones(SIZE)], -1) @ map_from_cam[:3, :3].T
    depth = (5 - map_from_cam[2, 3]) / ray[..., 2]
    point = ray * depth[..., None] + map_from_cam[:3, 3]
    place = ((point[..., :2] + 4) * texture.shape[0] / 8).astype(np.float32)
    return cv2.remap(texture, place[..., 0], place[..., 1], cv2.INTER_LINEAR), depth.astype(np.float32)


@pytest.fixture
def source(tmp_path: Path) -> ViewSource:
    rng = np.random.default_rng(0)
    texture = np.full((640, 640, 3), 128, np.uint8)
    for _ in range(700):
        x, y, w, h = (int(value) for value in rng.integers([0, 0, 8, 8], [620, 620, 60, 60]))
        cv2.rectangle(texture, (x, y), (x + w, y + h), tuple(int(v) for v in rng.integers(0, 255, 3)), -1)
    poses = [np.eye(4), rigid(rotation_from_vector([0.0, 0.06, 0.0]), [0.4, 0.1, 0.3])]
    views = []
    for index, pose in enumerate(poses):
        image, depth = seen(texture, pose)
        if index:
            image = image // 2
        view = PosedView(str(index), "wall", ("day", "dusk")[index], (FOCAL, FOCAL, 127.5, 95.5), pose)
        views.append((view, ViewPixels(image, np.full(SIZE, 2, np.uint8), depth)))
    write_views(tmp_path / "views", views)
    return ViewSource(tmp_path / "views", np.zeros(0, np.uint8), lambda _image: torch.zeros(0, 3), WarpConfig())


def test_view_is_found_from_another_and_not_when_its_pose_is_another(source: ViewSource) -> None:
    extractor = load_extractor(max_keypoints=500)
    assert localization_recall(extractor, source, count=2) == 1
    source.views[1].map_from_cam[0, 3] += 0.5  # the truth moves away from what the picture shows
    assert localization_recall(extractor, source, count=2) == 0
