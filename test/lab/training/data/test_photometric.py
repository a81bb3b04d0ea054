# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from sfd2_lab.training.data import photometric
from sfd2_lab.training.data.photometric import Photometric, PhotometricConfig

EFFECTS = ("change_colour", "make_night", "add_glare", "cast_shadow", "make_rain", "blur", "add_noise")


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 3, 24, 40, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("effect", EFFECTS)
def test_effect_changes_every_image_in_its_own_way_and_stays_finite(effect: str, images: torch.Tensor) -> None:
    same = images[:1].expand(3, -1, -1, -1).contiguous()
    changed = getattr(photometric, effect)(same, torch.Generator().manual_seed(1))
    assert changed.shape == same.shape
    assert torch.isfinite(changed).all()
    assert (changed - same).abs().amax((1, 2, 3)).min() > 1e-3
    assert (changed[0] - changed[1]).abs().max() > 1e-3


def test_result_depends_on_the_generator_alone_and_stays_in_range(images: torch.Tensor) -> None:
    change = Photometric(
        PhotometricConfig(colour=1.0, night=0.5, glare=1.0, shadow=1.0, rain=1.0, noise=1.0, blur=1.0, lift=1.0)
    )
    first, second, other = (change(images, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert first.min() >= 0
    assert first.max() <= 1


def test_without_effects_images_stay_as_they_are(images: torch.Tensor) -> None:
    nothing = PhotometricConfig(colour=0.0, night=0.0, glare=0.0, shadow=0.0, rain=0.0, noise=0.0, blur=0.0)
    assert torch.equal(Photometric(nothing)(images, torch.Generator().manual_seed(0)), images)


def test_night_is_dark_and_blur_keeps_the_mean(images: torch.Tensor) -> None:
    many = images.repeat(20, 1, 1, 1)
    night = photometric.make_night(many, torch.Generator().manual_seed(2))
    assert night.mean() < 0.75 * many.mean()
    soft = photometric.blur(many, torch.Generator().manual_seed(3))
    torch.testing.assert_close(soft.mean(), many.mean(), atol=5e-3, rtol=0)
    assert soft.std() < 0.7 * many.std()


def test_lift_makes_what_is_dark_bright(images: torch.Tensor) -> None:
    only = PhotometricConfig(colour=0.0, night=0.0, glare=0.0, shadow=0.0, rain=0.0, noise=0.0, blur=0.0, lift=1.0)
    lifted = Photometric(only)(0.1 * images, torch.Generator().manual_seed(0))
    assert (lifted.mean((1, 2, 3)) > 0.2).all()
    assert (lifted.mean((1, 2, 3)) < 0.7).all()
