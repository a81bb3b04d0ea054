# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the camera makes of light: lens, exposure, noise, tone curve, compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.simulation.precipitation import lens_drops, snow_flakes, streaks
from sfd2_lab.simulation.randomness import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_lab.simulation.conditions import Condition

    Light = NDArray[np.float32]

_TABLE_SIZE = 4096
_WHITE = 2.2


def develop(light: Light, condition: Condition, key: tuple[int | str, ...]) -> NDArray[np.uint8]:
    """Turn light into the image that a camera gives.

    Args:
        light: (h, w, 3) float32 linear.
        condition: exposure, noise, blur.
        key: seeds of the noise, another for each image; the last two are the numbers of the image and the camera.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    rng = generator(*key, "precipitation")
    exposed = _bloomed(light, condition.bloom)
    exposed = snow_flakes(streaks(exposed, rng, condition.rain_streaks), rng, condition.flakes)
    # Drops stay on the lens for a whole drive.
    exposed = lens_drops(exposed, generator(*key[:-2], key[-1], "drops"), condition.drops)
    exposed = exposed * np.float32(condition.exposure)
    exposed = _saturated(exposed, condition.saturation)
    if condition.blur_px > 0:
        exposed = cv2.GaussianBlur(exposed, (0, 0), condition.blur_px)
    exposed *= _vignette(exposed.shape[:2], condition.vignette)
    exposed *= np.array(condition.white_balance, np.float32)
    exposed = _noisy(exposed, condition, key)
    return compressed(_toned(exposed), condition.jpeg_quality)


def compressed(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return an image (h, w, 3) after JPEG compression."""
    bgr = np.ascontiguousarray(picture[..., ::-1])
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(decoded, dtype=np.uint8)[..., ::-1])


def _bloomed(light: Light, share: float) -> Light:
    """Spread a fraction of what is brighter than white over a wide neighbourhood."""
    if share <= 0:
        return light
    bright = np.maximum(light - 0.9, 0)
    small = cv2.resize(bright, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    glow = 0.6 * cv2.GaussianBlur(small, (0, 0), 1.5) + 0.4 * cv2.GaussianBlur(small, (0, 0), 7.0)
    spread = cv2.resize(glow, light.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(light + share * 2 * spread, dtype=np.float32)


def _vignette(shape: tuple[int, int], darkening: float) -> NDArray[np.float32]:
    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None] * shape[0] / shape[1]
    cols = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    radius = (rows * rows + cols * cols) / (1 + (shape[0] / shape[1]) ** 2)
    return np.asarray(1 - darkening * radius, dtype=np.float32)[..., None]


def _noisy(exposed: Light, condition: Condition, key: tuple[int | str, ...]) -> Light:
    rng = generator(*key, "noise")
    variance = condition.noise_read**2 + condition.noise_shot * np.maximum(exposed, 0)
    noise = rng.standard_normal(exposed.shape, dtype=np.float32)
    rows = condition.row_noise * rng.standard_normal((len(exposed), 1, 1), dtype=np.float32)
    return np.asarray(exposed + np.sqrt(variance, dtype=np.float32) * noise + rows, dtype=np.float32)


def _saturated(exposed: Light, saturation: float) -> Light:
    if saturation == 1:
        return exposed
    red, green, blue = exposed[..., 0:1], exposed[..., 1:2], exposed[..., 2:3]
    grey = red * np.float32(0.3) + green * np.float32(0.59) + blue * np.float32(0.11)
    return np.asarray(grey + (exposed - grey) * np.float32(saturation), dtype=np.float32)


def _toned(exposed: Light) -> NDArray[np.uint8]:
    """Apply a curve that rolls off to white, and the gamma of sRGB, from a table."""
    place = np.sqrt(np.clip(exposed / _WHITE, 0, 1)) * (_TABLE_SIZE - 1)
    return _TABLE[np.asarray(place + 0.5, dtype=np.int32)]


def _tone_table() -> NDArray[np.uint8]:
    light = np.linspace(0, 1, _TABLE_SIZE) ** 2 * _WHITE
    rolled = light * (1 + light / _WHITE**2) / (1 + light * 0.55)
    rolled = rolled / rolled[-1]
    coded = np.where(rolled <= 0.0031308, 12.92 * rolled, 1.055 * np.maximum(rolled, 1e-9) ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(coded, 0, 1) * 255 + 0.5, dtype=np.uint8)


_TABLE = _tone_table()
