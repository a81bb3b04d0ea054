# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""feature_node as a process, over real DDS, with the weights that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from support.feature_driver import CAMERA, Driver, image_of, street

from sfd2_ros.features import load_extractor

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def test_features_are_those_of_the_extractor(driver: Driver, extractor: Any) -> None:
    from sfd2_ros.ros.conversions.features import features_from_message

    message = driver.answer(image_of(street(1), driver))
    features, camera = features_from_message(message)
    expected = extractor(street(1))
    assert camera == CAMERA
    assert len(features) == len(expected) > 50
    np.testing.assert_array_equal(features.keypoints, expected.keypoints)
    np.testing.assert_allclose(features.descriptors, expected.descriptors, atol=3e-3)
    assert message.header.frame_id == "front_optical"
    assert message.weights_id == extractor.weights_id
    assert 0 < message.extraction_s < 10
    assert -0.01 < message.transport_s < 10


def test_broken_images_are_answered_with_the_reason_and_the_next_good_one_with_features(driver: Driver) -> None:
    truncated = image_of(street(), driver)
    truncated.data = truncated.data[:-10]
    strange = image_of(street(), driver)
    strange.encoding = "rgb9"
    for broken, word in ((truncated, "truncated"), (strange, "rgb9")):
        answer = driver.answer(broken)
        assert (answer.status, len(answer.scores)) == ("bad_image", 0)
        assert word in answer.reason
    assert driver.answer(image_of(street(), driver)).status == "ok"


def test_camera_info_of_another_size_is_refused_until_it_fits(driver: Driver) -> None:
    small = image_of(cv2.resize(street(), (160, 120)), driver)
    answer = driver.answer(small)
    assert answer.status == "no_camera_info"
    assert "image is 160x120" in answer.reason
    assert driver.answer(image_of(street(), driver)).status == "ok"


def test_black_image_is_answered_like_any_other(driver: Driver, extractor: Any) -> None:
    black = np.zeros((240, 320, 3), np.uint8)
    answer = driver.answer(image_of(black, driver))
    assert (answer.status, len(answer.scores)) == ("ok", len(extractor(black)))


def test_newest_image_wins_and_the_others_are_counted(driver: Driver) -> None:
    before = driver.answer(image_of(street(), driver))
    images = [image_of(street(number), driver) for number in range(30)]
    for image in images:  # faster than they can be extracted, slower than they can be received
        driver.send(image)
        driver.probe.handle_for(0.02)
    last = driver.probe.until(
        lambda: next((m for m in driver.features if m.header.stamp == images[-1].header.stamp), None)
    )
    answered = len([m for m in driver.features if m.images_received > before.images_received])
    received = last.images_received - before.images_received
    dropped = last.images_dropped - before.images_dropped
    assert answered < 30
    assert dropped > 0
    assert received == answered + dropped


def test_drawing_is_published_when_someone_looks(driver: Driver) -> None:
    from sensor_msgs.msg import Image

    from sfd2_ros.bags.image_messages import decode_image
    from sfd2_ros.ros.qos import newest_only

    drawings = driver.probe.listen(Image, "front/features/image", newest_only("reliable"))
    driver.probe.until(lambda: driver.probe.node.count_subscribers("front/features/image") > 0)

    def drawn() -> bool:
        driver.answer(image_of(street(2), driver))
        return bool(drawings)

    driver.probe.until(drawn, 40.0)
    drawing = decode_image(drawings[-1]).astype(int)
    assert drawing.shape == (240, 320, 3)
    assert np.mean(np.any(drawing != street(2), axis=-1)) > 0.01


def test_diagnostics_say_what_is_wrong_and_when_it_is_well_again(driver: Driver) -> None:
    from diagnostic_msgs.msg import DiagnosticArray

    from sfd2_ros.ros.qos import reliable

    arrays = driver.probe.listen(DiagnosticArray, "/diagnostics", reliable())

    def heard(level: bytes, words: str = "") -> Any:
        """Return the first status since the last call with a level and words; it may last for two seconds only."""
        while arrays:
            for each in arrays.pop(0).status:
                if each.name == "features_under_test: features" and each.level == level and words in each.message:
                    return each
        return None

    # On a busy machine an image may take longer than the two seconds after which the next one is missed.
    well = driver.probe.until(lambda: driver.answer(image_of(street(), driver)) and heard(b"\x00"), 60.0)
    values = {each.key: each.value for each in well.values}
    assert values["device"] == "cpu"
    assert int(values["num_keypoints"]) > 50
    broken = image_of(street(), driver)
    broken.encoding = "rgb9"
    driver.probe.until(lambda: driver.answer(broken) and heard(b"\x02", "rgb9"), 60.0)
    driver.probe.until(lambda: heard(b"\x01", "no image for"))


