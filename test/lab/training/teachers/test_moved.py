# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch

from sfd2_lab.training.teachers.moved import median_image, moved_and_still


def street(seed: int = 0) -> torch.Tensor:
    """Return a picture of squares, (3, 60, 80) uint8: a place with structure everywhere but in its lower third."""
    generator = torch.Generator().manual_seed(seed)
    squares = (torch.rand(1, 12, 16, generator=generator) * 120 + 60).repeat_interleave(5, 1).repeat_interleave(5, 2)
    squares[:, 40:] = 90
    return squares.expand(3, -1, -1).round().to(torch.uint8).contiguous()


def test_what_is_there_in_one_frame_alone_has_moved() -> None:
    empty, busy = street(), street()
    busy[:, 44:56, 20:40] = street(1)[:, :12, :20]
    moved, still = moved_and_still(busy, median_image(torch.stack([empty, empty, busy])))
    assert moved[46:54, 23:37].float().mean() > 0.9
    assert not moved[:36].any()
    assert still[5:34].float().mean() > 0.8


def test_another_exposure_moves_nothing() -> None:
    day = street()
    darker = (day.float() * 0.5 + 10).to(torch.uint8)
    moved, still = moved_and_still(darker, median_image(day[None]))
    assert not moved.any()
    assert still[5:34].float().mean() > 0.8


def test_what_has_no_structure_is_not_decided() -> None:
    moved, still = moved_and_still(street(), median_image(street()[None]))
    assert not (moved | still)[48:].any()
