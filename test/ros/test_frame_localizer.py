# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One frame through FrameLocalizer: stamps, settings by value, and the transform that is broadcast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sfd2_ros.bags.transform_history import TransformHistory
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import Evidence, Status
from sfd2_ros.localization import GatesConfig, Localized, Localizer
from sfd2_ros.localization.states import RobotState
from sfd2_ros.mapping import load_map

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]

S = 1_000_000_000
START_NS = 10_000 * S


class Mounted:
    """TF of a robot whose camera is its base."""

    def lookup(self, *_: Any) -> np.ndarray:
        return np.eye(4)

    def wait_for_more(self, *_: Any) -> None:
        raise AssertionError("all transforms are known")


@pytest.fixture(scope="module")
def localizer(random_place: Any) -> Localizer:
    return Localizer(load_map(random_place.map_folder))


@pytest.fixture
def settings() -> Any:
    from sfd2_ros.ros.node_config import LOCALIZER_SETTINGS, localizer_settings

    whole = localizer_settings({prefix: made() for prefix, made in LOCALIZER_SETTINGS.items()})
    return replace(whole, node=replace(whole.node, publish="map_to_base"))


@pytest.fixture
def localize(localizer: Localizer, random_place: Any, settings: Any) -> Callable[..., Any]:
    """Return a call (stamp_ns, now_ns=..., settings=...) that localizes a view of the random place."""
    from sfd2_ros.ros.frame_localizer import FrameLocalizer

    frames = FrameLocalizer(localizer, Mounted(), settings)  # type: ignore[arg-type]
    image, features = random_place.images[3], random_place.features[3]

    def run(stamp_ns: int, *, now_ns: int | None = None, settings: Any = settings) -> Any:
        seconds, nanoseconds = divmod(stamp_ns, S)
        stamp = SimpleNamespace(sec=seconds, nanosec=nanoseconds)
        message = SimpleNamespace(
            header=SimpleNamespace(stamp=stamp, frame_id="camera"),
            status="ok",
            reason="",
            handed=(features, image.camera),
            transport_s=0.0,
            extraction_s=0.0,
        )
        return frames.localize([message], stamp_ns if now_ns is None else now_ns, None, settings)  # type: ignore[list-item]

    return run


@pytest.mark.parametrize(
    ("ahead_s", "status"), [(0.1, Status.LOCALIZED), (0.3, Status.STALE_STAMP), (3600, Status.STALE_STAMP)]
)
def test_a_stamp_in_the_future_is_rejected(localize: Callable[..., Any], ahead_s: float, status: Status) -> None:
    frame = localize(START_NS, now_ns=START_NS - int(ahead_s * S))
    assert frame.result.status is status, frame.result.reason
    assert ("in the future" in frame.result.reason) == (status is Status.STALE_STAMP)


def test_before_a_simulated_clock_starts_no_stamp_is_in_the_future(localize: Callable[..., Any]) -> None:
    assert localize(START_NS, now_ns=0).result.is_localized


def test_an_old_stamp_is_rejected_where_max_age_is_set(localize: Callable[..., Any], settings: Any) -> None:
    strict = replace(settings, node=replace(settings.node, max_age_s=1.0))
    assert localize(START_NS, now_ns=START_NS + 2 * S, settings=strict).result.status is Status.STALE_STAMP
    assert localize(START_NS, now_ns=START_NS + 2 * S).result.is_localized


def test_each_frame_is_judged_by_its_own_settings_and_the_robot_stays_known(
    localize: Callable[..., Any], settings: Any, localizer: Localizer
) -> None:
    settings = replace(settings, node=replace(settings.node, publish="map_to_odom"))
    strict = replace(settings, localizer=replace(settings.localizer, gates=GatesConfig(min_inliers=100_000)))
    frames = [
        localize(START_NS + number * S // 10, settings=chosen)
        for number, chosen in enumerate([settings, strict, settings, settings])
    ]
    assert [frame.result.is_localized for frame in frames] == [True, False, True, True]
    assert [frame.result.evidence.method for frame in frames] == ["searched", "searched", "verified", "tracked"]
    limits = {gate.limit for gate in frames[1].result.evidence.gates if gate.name == "inliers"}
    assert limits == {100_000.0}
    assert localizer.config.gates == GatesConfig()


@pytest.mark.parametrize("speed_mps", [0.5, 10.0])
@pytest.mark.parametrize("publish", ["map_to_base", "map_to_odom"])
def test_tf_has_a_moving_robot_where_it_was_at_the_stamp_of_the_image(
    settings: Any, publish: str, speed_mps: float
) -> None:
    from sfd2_ros.bags.read_poses import matrix_from_transform, stamp_ns
    from sfd2_ros.ros.frame_localizer import FrameResult
    from sfd2_ros.ros.localizer_outputs import broadcast_transform

    config = replace(settings.node, publish=publish)
    map_from_odom = rigid(rotation_from_vector([0, 0, 0.4]), [3.0, -2.0, 0.1])
    history = TransformHistory()
    images_ns = [START_NS + number * S // 10 for number in range(40)]
    for time_ns in images_ns:
        truth = _driven(time_ns, speed_mps)
        frame = FrameResult(
            result=Localized(truth, np.eye(6), Evidence()),
            state=RobotState.TRACKING,
            stamp_ns=time_ns,
            camera_frames=("camera",),
            map_from_odom=map_from_odom if publish == "map_to_odom" else None,
        )
        edge = broadcast_transform(frame, frame.result, "map", config)
        assert edge is not None
        edge_ns = stamp_ns(edge.header.stamp)
        history.insert("map", edge.child_frame_id, edge_ns, matrix_from_transform(edge.transform), is_static=False)
        if publish == "map_to_odom":
            history.insert("odom", "base_link", time_ns, inverse(map_from_odom) @ truth, is_static=False)
            assert edge_ns == time_ns + S  # transform_tolerance_s: it holds until the next one
    for time_ns in images_ns[15:]:
        there = history.lookup("map", "base_link", time_ns)
        np.testing.assert_allclose(there, _driven(time_ns, speed_mps), atol=1e-6)


def _driven(time_ns: int, speed_mps: float) -> np.ndarray:
    way_m = speed_mps * (time_ns - START_NS) / S
    return rigid(rotation_from_vector([0, 0, 0.1]), [way_m, 0.5, 0.0])
