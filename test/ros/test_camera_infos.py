# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which camera_info an image of a running camera gets: that of its stamp, or the last one before it."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from sfd2_ros.bags.calibrations import LIVE_CHANGES
from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.core.errors import CameraError
from sfd2_ros.ros.camera_infos import CameraInfos

S = NS_PER_S


def _info(focal_px: float, stamp_ns: int, width: int = 640) -> Any:
    stamp = SimpleNamespace(sec=stamp_ns // S, nanosec=stamp_ns % S)
    roi = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp), width=width, height=480, distortion_model="plumb_bob", d=[],
        k=[focal_px, 0, 320, 0, focal_px, 240, 0, 0, 1], p=[0.0] * 12, binning_x=0, binning_y=0, roi=roi,
    )  # fmt: skip


def _infos(*given: tuple[float, int]) -> CameraInfos:
    infos = CameraInfos()
    for focal_px, stamp_ns in given:
        infos.add(_info(focal_px, stamp_ns), 0)
    return infos


def _focal_px(infos: CameraInfos, image_ns: int, timeout_s: float = 0.0) -> float | None:
    found = infos.wait_for(image_ns, timeout_s)
    return None if found is None else float(found.k[0])


def test_an_image_has_the_camera_info_of_its_stamp_not_the_newest() -> None:
    infos = _infos((500, 1 * S), (500, 2 * S), (700, 3 * S), (900, 4 * S))
    assert [_focal_px(infos, t * S // 2) for t in (2, 4, 5, 6, 7, 8, 99)] == [500, 500, 500, 700, 700, 900, 900]


def test_the_only_calibration_serves_earlier_images_and_one_of_several_does_not() -> None:
    assert _focal_px(_infos((500, 5 * S), (500, 6 * S)), 1 * S) == 500
    with pytest.raises(CameraError, match=r"the first camera_info is 4\.000 s after the image"):
        _focal_px(_infos((500, 5 * S), (700, 6 * S)), 1 * S)


def test_an_image_without_a_stamp_has_the_newest_camera_info() -> None:
    assert _focal_px(_infos((500, 1 * S), (700, 2 * S)), 0) == 700


def test_nothing_is_waited_for_longer_than_the_timeout() -> None:
    assert _focal_px(CameraInfos(), 1 * S, 0.05) is None


def test_a_camera_info_that_comes_after_its_image_is_waited_for() -> None:
    infos = _infos((500, 1 * S))
    assert _focal_px(infos, 1 * S) == 500
    timer = threading.Timer(0.2, lambda: infos.add(_info(700, 2 * S), 0))
    timer.start()
    assert _focal_px(infos, 2 * S, 10.0) == 700
    timer.join()


def test_a_camera_info_that_is_published_once_is_not_waited_for() -> None:
    infos = _infos((500, 1 * S))
    started = time.monotonic()
    assert [_focal_px(infos, t * S, 5.0) for t in (2, 3, 4)] == [500] * 3
    assert time.monotonic() - started < 2


def test_a_camera_that_stops_publishing_camera_info_delays_one_image_only() -> None:
    infos = _infos((500, 1 * S))
    assert _focal_px(infos, 1 * S, 5.0) == 500
    started = time.monotonic()
    assert [_focal_px(infos, t * S, 0.2) for t in range(2, 30)] == [500] * 28
    assert 0.15 < time.monotonic() - started < 2


def test_a_recording_in_a_loop_begins_anew() -> None:
    infos = _infos((500, 10 * S), (700, 20 * S), (500, 10 * S))
    assert _focal_px(infos, 20 * S) == 500
    infos.add(_info(700, 20 * S), 0)
    assert (_focal_px(infos, 15 * S), _focal_px(infos, 20 * S)) == (500, 700)


def test_a_stamp_of_zero_is_dated_by_its_arrival() -> None:
    infos = CameraInfos()
    infos.add(_info(500, 0), 3 * S)
    infos.add(_info(700, 0), 5 * S)
    assert (_focal_px(infos, 4 * S), _focal_px(infos, 6 * S)) == (500, 700)


def test_a_lens_that_never_rests_takes_no_memory_without_end() -> None:
    count = 3 * LIVE_CHANGES
    infos = _infos(*((500 + t / 10, (1 + t) * S) for t in range(count)))
    assert _focal_px(infos, count * S) == pytest.approx(500 + (count - 1) / 10)
    with pytest.raises(CameraError, match="later ones differ"):
        _focal_px(infos, 1 * S)
