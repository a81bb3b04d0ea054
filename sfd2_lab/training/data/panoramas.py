# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""HDR panoramas: perspective views of linear light, exposed as a camera would by day or by night.

A panorama holds radiance, equirectangular, the horizon in the middle row. A view looks from its centre into one
direction. Two exposures of a view make a pair: the same place, by another shutter, gain and white balance, with the
noise of a sensor that has collected few or many electrons. The noise follows from light, not from grey values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.data.geometry import choose, companion, cut, pixel_grid, uniform
from sfd2_lab.training.data.pairs import Pair, View
from sfd2_lab.training.teachers.lasting import lasting_corners
from sfd2_ros.core.errors import ImageError
from sfd2_ros.features.semantics import NOT_LABELLED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sfd2_lab.training.data.geometry import WarpConfig

SIZE = (240, 320)
"""Of a view, (h, w) pixels."""
FOCAL_PX = 200.0
"""Of a view: a panorama of 1024x512 has 163 pixels a radian, so it is enlarged a little."""
_HEADINGS = 6
"""A view is 77 degrees wide: six of them overlap by a fifth."""
_PITCHES_RAD = (0.0, 0.2, -0.1)
"""Cameras of robots look level; facades are above, roads below."""
_KEY = 0.18  # linear grey that the geometric mean of a view is exposed to: a camera's medium grey
_DARKEST = 1e-6  # keeps the logarithm of black finite
_READ_ELECTRONS = 3.0  # of a small sensor
_AGAIN_PX = 2.0  # as for fixed cameras
_RADIUS_PX = 3  # as for fixed cameras


@dataclass(frozen=True)
class Exposure:
    """How a camera takes a view.

    Attributes:
        stops: brightness, as a power of two relative to medium grey.
        electrons: that fill a pixel to white; few of them make noise.
        balance: factors of red, green and blue.
        seed: of the noise.
    """

    stops: float
    electrons: float
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    seed: int = 0


_BY_LIGHT = (
    (Exposure(0.0, 5000.0, seed=1), Exposure(-1.0, 5000.0, seed=2), Exposure(1.0, 5000.0, seed=3)),
    (Exposure(-3.0, 400.0, seed=4), Exposure(-2.0, 150.0, seed=5)),
)
"""Exposures that vote for the corners of a view: well lit ones, and dark or noisy ones."""


def expose(radiance: torch.Tensor, exposure: Exposure) -> torch.Tensor:
    """Return an image (3, h, w) uint8 of linear light (3, h, w)."""
    mean = radiance.mean(0).clamp(min=_DARKEST).log().mean().exp()
    balance = radiance.new_tensor(exposure.balance).view(3, 1, 1)
    light = radiance * balance * (_KEY * 2**exposure.stops / mean)
    electrons = light.clamp(0, 1) * exposure.electrons
    generator = torch.Generator().manual_seed(exposure.seed)
    noise = torch.randn(electrons.shape, generator=generator) * (electrons + _READ_ELECTRONS**2).sqrt()
    signal = ((electrons + noise) / exposure.electrons).clamp(0, 1)
    shown = torch.where(signal <= 0.0031308, 12.92 * signal, 1.055 * signal.clamp(min=1e-8) ** (1 / 2.4) - 0.055)
    return (shown * 255).round().to(torch.uint8)


def look(panorama: torch.Tensor, heading_rad: float, pitch_rad: float) -> torch.Tensor:
    """Return a perspective view (3, h, w) of a panorama (3, H, W), in linear light.

    Args:
        panorama: radiance; its columns turn once around, its rows go from straight up to straight down.
        heading_rad: direction of the view's middle, clockwise from the panorama's middle column.
        pitch_rad: upwards.
    """
    height, width = SIZE
    place = pixel_grid(height, width) - torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
    x, down = place.unbind(-1)
    forward = torch.full_like(x, FOCAL_PX)
    cosine, sine = math.cos(pitch_rad), math.sin(pitch_rad)
    up, ahead = forward * sine - down * cosine, forward * cosine + down * sine
    longitude = torch.atan2(x, ahead) + heading_rad
    latitude = torch.atan2(up, torch.hypot(x, ahead))
    # The column before the first is the last one: the picture is continued by one on both sides.
    around = torch.cat([panorama[:, :, -1:], panorama, panorama[:, :, :1]], dim=2)
    columns = panorama.shape[2]
    column = (longitude / (2 * math.pi) + 0.5) % 1 * columns + 0.5
    grid = torch.stack([(2 * column + 1) / (columns + 2) - 1, -latitude / (math.pi / 2)], dim=-1)
    return F.grid_sample(around[None], grid[None].float(), padding_mode="border", align_corners=False)[0]