def test_images_are_reduced_while_they_take_longer_than_allowed(driver: Driver) -> None:
    from diagnostic_msgs.msg import DiagnosticArray

    from sfd2_ros.ros.qos import reliable

    def is_scaled(scale: str) -> bool:
        assert driver.answer(image_of(street(), driver)).height == 240
        values = [each for array in arrays for status in array.status for each in status.values]
        return [each.value for each in values if each.key == "image_scale"][-1:] == [scale]

    arrays = driver.probe.listen(DiagnosticArray, "/diagnostics", reliable())
    assert driver.probe.set_parameter("features_under_test", "max_latency_ms", 0.1).successful
    driver.probe.until(lambda: is_scaled("0.5"))
    assert driver.probe.set_parameter("features_under_test", "max_latency_ms", 0.0).successful
    driver.probe.until(lambda: is_scaled("1"))


def test_node_of_a_namespace_has_its_topics_and_its_names_there(probe: Any, start_node: Any) -> None:
    from diagnostic_msgs.msg import DiagnosticArray

    from sfd2_ros.ros.qos import reliable

    arrays = probe.listen(DiagnosticArray, "/diagnostics", reliable())
    options = {"cameras": ["rear"], "device": "cpu", "camera_info_timeout_s": 0.2, "diagnostics_period_s": 0.2}
    node = start_node("feature_node", "features_alone", arguments=("-r", "__ns:=/robot1"), **options)
    driver = Driver(probe, node, "/robot1/rear")
    answer = probe.until(lambda: driver.features or driver.send(image_of(street(), driver)), 40.0)[0]
    assert answer.status == "no_camera_info"
    assert "/robot1/rear/camera_info" in answer.reason
    assert list(answer.camera_info.k) == [0.0] * 9
    name = "robot1/features_alone: features"
    probe.until(lambda: any(status.name == name for array in arrays for status in array.status))


def test_compressed_images_are_taken_from_their_topic(probe: Any, start_node: Any) -> None:
    from sensor_msgs.msg import CompressedImage

    from sfd2_ros.ros.qos import newest_only

    node = start_node(
        "feature_node", "features_compressed", cameras=["left"], device="cpu", image_transport="compressed"
    )
    publisher = probe.node.create_publisher(CompressedImage, "left/image_raw/compressed", newest_only("reliable"))
    from sensor_msgs.msg import CameraInfo
    from sfd2_ros.msg import LocalFeatures

    from sfd2_ros.ros.conversions.cameras import message_from_camera
    from sfd2_ros.ros.qos import reliable

    infos = probe.node.create_publisher(CameraInfo, "left/camera_info", newest_only("reliable"))
    features = probe.listen(LocalFeatures, "left/features", reliable())
    data = cv2.imencode(".jpg", street()[..., ::-1])[1].tobytes()

    def answered() -> bool:
        node.check()
        infos.publish(message_from_camera(CAMERA))
        message = CompressedImage(format="jpeg", data=data)
        message.header.stamp = probe.node.get_clock().now().to_msg()
        publisher.publish(message)
        return any(each.status == "ok" and len(each.scores) > 50 for each in features)

    probe.until(answered, 40.0)


def test_a_compressed_image_is_compared_with_camera_info_before_it_is_decoded(probe: Any, start_node: Any) -> None:
    from sensor_msgs.msg import CameraInfo, CompressedImage
    from sfd2_ros.msg import LocalFeatures

    from sfd2_ros.ros.conversions.cameras import message_from_camera
    from sfd2_ros.ros.qos import newest_only, reliable

    node = start_node("feature_node", "features_huge", cameras=["rear"], device="cpu", image_transport="compressed")
    publisher = probe.node.create_publisher(CompressedImage, "rear/image_raw/compressed", newest_only("reliable"))
    infos = probe.node.create_publisher(CameraInfo, "rear/camera_info", newest_only("reliable"))
    features = probe.listen(LocalFeatures, "rear/features", reliable())
    header = b"\xff\xd8\xff\xc0\x00\x11\x08\x3a\x98\x3a\x98\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01"  # 15000x15000

    def answered() -> Any:
        node.check()
        infos.publish(message_from_camera(CAMERA))
        publisher.publish(CompressedImage(format="jpeg", data=header))
        return next((each for each in features if "15000x15000" in each.reason), None)

    assert probe.until(answered, 40.0).status == "no_camera_info"


def test_another_network_runs_in_the_node(probe: Any, start_node: Any, tmp_path: Path) -> None:
    kornia = pytest.importorskip("kornia.feature")
    torch.save(kornia.ALIKED(model_name="aliked-n16").state_dict(), tmp_path / "aliked-n16.pth")
    weights = str(tmp_path / "aliked-n16.pth")
    parameters = {"cameras": ["right"], "device": "cpu", "model": "aliked-n16", "weights": weights}
    node = start_node("feature_node", "features_of_another", image_reliability="reliable", **parameters)
    driver = Driver(probe, node, "right")

    def answered() -> Any:
        driver.send_info()
        answer = driver.answer(image_of(street(), driver))
        return answer if answer.status == "ok" else None

    message = probe.until(answered, 40.0)
    assert message.weights_id == load_extractor(weights, model="aliked-n16").weights_id
    assert len(message.scores) > 50
