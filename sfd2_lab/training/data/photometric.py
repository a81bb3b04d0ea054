# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Light, weather and camera, changed at random: batched operations on the device of the images.

Which effect an image gets, and how much of it, is drawn on the CPU, so that every device draws the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.core.config import setting
from sfd2_ros.features.brightness import lift_shadows


@dataclass(frozen=True)
class PhotometricConfig:
    """How often each effect happens to an image, as a probability."""

    colour: float = setting(0.8, "Exposure, contrast, gamma, saturation and white balance.", minimum=0.0, maximum=1.0)
    night: float = setting(0.3, "Dark, lit by patches of lamp light, noisy.", minimum=0.0, maximum=1.0)
    glare: float = setting(0.15, "Bright lights that spill over their surroundings.", minimum=0.0, maximum=1.0)
    shadow: float = setting(0.2, "Half-planes in shadow.", minimum=0.0, maximum=1.0)
    rain: float = setting(0.1, "Streaks, haze, less contrast.", minimum=0.0, maximum=1.0)
    noise: float = setting(0.5, "Noise of the sensor.", minimum=0.0, maximum=1.0)
    blur: float = setting(0.3, "Blur of the lens or of motion.", minimum=0.0, maximum=1.0)
    lift: float = setting(0.0, "Dark parts lifted, as cameras and `brightness` do.", minimum=0.0, maximum=1.0)


class Photometric:
    """Changes images at random.

    Args:
        config: probabilities.
    """

    def __init__(self, config: PhotometricConfig) -> None:
        self._effects = (
            (config.colour, change_colour),
            (config.shadow, cast_shadow),
            (config.night, make_night),
            (config.glare, add_glare),
            (config.rain, make_rain),
            (config.blur, blur),
            (config.noise, add_noise),
            # Drawn only where it is wanted: runs without it go on as they did before it was there.
            *([(config.lift, lift)] if config.lift > 0 else []),
        )

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return (B, 3, H, W) images in [0, 1], each with its own effects.

        Args:
            images: (B, 3, H, W) in [0, 1].
            generator: on the CPU, decides.
        """
        for probability, effect in self._effects:
            chosen = (torch.rand(len(images), generator=generator) < probability).nonzero()[:, 0].to(images.device)
            if len(chosen):
                images = images.index_copy(0, chosen, effect(images[chosen], generator).clamp(0, 1))
        return images


def change_colour(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Change exposure, contrast, gamma, saturation and white balance."""
    balance = 1 + 0.15 * _even(images, generator, 3)
    gain = torch.exp(0.4 * _even(images, generator, 1)) * balance
    gamma = torch.exp(0.4 * _even(images, generator, 1))
    saturation, contrast = 1 + 0.5 * _even(images, generator, 1), 1 + 0.3 * _even(images, generator, 1)
    changed = (images * gain).clamp(1e-4, 1) ** gamma
    gray = changed.mean(1, keepdim=True)
    changed = gray + (changed - gray) * saturation
    mean = changed.mean((1, 2, 3), keepdim=True)
    return mean + (changed - mean) * contrast


