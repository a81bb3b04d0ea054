# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from sfd2_lab.training.data import described
from sfd2_lab.training.data.described import STEPS, DescriptionCache, crop_descriptors, describe_cells
from sfd2_lab.training.data.pairs import View
from sfd2_ros.core.errors import SceneError

SIZE = (96, 144)


class PlaceTeacher:
    """Describes a point by its place: x and y as fractions of the image's size."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def describe(self, images: torch.Tensor, points: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        self.asked.append(tuple(images.shape))
        size = torch.tensor([images.shape[3], images.shape[2]])
        return [(one + 0.5) / size for one in points]


def view(teacher: PlaceTeacher) -> View:
    image = torch.zeros(3, *SIZE, dtype=torch.uint8)
    nothing = torch.zeros(SIZE, dtype=torch.uint8)
    return View(image, nothing, nothing, torch.zeros(0, 3), described=describe_cells(image, teacher))


@pytest.mark.parametrize("factor", [1.0, 1.3])
def test_cells_of_a_crop_have_the_descriptors_of_their_places_in_the_image(factor: float) -> None:
    view_from_crop = torch.tensor([[factor, 0.0, 20.0], [0.0, factor, 10.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    found = crop_descriptors(view(PlaceTeacher()), view_from_crop, 48)
    assert found is not None
    assert found.shape == (2, 12, 12)
    centre = torch.arange(12) * 4 + 1.5
    wanted_x, wanted_y = (factor * centre + 20.5) / SIZE[1], (factor * centre + 10.5) / SIZE[0]
    # Steps of 1/127 between the described places.
    torch.testing.assert_close(found[0] / STEPS, wanted_x.expand(12, 12), atol=0.006, rtol=0)
    torch.testing.assert_close(found[1] / STEPS, wanted_y[:, None].expand(12, 12), atol=0.006, rtol=0)


def test_crop_beyond_the_image_repeats_its_edge() -> None:
    view_from_crop = torch.tensor([[1.0, 0.0, 130.0], [0.0, 1.0, -30.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    found = crop_descriptors(view(PlaceTeacher()), view_from_crop, 48)
    assert found is not None
    assert float(found[0, 0, -1]) / STEPS == pytest.approx(1 - 3 / SIZE[1], abs=0.006)
    assert float(found[1, 0, 0]) / STEPS == pytest.approx(3 / SIZE[0], abs=0.006)


def test_view_without_a_teacher_has_no_descriptors() -> None:
    nothing = torch.zeros(SIZE, dtype=torch.uint8)
    plain = View(torch.zeros(3, *SIZE, dtype=torch.uint8), nothing, nothing, torch.zeros(0, 3))
    assert crop_descriptors(plain, torch.eye(3, dtype=torch.float64), 48) is None


def test_large_images_are_reduced_for_the_teacher() -> None:
    teacher = PlaceTeacher()
    described.describe_cells(torch.zeros(3, 40, 3200, dtype=torch.uint8), teacher)
    assert teacher.asked == [(1, 3, 20, 1600)]


def test_teacher_is_asked_once_per_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = PlaceTeacher()
    monkeypatch.setattr(described, "load_aliked", lambda _path, _device: teacher)
    image = torch.randint(0, 255, (3, *SIZE), dtype=torch.uint8)
    found = [DescriptionCache(tmp_path, "w.pth", tmp_path, torch.device("cpu"))(image) for _ in range(2)]
    assert len(teacher.asked) == 1
    assert torch.equal(found[0], found[1])
    other = DescriptionCache(tmp_path, "other.pth", tmp_path, torch.device("cpu"))
    other(image)
    assert len(teacher.asked) == 2


def test_damaged_file_is_rejected_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(described, "load_aliked", lambda _path, _device: PlaceTeacher())
    cache = DescriptionCache(tmp_path, "w.pth", tmp_path, torch.device("cpu"))
    image = torch.zeros(3, *SIZE, dtype=torch.uint8)
    cache(image)
    path = next(tmp_path.glob("*.npy"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SceneError, match="remove them to compute them again"):
        cache(image)
    np.save(path, np.zeros((2, 2, 2), np.int8))
    assert cache(image).shape == (2, 2, 2)