def read_panorama(path: Path) -> torch.Tensor:
    """Read an HDR panorama, (3, H, W) float32 linear RGB.

    Raises:
        ImageError: it is missing, damaged or not twice as wide as high.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.float32 or pixels.ndim != 3 or pixels.shape[1] != 2 * pixels.shape[0]:
        raise ImageError(f"{str(path)!r} is no HDR panorama; give a Radiance file (.hdr) twice as wide as high")
    rgb = np.ascontiguousarray(pixels[:, :, 2::-1].transpose(2, 0, 1))
    return torch.from_numpy(rgb).clamp(min=0)


class PanoramaSource:
    """Pairs of two exposures of a view.

    Args:
        files: panoramas, at least one.
        corners_of: returns the corners (N, 3) of an image (3, h, w) uint8.
        warp: how far crops are apart.
        lasting: lowest reliability of a corner, see `lasting_corners`.
        describe: returns a teacher's descriptors of an image, see `View.described`; the well exposed one is described.
    """

    def __init__(
        self,
        files: Sequence[Path],
        corners_of: Callable[[torch.Tensor], torch.Tensor],
        warp: WarpConfig,
        *,
        lasting: float,
        describe: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        self.files, self._warp, self._lasting, self._describe = list(files), warp, lasting, describe
        self._corners_of = corners_of
        self._panoramas: dict[int, torch.Tensor] = {}
        self._views: dict[int, tuple[torch.Tensor, View]] = {}

    def __len__(self) -> int:
        return len(self.files) * _HEADINGS

    def pair(self, generator: torch.Generator, crop_px: int) -> Pair:
        """Return crops of two exposures of one view, one of them well lit."""
        radiance, plain = self.view(choose(generator, len(self)))
        dark = choose(generator, 2)
        first, second = (
            replace(plain, image=expose(radiance, draw_exposure(generator, is_dark=side == dark))) for side in (0, 1)
        )
        place = cut(generator, SIZE, crop_px, self._warp)
        return Pair((first, second), (place, place @ companion(generator, crop_px, self._warp)))

    def view(self, index: int) -> tuple[torch.Tensor, View]:
        """Return view i: its linear light (3, h, w), and the view well exposed."""
        if index not in self._views:
            file, heading = divmod(index, _HEADINGS)
            if file not in self._panoramas:
                self._panoramas[file] = read_panorama(self.files[file])
            pitch = _PITCHES_RAD[heading % len(_PITCHES_RAD)]
            radiance = look(self._panoramas[file], 2 * math.pi * heading / _HEADINGS, pitch)
            lights = [[self._corners_of(expose(radiance, one)) for one in light] for light in _BY_LIGHT]
            corners = lasting_corners(
                lights, SIZE, tolerance_px=_AGAIN_PX, smallest=self._lasting, radius_px=_RADIUS_PX
            )
            image = expose(radiance, _BY_LIGHT[0][0])
            unlabelled = torch.full(SIZE, NOT_LABELLED, dtype=torch.uint8)
            described = None if self._describe is None else self._describe(image)
            self._views[index] = radiance, View(image, unlabelled, unlabelled, corners, described=described)
        return self._views[index]


def draw_exposure(generator: torch.Generator, *, is_dark: bool) -> Exposure:
    """Draw how a camera takes a view: well lit, or dark and noisy, by lamps or by daylight."""
    stops = uniform(generator, -3.5, 0.0) if is_dark else uniform(generator, -0.7, 0.7)
    fewest, most = (40.0, 1500.0) if is_dark else (1000.0, 5000.0)
    electrons = math.exp(uniform(generator, math.log(fewest), math.log(most)))
    warmth = uniform(generator, -0.2, 0.2)
    return Exposure(stops, electrons, (1 + warmth, 1.0, 1 - warmth), choose(generator, 1 << 30))
