# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from sfd2_lab.bench.nights import NightRow, bench_nights, cameras_in, standard_error, summarise, without_overlay
from sfd2_lab.bench.opencv_peers import OrbPeer, SiftPeer
from sfd2_lab.bench.two_view import PairFigures
from sfd2_ros.core.errors import ConfigError, SceneError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def silent(_step: str, _done: int, _total: int) -> None:
    pass


def wall(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, (15, 20, 3)).repeat(10, 0).repeat(10, 1).astype(np.uint8)


@pytest.fixture
def cameras(tmp_path: Path) -> Path:
    """Return three cameras, the last of which was turned away by night."""
    for index, name in enumerate("abc"):
        (tmp_path / name).mkdir()
        for frame in range(2):
            cv2.imwrite(str(tmp_path / name / f"day_{frame}.png"), wall(index))
            cv2.imwrite(str(tmp_path / name / f"night_{frame}.png"), wall(index if name != "c" else 9) // 2)
    return tmp_path


def test_still_camera_has_right_matches_and_one_that_was_turned_has_few(cameras: Path) -> None:
    rows = bench_nights(cameras_in([cameras]), {"sift": SiftPeer(200)}, silent, frames=2)
    assert [(row.camera, row.half, row.figures.pairs) for row in rows] == [
        ("a", "choose", 4),
        ("b", "report", 4),
        ("c", "choose", 4),
    ]
    still, other, turned = (row.figures.correct_matches for row in rows)
    assert still > 20
    assert other > 20
    assert turned < 0.2 * still


def test_keypoints_on_the_overlay_do_not_count(cameras: Path) -> None:
    overlay = np.zeros((150, 200), np.uint8)
    overlay[:, :100] = 255
    plain = bench_nights([cameras / "a"], {"sift": SiftPeer(200)}, silent)[0]
    cv2.imwrite(str(cameras / "a" / "overlay.png"), overlay)
    masked = bench_nights([cameras / "a"], {"sift": SiftPeer(200)}, silent)[0]
    assert 0 < masked.figures.mean_keypoints < plain.figures.mean_keypoints
    features = SiftPeer(200)(wall(0))
    assert without_overlay(features, None) is features
    assert (without_overlay(features, overlay > 0).keypoints[:, 0] > 99).all()


def row_of(camera: str, half: str, method: str, correct: float) -> NightRow:
    figures = PairFigures(4, 0.5, correct, 400, correct / 400, 0.1, 1000, 1.0)
    return NightRow(camera, half, method, figures, method)


def test_summary_has_means_and_spread_over_cameras_by_half() -> None:
    rows = [
        row_of(camera, half, method, correct * factor)
        for camera, half, correct in (("a", "choose", 100), ("b", "report", 200), ("c", "choose", 300))
        for method, factor in (("one", 1.0), ("other", 1.1))
    ]
    by_name = {(one.half, one.method): one for one in summarise(rows)}
    chosen, everything = by_name["choose", "one"], by_name["all", "other"]
    assert (chosen.cameras, chosen.correct_matches, chosen.ratio) == (2, 200, 1.0)
    assert chosen.spread == pytest.approx(100)
    assert everything.ratio == pytest.approx(1.1, abs=1e-3)
    assert everything.ratio_spread == pytest.approx(1.0, abs=1e-3)
    assert everything.repeated == pytest.approx(500)
    assert by_name["report", "one"].spread is None
    assert standard_error([1.0]) is None


def test_cameras_of_different_methods_are_the_same_pixels(cameras: Path) -> None:
    rows = bench_nights(cameras_in([cameras / "a"]), {"sift": SiftPeer(100), "orb": OrbPeer(100)}, silent)
    assert [row.method for row in rows] == ["sift", "orb"]
    assert {row.figures.pairs for row in rows} == {4}  # two frames of each light, three were asked for


def test_what_is_no_camera_is_refused(cameras: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SceneError, match="no camera"):
        cameras_in([tmp_path / "empty"])
    with pytest.raises(SceneError, match="same name"):
        cameras_in([cameras, cameras / "a"])
    with pytest.raises(ConfigError, match="frames"):
        bench_nights([cameras / "a"], {"sift": SiftPeer(10)}, silent, frames=0)
    (cameras / "b" / "night_0.png").unlink()
    (cameras / "b" / "night_1.png").unlink()
    with pytest.raises(SceneError, match=r"night_\*"):
        bench_nights([cameras / "b"], {"sift": SiftPeer(10)}, silent)
    cv2.imwrite(str(cameras / "a" / "night_1.png"), wall(0)[:-10])
    with pytest.raises(SceneError, match="sizes"):
        bench_nights([cameras / "a"], {"sift": SiftPeer(10)}, silent)
