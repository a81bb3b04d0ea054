# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from sfd2_lab.bench.opencv_peers import SiftPeer
from sfd2_lab.bench.unstable import bench_labelled, classes_of_numbers, count_unstable, read_label_numbers
from sfd2_ros.core.errors import ConfigError, SceneError
from sfd2_ros.core.types import Features
from sfd2_ros.features.semantics import NOT_LABELLED
from sfd2_ros.mapping.match_images import silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

SKY, ROAD, CAR, UNLABELLED = 0, 3, 8, 11  # of CamVid


def features_at(places: list[list[float]], size: tuple[int, int]) -> Features:
    ones = np.ones(len(places), np.float32)
    return Features(np.array(places, np.float32), ones, ones, np.eye(len(places), dtype=np.float32), size, "x")


def checkered(left: int, right: int) -> NDArray[np.uint8]:
    """Return label numbers of a picture 80 wide, 60 high."""
    numbers = np.full((60, 80), left, np.uint8)
    numbers[:, 40:] = right
    return numbers


def test_keypoints_on_sky_and_cars_are_unstable_and_unlabelled_ones_do_not_count() -> None:
    numbers = checkered(SKY, ROAD)
    numbers[30:, :40] = CAR
    numbers[50:, 40:] = UNLABELLED
    places = [[5, 5], [5, 45], [60, 5], [60, 55], [39.4, 0], [39.6, 0], [79.4, 59.4]]
    assert count_unstable(features_at(places, (60, 80)), numbers, classes_of_numbers("camvid"), "x") == (3, 5)


def test_labels_may_count_from_one_and_other_numbers_say_nothing() -> None:
    from_one = classes_of_numbers("ade20k", first=1)
    assert from_one[0] == NOT_LABELLED
    assert from_one[1:151].tolist() == classes_of_numbers("ade20k")[:150].tolist()
    assert np.all(from_one[151:] == NOT_LABELLED)
    with pytest.raises(ConfigError, match="256"):
        classes_of_numbers("ade20k", first=200)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    for index, numbers in enumerate((checkered(SKY, ROAD), checkered(UNLABELLED, ROAD))):
        picture = generator.integers(0, 255, (60, 80, 3)).astype(np.uint8)
        picture[:, 40:] = 100 if index == 0 else picture[:, 40:]
        cv2.imwrite(str(tmp_path / "images" / f"{index}.jpg"), picture)
        cv2.imwrite(str(tmp_path / "labels" / f"{index}.png"), numbers)
    return tmp_path


def test_shares_are_of_all_keypoints_and_all_labelled_pixels(folder: Path) -> None:
    (folder / "first.txt").write_text("0\n")
    peers = {"sift": SiftPeer(100)}
    one = bench_labelled(folder, peers, silent, label_set="camvid", list_name="first.txt")[0]
    assert (one.images, one.unstable_area) == (1, 0.5)
    assert one.unstable_fraction is not None
    assert one.unstable_fraction > 0.9
    both = bench_labelled(folder, peers, silent, label_set="camvid")[0]
    assert both.unstable_area == pytest.approx(1 / 3)
    assert both.unstable_fraction is not None
    assert both.unstable_fraction < one.unstable_fraction


def test_what_is_missing_or_unfit_is_named(folder: Path) -> None:
    peers = {"sift": SiftPeer(10)}
    with pytest.raises(ConfigError, match="label set 'none'"):
        bench_labelled(folder, peers, silent, label_set="none")
    (folder / "list.txt").write_text("0\n7\n")
    with pytest.raises(SceneError, match="not in images/: 7"):
        bench_labelled(folder, peers, silent, label_set="camvid", list_name="list.txt")
    cv2.imwrite(str(folder / "labels" / "1.png"), np.zeros((60, 79), np.uint8))
    with pytest.raises(SceneError, match=r"labels of '1.jpg'"):
        bench_labelled(folder, peers, silent, label_set="camvid")
    (folder / "labels" / "0.png").unlink()
    with pytest.raises(SceneError, match=r"0\.png"):
        bench_labelled(folder, peers, silent, label_set="camvid")
    cv2.imwrite(str(folder / "labels" / "0.png"), np.zeros((60, 80, 3), np.uint8))
    with pytest.raises(SceneError, match="one channel"):
        read_label_numbers(folder / "labels" / "0.png")
