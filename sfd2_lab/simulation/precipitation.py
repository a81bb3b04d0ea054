# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What falls between the street and the sensor: rain, snow flakes, drops on the lens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Light = NDArray[np.float32]


def streaks(light: Light, rng: np.random.Generator, per_megapixel: int) -> Light:
    """Draw rain: thin bright streaks, all slanted alike, as wide and long as their distance makes them."""
    height, width = light.shape[:2]
    count = round(per_megapixel * height * width / 1e6)
    if count == 0:
        return light
    mask = np.zeros((height, width), np.uint8)
    slant = float(rng.normal(0, 0.08))
    for x, y, near in rng.random((count, 3)).tolist():
        length = height * (0.02 + 0.10 * near * near)
        start = np.array((x * width, y * height * 1.1 - 0.05 * height))
        ends = np.stack([start, start + np.array((slant * length, length))])
        fixed = np.round(ends * 16).astype(np.int32)
        cv2.polylines(mask, [fixed], False, int(60 + 150 * near), 1, cv2.LINE_AA, 4)
    cover = cv2.GaussianBlur(mask, (0, 0), 0.6).astype(np.float32)[..., None] / 255
    ambient = cv2.blur(light, (31, 31))
    return np.asarray(light + (ambient * 1.25 + 0.01 - light) * cover * 0.45, dtype=np.float32)


def snow_flakes(light: Light, rng: np.random.Generator, per_megapixel: int) -> Light:
    """Draw falling flakes: small and sharp when far, large and blurred when near."""
    height, width = light.shape[:2]
    count = round(per_megapixel * height * width / 1e6)
    if count == 0:
        return light
    cover = np.zeros((height, width), np.float32)
    for low, high, radius in ((0.0, 0.75, 0.9), (0.75, 0.95, 1.6), (0.95, 1.0, 3.2)):
        layer = np.zeros((height, width), np.uint8)
        for x, y in rng.random((round(count * (high - low)), 2)).tolist():
            centre = (round(x * width * 16), round(y * height * 16))
            cv2.circle(layer, centre, round(radius * 16 * height / 480), 235, -1, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(layer, (0, 0), 0.5 + 0.3 * radius).astype(np.float32) / 255
        cover = np.maximum(cover, soft * np.float32(0.95 - 0.12 * radius))
    white = np.maximum(light, 0.25 * light.mean() + 0.75 * float(light.max(initial=0.0).clip(0, 1)))
    return np.asarray(light + (white - light) * cover[..., None], dtype=np.float32)


def lens_drops(light: Light, rng: np.random.Generator, count: int) -> Light:
    """Show drops on the lens: each shows a small, blurred image of its surroundings upside down."""
    if count == 0:
        return light
    height, width = light.shape[:2]
    soft = cv2.GaussianBlur(light, (0, 0), 2.2 * height / 480)
    wet = light.copy()
    for place in rng.random((count, 3)).tolist():
        radius = height * (0.008 + 0.035 * place[2] ** 3)
        _add_drop(wet, soft, (place[0] * width, place[1] * height), radius)
    return wet


def _add_drop(wet: Light, soft: Light, centre: tuple[float, float], radius: float) -> None:
    """Draw one drop in place, from the blurred image."""
    height, width = wet.shape[:2]
    left, right = max(0, int(centre[0] - radius)), min(width, int(centre[0] + radius) + 2)
    top, bottom = max(0, int(centre[1] - 1.2 * radius)), min(height, int(centre[1] + 1.2 * radius) + 2)
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    distance = np.sqrt(dx * dx + dy * dy * np.float32(0.8)) / np.float32(radius)
    pull = np.float32(3.5) * np.maximum(1 - distance, 0) + 2
    seen = cv2.remap(soft, x - dx * pull, y - dy * pull, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    inside = np.clip((1 - distance) * 4, 0, 1)[..., None]
    wet[top:bottom, left:right] += (seen - wet[top:bottom, left:right]) * inside
