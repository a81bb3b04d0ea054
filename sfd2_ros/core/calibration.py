# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Distortion as drivers and calibrators write it, in camera_info messages and files, to the names of `Camera`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.types import DISTORTION_COEFFICIENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

# Names that drivers and calibrators write for the models of sensor_msgs/distortion_models.
MODEL_ALIASES = {
    "plumb_bob": "plumb_bob",
    "radial_tangential": "plumb_bob",
    "radtan": "plumb_bob",
    "rational_polynomial": "rational_polynomial",
    "equidistant": "equidistant",
    "equi": "equidistant",
    "fisheye": "equidistant",
    "kannala_brandt": "equidistant",
    "kannala_brandt4": "equidistant",
    "thin_prism_fisheye": "thin_prism_fisheye",
    "rad_tan_thin_prism_fisheye": "rad_tan_thin_prism_fisheye",
    "fov": "fov",
    "eucm": "eucm",
    "division": "division",
    "none": "none",
    "": "none",
}

_STRAIGHT_AT_ZERO = ("plumb_bob", "rational_polynomial", "fov", "division")
"""Models whose zero coefficients are no distortion; a fisheye's still is no pinhole."""

_USUAL_COEFFICIENTS = {"plumb_bob": 5, "rational_polynomial": 8}
"""What calibrators write for these models; longer lists have more only where what is longer is not zero."""


def distortion_from_calibration(name: str, coefficients: Sequence[float]) -> tuple[str, tuple[float, ...]]:
    """Return the model by its one name, and its coefficients; all-zero coefficients are no distortion.

    Args:
        name: as camera_info has it, in any case.
        coefficients: in the order of that model; zeros that drivers pad every model to one length with are cut off.

    Raises:
        CameraError: a model that is not known, or coefficients without a model.
    """
    values = tuple(float(value) for value in coefficients)
    model = MODEL_ALIASES.get(name.lower())
    if model is None:
        known = ", ".join(filter(None, MODEL_ALIASES))
        raise CameraError(f"camera_info has distortion model {name!r}; known: {known}")
    if model != "none" and any(values):
        return model, _trimmed(model, values)
    if model != "none" and model not in _STRAIGHT_AT_ZERO:
        return model, _trimmed(model, values or (0.0,) * max(DISTORTION_COEFFICIENTS[model]))
    if any(values):
        raise CameraError(
            f"camera_info has {len(values)} distortion coefficients but names no model; set distortion_model"
        )
    return "none", ()


def _trimmed(model: str, coefficients: tuple[float, ...]) -> tuple[float, ...]:
    """Cut off zeros behind the shortest form of a model, of its usual length or more, that holds what is not zero."""
    allowed = DISTORTION_COEFFICIENTS[model]
    usual = _USUAL_COEFFICIENTS.get(model, max(allowed))
    lengths = (length for length in allowed if length >= usual and not any(coefficients[length:]))
    return coefficients[: next(lengths, len(coefficients))]
