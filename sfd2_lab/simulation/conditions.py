# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Conditions under which a street is seen: light, weather, season, and what they do to the camera."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sfd2_ros.core.errors import ConfigError

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Condition:
    """One condition; light is relative to an overcast noon, where white paper on open ground is 1.

    Attributes:
        name: as on the command line.
        sky_light: from the whole sky on open ground, linear RGB.
        zenith: colour of the sky above, linear RGB.
        horizon: colour of the sky at the horizon.
        cloud: colour of clouds.
        cloud_cover: share of the sky under cloud, 0 to 1.
        sun: azimuth (from x to y) and elevation in degrees, or None when it casts no shadows.
        sun_light: from the sun on a surface that faces it, linear RGB.
        lamp_share: how bright street lamps and signs are, 0 off, 1 night.
        window_share: share of windows with light behind them.
        has_headlights: whether the own car and others light the road.
        season: of the leaves: "summer", "autumn" or "winter".
        litter: share of the ground under fallen leaves, 0 to 1.
        wetness: 0 dry, 1 rain on every surface, with puddles.
        snow: 0 none, 1 deep.
        rain_streaks: number per megapixel.
        drops: on the lens, number in an image.
        flakes: of falling snow, number per megapixel.
        haze_per_m: share of light that is replaced by the horizon's colour per metre.
        exposure: factor before the tone curve.
        white_balance: factors of the camera for red, green, blue.
        saturation: 1 as it is, 0 grey.
        noise_read: noise of black, in units of white.
        noise_shot: variance per light, in units of white.
        row_noise: noise common to a row, in units of white.
        blur_px: deviation of the lens blur.
        bloom: share of light that bright lamps spill around them.
        shutter_s: exposure time; blurs what moves.
        vignette: darkening at the corner, 0 to 1.
        jpeg_quality: quality of the compression that the camera applies, 1 to 100.
    """

    name: str
    sky_light: Colour
    zenith: Colour
    horizon: Colour
    cloud: Colour
    cloud_cover: float
    sun: tuple[float, float] | None = None
    sun_light: Colour = (0.0, 0.0, 0.0)
    lamp_share: float = 0.0
    window_share: float = 0.0
    has_headlights: bool = False
    season: str = "summer"
    litter: float = 0.0
    wetness: float = 0.0
    snow: float = 0.0
    rain_streaks: int = 0
    drops: int = 0
    flakes: int = 0
    haze_per_m: float = 0.0008
    exposure: float = 1.0
    white_balance: Colour = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    noise_read: float = 0.004
    noise_shot: float = 0.00015
    row_noise: float = 0.0
    blur_px: float = 0.5
    bloom: float = 0.0
    shutter_s: float = 0.002
    vignette: float = 0.25
    jpeg_quality: int = 92


