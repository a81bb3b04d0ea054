# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Values that pass between the layers are checked when they are made."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.errors import CameraError
from sfd2_ros.core.types import Camera, Evidence, Features, Matches


def _features(count: int = 3, **changes: Any) -> Features:
    values: dict[str, Any] = {
        "keypoints": np.zeros((count, 2), np.float32),
        "scores": np.ones(count, np.float32),
        "stability": np.ones(count, np.float32),
        "descriptors": np.ones((count, 4), np.float32) / 2,
        "image_size": (7, 5),
        "weights_id": "id",
    }
    return Features(**{**values, **changes})


@pytest.mark.parametrize("count", [0, 1, 3])
def test_features_of_any_number_are_made(count: int) -> None:
    assert len(_features(count)) == count


@pytest.mark.parametrize("name", ["keypoints", "scores", "stability", "descriptors"])
def test_features_refuse_other_lengths_types_and_what_is_not_finite(name: str) -> None:
    array = getattr(_features(), name)
    broken = array.copy()
    broken.flat[1] = np.nan
    for wrong, reason in (
        (array[:2], "shape"),
        (array[..., None], "shape"),
        (array.astype(np.float64), "type float64"),
        (array.astype(np.int64), "type int64"),
        (broken, "not finite"),
        (np.where(np.isnan(broken), np.float32(np.inf), broken), "not finite"),
    ):
        with pytest.raises(ValueError, match=reason):
            _features(**{name: wrong})


@pytest.mark.parametrize("size", [(0, 5), (7, 0), (-1, 5), (7,), (7, 5, 3)])
def test_features_refuse_an_image_without_pixels(size: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="image_size"):
        _features(image_size=size)


def test_features_refuse_descriptors_without_a_second_axis() -> None:
    with pytest.raises(ValueError, match="descriptors has shape"):
        _features(descriptors=np.ones(3, np.float32))


def _camera(**changes: Any) -> Camera:
    values: dict[str, Any] = {"width": 640, "height": 480, "fx": 500.0, "fy": 510.0, "cx": 319.5, "cy": 239.5}
    return Camera(**{**values, **changes})


def test_a_camera_has_its_matrix() -> None:
    np.testing.assert_array_equal(_camera().matrix, [[500, 0, 319.5], [0, 510, 239.5], [0, 0, 1]])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"width": 0}, "0x480"),
        ({"height": -1}, "must be positive"),
        ({"fx": 0.0}, "calibrated"),
        ({"fy": -1.0}, "calibrated"),
        ({"fx": 0.8, "fy": 0.8}, "focal lengths 0.8, 0.8 of a 640x480 image: pixels are needed"),
        ({"fx": 4.0, "fy": 4.0}, "pixels are needed"),
        ({"fx": math.nan}, "not finite"),
        ({"cx": math.inf}, "not finite"),
        ({"distortion_model": "omni"}, "'omni' is not supported; allowed: none, plumb_bob"),
        ({"distortion": (0.1,)}, "takes 0 coefficients, got 1"),
        ({"distortion_model": "plumb_bob"}, "takes 4 or 5 coefficients, got 0"),
        ({"distortion_model": "plumb_bob", "distortion": (0.0,) * 6}, "takes 4 or 5 coefficients, got 6"),
        (
            {"distortion_model": "rational_polynomial", "distortion": (0.0,) * 5},
            "takes 8 or 12 or 14 coefficients",
        ),
        ({"distortion_model": "equidistant", "distortion": (0.0,) * 5}, "takes 4 coefficients, got 5"),
        ({"distortion_model": "plumb_bob", "distortion": (0.0, math.nan, 0.0, 0.0)}, "not finite"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(CameraError, match=reason):
        _camera(**changes)


@pytest.mark.parametrize(
    ("model", "count"),
    [("none", 0), ("plumb_bob", 4), ("plumb_bob", 5), ("rational_polynomial", 8), ("equidistant", 4)],
)
def test_every_distortion_model_is_made(model: str, count: int) -> None:
    camera = _camera(distortion_model=model, distortion=(0.1,) * count)
    assert hash(camera) == hash(_camera(distortion_model=model, distortion=(0.1,) * count))


@pytest.mark.parametrize("count", [0, 1, 4])
def test_matches_are_three_arrays_of_one_length(count: int) -> None:
    indices, cosines = np.arange(count, dtype=np.int64), np.ones(count, np.float32)
    assert len(Matches(indices, indices, cosines)) == count
    for wrong in (
        (indices, np.arange(count + 1, dtype=np.int64), cosines),
        (indices, indices, np.ones(count + 1, np.float32)),
        (indices, indices[:, None], cosines),
        (indices.astype(np.int32), indices, cosines),
        (indices, indices, cosines.astype(np.float64)),
    ):
        with pytest.raises(ValueError, match=r"shape|type"):
            Matches(*wrong)


def test_values_are_frozen_and_evidence_is_not_shared() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        _camera().width = 3  # type: ignore[misc]
    assert Evidence().seconds is not Evidence().seconds
    assert math.isnan(Evidence().reprojection_error_px)
