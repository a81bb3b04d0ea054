# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What makes runs resumable, and the look at image files before them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from sfd2_lab.datasets.benchmarks.answers import Answer, Answers
from sfd2_lab.datasets.image_file import image_size
from sfd2_lab.datasets.problems import Problems
from sfd2_ros.bags.join import join_bags
from sfd2_ros.core.errors import BagError, DatasetError, OutputError
from sfd2_ros.core.transforms import rigid, rotation_from_vector
from sfd2_ros.core.types import Features
from sfd2_ros.features.extractor import ExtractorConfig
from sfd2_ros.mapping.feature_cache import CachedExtractor

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Counting:
    """An extractor of one keypoint, that counts how often it is asked."""

    weights_id, config, calls = "counting", ExtractorConfig(), 0

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        self.calls += 1
        one = np.ones(1, np.float32)
        point = np.array([[float(image.mean()), 0.0]], np.float32)
        return Features(point, one, one, np.array([[1.0, 0.0]], np.float32), image.shape[:2], "counting")


def test_an_image_is_extracted_once_and_again_when_its_file_is_damaged(tmp_path: Path) -> None:
    extractor: Any = _Counting()
    cached = CachedExtractor(extractor, tmp_path / "features")
    image, other = np.full((4, 6, 3), 7, np.uint8), np.full((4, 6, 3), 9, np.uint8)
    first, again = cached(image), cached(image)
    assert extractor.calls == 1
    assert again.keypoints.tolist() == first.keypoints.tolist() == [[7.0, 0.0]]
    assert again.image_size == (4, 6)
    assert cached(other).keypoints[0, 0] == 9.0
    for path in (tmp_path / "features").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert CachedExtractor(extractor, tmp_path / "features")(image).keypoints[0, 0] == 7.0
    assert extractor.calls == 3


def test_answers_come_back_as_they_were_and_a_cut_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "answers/part.jsonl"
    pose = rigid(rotation_from_vector([0.1, 0.2, 0.3]), [1 / 3, 2, 3])
    with Answers(path) as answers:
        answers.add("a b.jpg", Answer("localized", pose, 50, (0.1, 0.2)))
        answers.add("c.jpg", Answer("few_matches", None, 0, (0.1, 0.2)))
        kept = answers.answers["a b.jpg"].cam_from_map
    path.write_bytes(path.read_bytes() + b'["d.jpg", "local')
    with Answers(path) as answers:
        assert list(answers.answers) == ["a b.jpg", "c.jpg"]
        assert np.array_equal(answers.answers["a b.jpg"].cam_from_map, kept)
        assert answers.answers["c.jpg"].cam_from_map is None
        answers.add("d.jpg", Answer("no_pose", None, 0, (0.0, 0.0)))
    assert path.read_bytes().count(b"\n") == 3
    path.write_bytes(b'["a.jpg"]\n')
    with pytest.raises(OutputError, match=r"part\.jsonl:1"):
        Answers(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_the_size_of_a_whole_image_is_told_and_a_cut_one_is_found_out(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (120, 70, 3)).astype(np.uint8)
    path.write_bytes(cv2.imencode(suffix, noise)[1].tobytes())
    assert image_size(path) == (70, 120)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DatasetError, match="too early"):
        image_size(path)


def test_a_jpeg_with_a_large_exif_segment_is_read(tmp_path: Path) -> None:
    plain = cv2.imencode(".jpg", np.zeros((30, 50, 3), np.uint8))[1].tobytes()
    exif = b"\xff\xe1" + (65_000).to_bytes(2, "big") + bytes(64_998)
    (tmp_path / "a.jpg").write_bytes(plain[:2] + exif + exif + plain[2:])
    assert image_size(tmp_path / "a.jpg") == (50, 30)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty"), (b"text", "neither"), (b"\xff\xd8 \xff\xd9", "without a size")]
)
def test_what_is_no_image_is_said(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        image_size(tmp_path / "a.jpg")
    with pytest.raises(DatasetError, match="cannot be read"):
        image_size(tmp_path / "b.jpg")


def test_problems_are_numbered_and_long_lists_shortened(tmp_path: Path) -> None:
    problems = Problems(tmp_path)
    problems.raise_any()
    problems.add_files("images are missing", [], "never said")
    problems.add_files("images are missing", [f"{number}.jpg" for number in range(9)], "copy them")
    with problems.gathered():
        raise DatasetError("another")
    with pytest.raises(DatasetError) as raised:
        problems.raise_any()
    said = str(raised.value)
    assert "2 problems: (1) 9 images are missing: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, ... and 4 more; copy them" in said
    assert said.endswith("(2) another")


def test_only_whole_bags_are_joined(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="no bags to join"):
        join_bags([], tmp_path / "bag")
    (tmp_path / "part").mkdir()
    with pytest.raises(BagError, match=r"metadata\.yaml"):
        join_bags([tmp_path / "part"], tmp_path / "bag")
    assert not (tmp_path / "bag").exists()
