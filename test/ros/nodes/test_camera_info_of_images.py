# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which camera_info a real feature_node uses for an image."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import cv2
import pytest
from support.feature_driver import CAMERA, Driver, image_of, street

from sfd2_ros.core.types import Camera

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def _with_info(driver: Driver, camera: Camera, *, is_late: bool = False) -> Any:
    """Send an image with its camera_info before it or after it, and return the features message."""
    from sfd2_ros.ros.conversions.cameras import message_from_camera

    image = image_of(cv2.resize(street(), (camera.width, camera.height)), driver)
    info = message_from_camera(camera)
    info.header = image.header
    if not is_late:
        driver.infos.publish(info)
        return driver.answer(image)
    driver.send(image)
    driver.probe.handle_for(0.1)
    driver.infos.publish(info)
    return driver.answer(image)


def test_each_image_has_the_camera_info_of_its_stamp(driver: Driver) -> None:
    from sfd2_ros.ros.conversions.cameras import message_from_camera

    zoomed = replace(CAMERA, fx=400.0, fy=400.0)
    image = image_of(street(), driver)
    for camera, later_ns in ((CAMERA, 0), (zoomed, 1_000_000)):
        info = message_from_camera(camera)
        info.header = copy.deepcopy(image.header)
        info.header.stamp.nanosec = min(info.header.stamp.nanosec + later_ns, 999_999_999)
        driver.infos.publish(info)
    driver.probe.handle_for(0.3)
    assert driver.answer(image).camera_info.k[0] == CAMERA.fx
    assert _with_info(driver, zoomed).camera_info.k[0] == zoomed.fx


def test_a_changed_camera_info_that_comes_after_its_image_holds_for_it(driver: Driver) -> None:
    assert _with_info(driver, CAMERA).camera_info.k[0] == CAMERA.fx
    assert _with_info(driver, replace(CAMERA, fx=400.0, fy=400.0), is_late=True).camera_info.k[0] == 400.0


def test_images_of_another_size_are_used_with_their_own_camera_info(driver: Driver) -> None:
    half = Camera(160, 120, 130.0, 130.0, 79.5, 59.5)
    for camera, is_late in ((CAMERA, False), (half, True), (CAMERA, True), (half, False)):
        message = _with_info(driver, camera, is_late=is_late)
        assert (message.status, message.camera_info.width) == ("ok", camera.width)


def test_images_are_rejected_until_the_camera_is_calibrated(driver: Driver) -> None:
    from sfd2_ros.ros.conversions.cameras import message_from_camera

    image = image_of(street(), driver)
    info = message_from_camera(CAMERA)
    info.header, info.k = image.header, [0.0] * 9
    driver.infos.publish(info)
    driver.probe.handle_for(0.2)
    message = driver.answer(image)
    assert (message.status, "is not calibrated" in message.reason) == ("no_camera_info", True)
    assert _with_info(driver, CAMERA).status == "ok"