_OVERCAST = Condition(
    "overcast",
    sky_light=(1.0, 1.0, 1.02),
    zenith=(0.62, 0.66, 0.72),
    horizon=(0.85, 0.87, 0.9),
    cloud=(1.0, 1.0, 1.0),
    cloud_cover=0.95,
    exposure=1.55,
)
_SUN = Condition(
    "sun",
    sky_light=(0.42, 0.47, 0.58),
    zenith=(0.16, 0.30, 0.66),
    horizon=(0.62, 0.74, 0.92),
    cloud=(1.25, 1.22, 1.2),
    cloud_cover=0.42,
    sun=(212.0, 44.0),
    sun_light=(2.1, 1.95, 1.7),
    haze_per_m=0.0012,
    exposure=0.95,
    noise_read=0.003,
    blur_px=0.45,
)
_NIGHT = Condition(
    "night",
    sky_light=(0.014, 0.014, 0.019),
    zenith=(0.004, 0.005, 0.010),
    horizon=(0.030, 0.022, 0.016),
    cloud=(0.022, 0.018, 0.016),
    cloud_cover=0.5,
    lamp_share=1.0,
    window_share=0.3,
    has_headlights=True,
    haze_per_m=0.0005,
    exposure=1.9,
    noise_read=0.020,
    noise_shot=0.0035,
    row_noise=0.002,
    blur_px=0.8,
    bloom=0.12,
    shutter_s=0.03,
    vignette=0.35,
    jpeg_quality=85,
)
_RAIN = dataclasses.replace(
    _OVERCAST,
    name="rain",
    sky_light=(0.62, 0.64, 0.68),
    zenith=(0.34, 0.36, 0.40),
    horizon=(0.55, 0.57, 0.60),
    cloud=(0.52, 0.54, 0.57),
    lamp_share=0.12,
    window_share=0.12,
    wetness=1.0,
    rain_streaks=900,
    drops=26,
    haze_per_m=0.0045,
    exposure=2.0,
    saturation=0.85,
    noise_read=0.007,
    noise_shot=0.0006,
    blur_px=0.6,
    shutter_s=0.008,
)
_ALL = (
    _OVERCAST,
    _SUN,
    dataclasses.replace(
        _SUN,
        name="dawn",
        sky_light=(0.40, 0.38, 0.44),
        zenith=(0.22, 0.28, 0.45),
        horizon=(1.15, 0.72, 0.46),
        cloud=(0.95, 0.66, 0.56),
        sun=(38.0, 13.0),
        sun_light=(1.9, 1.15, 0.62),
        window_share=0.12,
        lamp_share=0.1,
        haze_per_m=0.0022,
        exposure=1.5,
        white_balance=(1.03, 1.0, 0.97),
        noise_read=0.006,
        noise_shot=0.0004,
    ),
    dataclasses.replace(
        _NIGHT,
        name="dusk",
        sky_light=(0.20, 0.23, 0.33),
        zenith=(0.07, 0.10, 0.22),
        horizon=(0.42, 0.30, 0.28),
        cloud=(0.24, 0.22, 0.28),
        lamp_share=0.75,
        window_share=0.45,
        haze_per_m=0.0012,
        exposure=1.7,
        noise_read=0.009,
        noise_shot=0.0012,
        row_noise=0.001,
        shutter_s=0.012,
        bloom=0.08,
        vignette=0.3,
        jpeg_quality=90,
    ),
    _NIGHT,
    _RAIN,
    dataclasses.replace(
        _NIGHT,
        name="night_rain",
        wetness=1.0,
        rain_streaks=500,
        drops=22,
        haze_per_m=0.002,
        horizon=(0.040, 0.030, 0.022),
        shutter_s=0.03,
        bloom=0.2,
    ),
    dataclasses.replace(
        _OVERCAST,
        name="snow",
        sky_light=(0.85, 0.87, 0.92),
        zenith=(0.66, 0.69, 0.74),
        horizon=(0.86, 0.88, 0.91),
        cloud=(0.84, 0.86, 0.89),
        cloud_cover=1.0,
        season="winter",
        snow=1.0,
        flakes=900,
        haze_per_m=0.006,
        exposure=1.15,
        saturation=0.85,
        white_balance=(0.97, 1.0, 1.05),
        noise_read=0.006,
        window_share=0.08,
    ),
    dataclasses.replace(
        _OVERCAST,
        name="autumn",
        sky_light=(0.82, 0.80, 0.78),
        season="autumn",
        litter=0.55,
        wetness=0.25,
        haze_per_m=0.002,
        exposure=1.7,
        white_balance=(1.04, 1.0, 0.94),
        noise_read=0.005,
    ),
    dataclasses.replace(
        _SUN,
        name="winter",
        sky_light=(0.44, 0.49, 0.60),
        zenith=(0.28, 0.42, 0.70),
        horizon=(0.80, 0.82, 0.86),
        sun=(236.0, 17.0),
        sun_light=(1.35, 1.12, 0.82),
        season="winter",
        snow=0.18,
        litter=0.05,
        haze_per_m=0.002,
        exposure=1.6,
        white_balance=(0.98, 1.0, 1.03),
    ),
)
CONDITIONS = {condition.name: condition for condition in _ALL}


def condition_named(name: str) -> Condition:
    """Return the condition of a name.

    Raises:
        ConfigError: there is none of that name; the message lists all.
    """
    if name not in CONDITIONS:
        raise ConfigError(f"unknown condition {name!r}; allowed: {', '.join(CONDITIONS)}")
    return CONDITIONS[name]
