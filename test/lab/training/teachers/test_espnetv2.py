# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sfd2_lab.training.data.photographs import find_photographs, read_labels
from sfd2_lab.training.teachers.espnetv2 import EspNetV2, load_espnetv2
from sfd2_ros.core.errors import WeightsError
from sfd2_ros.features.images import read_image

WEIGHTS = "espnetv2_s_2.0_city_1024x512.pth"
# CamVid label (0 sky, 1 building, ...) of each class of Cityscapes, and 11 for the rest
CAMVID = [3, 4, 1, 1, 7, 2, 6, 6, 5, 5, 0, 9, 10, 8, 8, 8, 8, 10, 10, 11]


def test_encoder_gives_layers_like_ours_and_labels_any_size() -> None:
    network = EspNetV2().eval()
    features = network.encoder_features(torch.rand(1, 3, 64, 96))
    assert [tuple(layer.shape) for layer in features] == [(1, 128, 16, 24), (1, 256, 8, 12)]
    labels = network.label(torch.rand(1, 3, 61, 90))
    assert labels.shape == (1, 61, 90)
    assert labels.dtype == torch.uint8


@pytest.mark.data
def test_published_weights_label_photographs_that_they_were_not_trained_on(shared_dir: Path, data_dir: Path) -> None:
    network = load_espnetv2(shared_dir / "weights" / WEIGHTS)
    camvid = data_dir / "semantics" / "camvid"
    right = known = 0
    for photograph in find_photographs(camvid / "images", camvid / "val.txt", camvid / "labels")[::25]:
        image = torch.from_numpy(read_image(photograph.image)).permute(2, 0, 1)[None].float() / 255
        truth = read_labels(photograph.labels, (image.shape[2], image.shape[3])).long()
        labels = torch.tensor(CAMVID)[network.label(image)[0].long()]
        right += int((labels == truth)[truth != 11].sum())
        known += int((truth != 11).sum())
    assert right / known > 0.75


def test_other_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"level1.conv.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_espnetv2(tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_espnetv2(tmp_path / "none.pth")
