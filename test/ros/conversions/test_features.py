# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.errors import CameraError, MessageError
from sfd2_ros.core.types import Camera, Features

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]
CAMERA = Camera(640, 480, 500.0, 510.0, 320.0, 240.0)


def make_features(count: int) -> Features:
    generator = np.random.default_rng(count)
    descriptors = generator.normal(size=(count, 128)).astype(np.float32)
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    return Features(
        keypoints=(generator.random((count, 2)) * 400).astype(np.float32),
        scores=np.sort(generator.random(count).astype(np.float32))[::-1].copy(),
        stability=generator.random(count).astype(np.float32),
        descriptors=descriptors,
        image_size=(480, 640),
        weights_id="0123456789abcdef",
    )


def make_message(features: Features) -> Any:
    from std_msgs.msg import Header

    from sfd2_ros.ros.conversions.features import message_from_features

    return message_from_features(features, CAMERA, Header(frame_id="camera_optical"))


@pytest.mark.parametrize("count", [0, 1, 777])
def test_features_survive_the_wire(count: int) -> None:
    from rclpy.serialization import deserialize_message, serialize_message
    from sfd2_ros.msg import LocalFeatures

    from sfd2_ros.ros.conversions.features import features_from_message

    sent = make_features(count)
    received, camera = features_from_message(deserialize_message(serialize_message(make_message(sent)), LocalFeatures))
    assert camera == CAMERA
    assert (received.image_size, received.weights_id) == (sent.image_size, sent.weights_id)
    np.testing.assert_array_equal(received.keypoints, sent.keypoints)
    np.testing.assert_array_equal(received.scores, sent.scores)
    np.testing.assert_array_equal(received.stability, sent.stability)
    np.testing.assert_allclose(received.descriptors, sent.descriptors, atol=2e-3)
    assert received.descriptors.shape == (count, 128)


def test_a_descriptor_on_the_wire_has_one_byte_a_value_and_its_largest_is_127() -> None:
    sent = make_features(3)
    message = make_message(sent)
    wire = np.frombuffer(bytes(message.descriptors), np.int8).reshape(3, message.dimension)
    assert message.dimension == 128
    assert np.abs(wire.astype(int)).max(axis=1).tolist() == [127, 127, 127]
    np.testing.assert_allclose(wire / np.linalg.norm(wire, axis=1, keepdims=True), sent.descriptors, atol=2e-3)


def test_whole_numbers_move_similarities_by_less_than_five_thousandths() -> None:
    from sfd2_ros.ros.conversions.features import features_from_message

    sent = make_features(500)
    received, _ = features_from_message(make_message(sent))
    moved = np.abs(received.descriptors @ sent.descriptors.T - sent.descriptors @ sent.descriptors.T)
    assert 0 < moved.max() < 5e-3
    np.testing.assert_allclose(np.linalg.norm(received.descriptors, axis=1), 1, atol=1e-6)


def test_a_descriptor_without_direction_is_rejected_by_number() -> None:
    from sfd2_ros.ros.conversions.features import features_from_message

    message = make_message(make_features(3))
    message.descriptors = array.array("b", [*message.descriptors[:128], *[0] * 128, *message.descriptors[256:]])
    with pytest.raises(MessageError, match="descriptor 1 is zero"):
        features_from_message(message)


@pytest.mark.parametrize("field", ["keypoints", "stability", "descriptors"])
def test_arrays_of_unequal_length_are_refused_by_name(field: str) -> None:
    from sfd2_ros.ros.conversions.features import features_from_message

    message = make_message(make_features(5))
    setattr(message, field, getattr(message, field)[:-1])
    with pytest.raises(MessageError, match=field):
        features_from_message(message)


def test_values_that_are_not_finite_are_refused() -> None:
    from sfd2_ros.ros.conversions.features import features_from_message

    message = make_message(make_features(2))
    message.keypoints = array.array("f", [1.0, 2.0, float("nan"), 4.0])
    with pytest.raises(MessageError, match="not finite"):
        features_from_message(message)


def test_message_without_intrinsics_is_refused() -> None:
    from sensor_msgs.msg import CameraInfo

    from sfd2_ros.ros.conversions.features import features_from_message

    message = make_message(make_features(2))
    message.camera_info = CameraInfo()
    with pytest.raises(CameraError, match="not calibrated"):
        features_from_message(message)
