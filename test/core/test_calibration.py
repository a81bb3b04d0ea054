# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Distortion as drivers write it."""

from __future__ import annotations

import pytest

from sfd2_ros.core.calibration import MODEL_ALIASES, distortion_from_calibration
from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.types import DISTORTION_COEFFICIENTS, Camera


@pytest.mark.parametrize(
    ("name", "coefficients", "expected"),
    [
        ("plumb_bob", (0.1, 0.0, 0.0, 0.0, 0.2), ("plumb_bob", (0.1, 0.0, 0.0, 0.0, 0.2))),
        ("plumb_bob", (0.0,) * 5, ("none", ())),
        ("Plumb_Bob", (0.1, 0.0, 0.0, 0.0), ("plumb_bob", (0.1, 0.0, 0.0, 0.0))),
        ("plumb_bob", (0.1, *(0.0,) * 11), ("plumb_bob", (0.1, 0.0, 0.0, 0.0, 0.0))),
        ("rational_polynomial", (0.1, *(0.0,) * 13), ("rational_polynomial", (0.1, *(0.0,) * 7))),
        ("fisheye", (0.1, 0.0, 0.0, 0.0), ("equidistant", (0.1, 0.0, 0.0, 0.0))),
        ("equidistant", (0.0,) * 4, ("equidistant", (0.0,) * 4)),
        ("equidistant", (), ("equidistant", (0.0,) * 4)),
        ("", (), ("none", ())),
        ("none", (0.0,) * 5, ("none", ())),
    ],
)
def test_distortion_is_read(name: str, coefficients: tuple[float, ...], expected: tuple[str, object]) -> None:
    assert distortion_from_calibration(name, coefficients) == expected


def test_a_fisheye_without_coefficients_is_no_pinhole() -> None:
    assert distortion_from_calibration("equidistant", [0.0] * 4)[0] == "equidistant"


def test_an_unknown_model_is_refused_even_when_its_coefficients_are_zero() -> None:
    for coefficients in ((0.0,) * 5, (0.1,)):
        with pytest.raises(CameraError, match="'thin_prism'; known: plumb_bob"):
            distortion_from_calibration("thin_prism", coefficients)


@pytest.mark.parametrize("name", ["", "none"])
def test_coefficients_without_a_model_are_refused(name: str) -> None:
    with pytest.raises(CameraError, match="5 distortion coefficients but names no model"):
        distortion_from_calibration(name, [0.1] * 5)


def test_coefficients_that_a_model_does_not_have_are_never_dropped() -> None:
    model, coefficients = distortion_from_calibration("plumb_bob", [0.1] * 8)
    with pytest.raises(CameraError, match="takes 4 or 5 coefficients, got 8"):
        Camera(640, 480, 500, 500, 320, 240, model, coefficients)


def test_every_name_leads_to_a_model_of_the_camera() -> None:
    assert set(MODEL_ALIASES.values()) == set(DISTORTION_COEFFICIENTS)
