# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sfd2_lab.training.calibration import calibrate, shifted
from sfd2_lab.training.config import ValidationConfig
from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.photographs import PhotographSource, find_photographs
from sfd2_ros.core.errors import SceneError
from sfd2_ros.features.network import Sfd2Network
from sfd2_ros.features.weights import Weights, build_network, in_half_precision, weights_of_network

SMALL = ValidationConfig(pairs=1, crop_px=64, keypoints=40)


@pytest.fixture(scope="module")
def weights() -> Weights:
    torch.manual_seed(0)
    return weights_of_network(Sfd2Network(32), training="t", terms="open: drawn")


def source(drawn_data: Path, classes: list[int]) -> PhotographSource:
    photographs = find_photographs(drawn_data / "images", None, drawn_data / "labels" if classes else None)
    return PhotographSource(photographs, np.array(classes, np.uint8), lambda _: torch.zeros(0, 3), WarpConfig())


def test_shift_moves_one_logit_and_nothing_else(weights: Weights) -> None:
    image, moved = torch.rand(1, 3, 32, 40), shifted(weights, 1.5, "; moved")
    before, after = build_network(weights)(image), build_network(moved)(image)
    difference = after.stability_logits - before.stability_logits
    torch.testing.assert_close(difference[:, 0], torch.full_like(difference[:, 0], 1.5))
    torch.testing.assert_close(difference[:, 1:], torch.zeros_like(difference[:, 1:]))
    assert torch.equal(after.descriptors, before.descriptors)
    assert moved.training == "t; moved"
    half = shifted(in_half_precision(weights), 1.5)
    assert {value.dtype for value in half.entries.values() if value.is_floating_point()} == {torch.float16}


def test_smallest_shift_that_reaches_the_target_ends_it(weights: Weights, drawn_data: Path) -> None:
    stable = list(calibrate(weights, source(drawn_data, [2] * 12), SMALL, target=0.0))
    assert [shift for shift, _ in stable] == [0.0]
    assert stable[0][1].unstable == 0
    with pytest.raises(SceneError, match="no keypoint lies on a label"):
        list(calibrate(weights, source(drawn_data, [0] * 12), SMALL, target=0.5))


def test_views_without_labels_are_refused(weights: Weights, drawn_data: Path) -> None:
    with pytest.raises(SceneError, match=r"at a shift of 0\.0 no keypoint lies on a label"):
        list(calibrate(weights, source(drawn_data, []), SMALL, target=0.1))
