# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Conditions under which a street is seen: light, weather and what they do to the camera."""

from __future__ import annotations

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
        lamp_share: how bright street lamps and signs are, 0 off, 1 night.
        window_share: share of windows with light behind them.
        has_headlights: whether the own car and others light the road.
        haze_per_m: share of light that is replaced by the horizon's colour per metre.
        exposure: factor before the tone curve.
        white_balance: factors of the camera for red, green, blue.
        noise_read: noise of black, in units of white.
        noise_shot: variance per light, in units of white.
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
    lamp_share: float = 0.0
    window_share: float = 0.0
    has_headlights: bool = False
    haze_per_m: float = 0.0008
    exposure: float = 1.0
    white_balance: Colour = (1.0, 1.0, 1.0)
    noise_read: float = 0.004
    noise_shot: float = 0.00015
    blur_px: float = 0.5
    bloom: float = 0.0
    shutter_s: float = 0.002
    vignette: float = 0.25
    jpeg_quality: int = 92


CONDITIONS = {
    condition.name: condition
    for condition in (
        Condition(
            "overcast",
            sky_light=(1.0, 1.0, 1.02),
            zenith=(0.62, 0.66, 0.72),
            horizon=(0.85, 0.87, 0.9),
            cloud=(1.0, 1.0, 1.0),
            cloud_cover=0.95,
            exposure=1.55,
        ),
        Condition(
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
            noise_read=0.013,
            noise_shot=0.0022,
            blur_px=0.75,
            bloom=0.12,
            shutter_s=0.025,
            vignette=0.35,
            jpeg_quality=85,
        ),
    )
}


def condition_named(name: str) -> Condition:
    """Return the condition of a name.

    Raises:
        ConfigError: there is none of that name; the message lists all.
    """
    if name not in CONDITIONS:
        raise ConfigError(f"unknown condition {name!r}; allowed: {', '.join(CONDITIONS)}")
    return CONDITIONS[name]