def lift(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Lift dark neighbourhoods to a level that is the same for all images."""
    return lift_shadows(images, 0.3 + 0.3 * float(torch.rand(1, generator=generator)))


def make_night(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Darken; patches of warm lamp light remain; noise grows with the gain that a camera would use."""
    linear = images**2.2
    ambient = 10 ** (-1.2 + 0.5 * _even(images, generator, 1))
    lamps = _smooth_field(images, generator, 4).clamp(min=0) ** 2 * (0.6 + 0.4 * _even(images, generator, 1))
    warm = images.new_tensor([1.0, 0.8, 0.55]).view(1, 3, 1, 1)
    bluish = images.new_tensor([0.8, 0.9, 1.1]).view(1, 3, 1, 1)
    lit = linear * (ambient * bluish + lamps * warm)
    gain = torch.exp(0.9 + 0.7 * _even(images, generator, 1))
    noisy = lit * gain + _noise(images, generator) * gain * (0.002 + 0.03 * lit.clamp(min=0).sqrt())
    return noisy.clamp(1e-5, 1) ** (1 / 2.2)


def add_glare(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Add up to three lights with haloes, and the veil that they cast over the picture."""
    x, y = _axes(images)
    for _ in range(3):
        centre_x, centre_y = _even(images, generator, 1), _even(images, generator, 1)
        size = 0.04 + 0.08 * (1 + _even(images, generator, 1))
        strength = (0.4 + 0.9 * _even(images, generator, 1)).clamp(min=0)
        squared = ((x - centre_x) ** 2 + (y - centre_y) ** 2) / size**2
        tint = 1 + 0.15 * _even(images, generator, 3)
        images = images + strength * tint * (torch.exp(-squared) + 0.25 / (1 + squared))
    return images


def cast_shadow(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Darken one side of a random line, with a soft edge."""
    x, y = _axes(images)
    angle = torch.pi * _even(images, generator, 1)
    side = x * torch.cos(angle) + y * torch.sin(angle) - 0.5 * _even(images, generator, 1)
    edge = torch.sigmoid(side / (0.02 + 0.03 * (1 + _even(images, generator, 1))))
    depth = 0.45 + 0.3 * _even(images, generator, 1)
    return images * (1 - depth * edge)


def make_rain(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Lessen contrast towards gray, and draw slanted bright streaks."""
    haze = 0.25 + 0.2 * _even(images, generator, 1)
    gray = 0.5 + 0.15 * _even(images, generator, 1)
    drops = (_noise(images, generator)[:, :1] > 2.7).float()
    streaks = _motion_blur(drops, generator, 11, upright=True) * 2.5
    return images * (1 - haze) + gray * haze + streaks * 0.3


def blur(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Blur by the lens (a Gaussian) and, half of the time, by motion."""
    deviation = (0.9 + 0.7 * _even(images, generator, 1)).clamp(min=0.2)
    offsets = torch.arange(-4, 5, device=images.device, dtype=images.dtype)
    taps = torch.exp(-0.5 * (offsets / deviation[:, 0, 0]) ** 2)
    taps = taps / taps.sum(1, keepdim=True)
    soft = _filter_each(_filter_each(images, taps[:, None, :]), taps[:, :, None])
    moved = _motion_blur(soft, generator, 7, upright=False)
    return torch.where(_even(images, generator, 1) > 0, moved, soft)


def add_noise(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Add noise of read-out and light."""
    read = 0.015 * (1 + _even(images, generator, 1))
    return images + _noise(images, generator) * (read + 0.03 * images.clamp(min=0).sqrt())


def _even(images: torch.Tensor, generator: torch.Generator, channels: int) -> torch.Tensor:
    """Draw (B, channels, 1, 1) numbers between -1 and 1."""
    drawn = torch.rand((len(images), channels, 1, 1), generator=generator) * 2 - 1
    return drawn.to(images)


def _noise(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw normal numbers of the images' shape; on the device, seeded from the CPU's generator."""
    seed = int(torch.randint(1 << 62, (), generator=generator))
    own = torch.Generator(images.device).manual_seed(seed)
    return torch.randn(images.shape, generator=own, device=images.device, dtype=images.dtype)


def _smooth_field(images: torch.Tensor, generator: torch.Generator, cells: int) -> torch.Tensor:
    """Draw (B, 1, H, W) smooth normal fields."""
    coarse = torch.randn((len(images), 1, cells, cells), generator=generator).to(images)
    size = (int(images.shape[-2]), int(images.shape[-1]))
    return F.interpolate(coarse, size=size, mode="bicubic", align_corners=False)


def _axes(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    height, width = images.shape[-2:]
    x = torch.linspace(-1, 1, width, device=images.device).view(1, 1, 1, width)
    return x, torch.linspace(-1, 1, height, device=images.device).view(1, 1, height, 1)


def _motion_blur(images: torch.Tensor, generator: torch.Generator, size: int, *, upright: bool) -> torch.Tensor:
    """Blur (B, C, H, W) along a line of its own each, at most `size` pixels long; upright: within 30 degrees."""
    reach = torch.pi / 6 if upright else torch.pi
    angle = (_even(images, generator, 1) * reach).view(-1, 1, 1)
    half = size // 2
    steps = torch.arange(-half, half + 1, device=images.device, dtype=images.dtype)
    x, y = steps.view(1, 1, -1), steps.view(1, -1, 1)
    away = (x * torch.cos(angle) + y * torch.sin(angle)).abs()
    kernel = (1 - away).clamp(min=0) * (x * x + y * y <= half * half)
    return _filter_each(images, kernel / kernel.sum((1, 2), keepdim=True))


def _filter_each(images: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    """Filter (B, C, H, W) images by (B, h, w) kernels of odd sides, each image by its own."""
    batch, channels, height, width = images.shape
    down, across = kernels.shape[1] // 2, kernels.shape[2] // 2
    padded = F.pad(images, (across, across, down, down), mode="replicate")
    flat = padded.reshape(1, batch * channels, *padded.shape[-2:])
    weight = kernels.repeat_interleave(channels, 0)[:, None]
    return F.conv2d(flat, weight, groups=batch * channels).view(batch, channels, height, width)
