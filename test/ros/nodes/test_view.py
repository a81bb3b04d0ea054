# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The view: what a real view_node records over real DDS, valid or not, and who can reach its page."""

from __future__ import annotations

import http.client
import importlib.util
import ipaddress
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.errors import DependencyError
from sfd2_ros.core.transforms import rigid, rotation_from_vector

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


@pytest.fixture(scope="module")
def rerun(skip_without: Callable[[str, str], None]) -> None:
    """Skip unless rerun is installed."""
    if importlib.util.find_spec("rerun") is None:
        skip_without("view", "rerun-sdk is not installed (pip install 'rerun-sdk>=0.41,<0.42')")


class Story:
    """Publishes what the nodes would: a map, a pose, a status, markers, a drawing; each right or wrong."""

    def __init__(self, probe: Any) -> None:
        from geometry_msgs.msg import PoseWithCovarianceStamped
        from sensor_msgs.msg import Image, PointCloud2
        from sfd2_ros.msg import LocalizationStatus
        from visualization_msgs.msg import MarkerArray

        from sfd2_ros.ros.qos import latched, newest_only, reliable

        make = probe.node.create_publisher
        self.probe = probe
        self.points = make(PointCloud2, "looked_at/map_points", latched())
        self.poses = make(PoseWithCovarianceStamped, "looked_at/pose", reliable())
        self.statuses = make(LocalizationStatus, "looked_at/status", reliable())
        self.markers = make(MarkerArray, "looked_at/markers", reliable())
        self.drawings = make(Image, "looked/features/image", newest_only("reliable"))

    def is_heard(self) -> bool:
        """Return whether every topic has its subscription."""
        publishers = (self.points, self.poses, self.statuses, self.markers, self.drawings)
        return all(each.get_subscription_count() == 1 for each in publishers)

    def tell(self, *, is_valid: bool) -> None:
        """Publish one of everything."""
        from sfd2_ros.ros.conversions.poses import header_at

        header = header_at(self.probe.now_ns(), "map")
        self._map(header, is_valid=is_valid)
        self._pose(header, is_valid=is_valid)
        self._status(header, is_valid=is_valid)
        self._picture(header, is_valid=is_valid)

    def _map(self, header: Any, *, is_valid: bool) -> None:
        from sfd2_ros.ros.conversions.maps import cloud_message

        points = np.random.default_rng(2).uniform(-9, 9, (300, 3))
        cloud = cloud_message(header, points, np.full(300, 0.5, np.float32))
        if not is_valid:
            cloud.data = cloud.data[:-7]
        self.points.publish(cloud)

    def _pose(self, header: Any, *, is_valid: bool) -> None:
        from geometry_msgs.msg import PoseWithCovarianceStamped

        from sfd2_ros.ros.conversions.poses import pose_message

        pose = PoseWithCovarianceStamped(header=header)
        pose.pose.pose = pose_message(rigid(rotation_from_vector([0, 0, 0.1]), [2.0, 1.0, 0]))
        if not is_valid:
            pose.pose.pose.position.x = float("nan")
        self.poses.publish(pose)

    def _status(self, header: Any, *, is_valid: bool) -> None:
        from sfd2_ros.msg import LocalizationStatus

        status = LocalizationStatus(header=header, state=2, status="localized", reason="300 of 400 agree")
        status.num_inliers, status.latency_s = 300, 0.1
        if not is_valid:
            status.state, status.latency_s, status.reason = 77, float("nan"), "<b>\x00\ud7ff"
        self.statuses.publish(status)

    def _picture(self, header: Any, *, is_valid: bool) -> None:
        from visualization_msgs.msg import MarkerArray

        from sfd2_ros.ros.conversions.images import image_message
        from sfd2_ros.ros.conversions.maps import inliers_marker, matches_marker

        drawing = image_message(np.full((240, 320, 3), (20, 140, 60), np.uint8), header)
        points = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        markers = [inliers_marker(header, points, 0.1), matches_marker(header, [np.eye(4)], points, 0.1)]
        if not is_valid:
            drawing.data = drawing.data[:-5]
            markers[0].pose.orientation.w = float("nan")
            del markers[1].points[-1]
        self.drawings.publish(drawing)
        self.markers.publish(MarkerArray(markers=markers))


def entities(path: Path) -> str:
    """Return what rerun's own program prints of a recording."""
    command = [sys.executable, "-m", "rerun_cli", "rrd", "print", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.usefixtures("rerun")
def test_recording_has_what_is_valid_and_survives_what_is_not(probe: Any, start_node: Any, tmp_path: Path) -> None:
    path = tmp_path / "drive.rrd"
    node = start_node("view_node", None, save=str(path), camera="looked", localizer="looked_at")
    story = Story(probe)
    probe.until(lambda: node.check() or story.is_heard(), 90.0)
    story.tell(is_valid=False)
    probe.until(lambda: node.check() or "message not shown" in node.output(), 30.0)
    probe.handle_for(1.0)
    node.check()
    story.tell(is_valid=True)
    probe.handle_for(3.0)
    assert node.stop() == 0
    assert "Traceback" not in node.output()
    printed = entities(path)
    for entity in ("landmarks", "base_link", "trail", "inliers", "matches"):
        assert f"/map/{entity}" in printed, entity
    for entity in ("/keypoints", "/status", "/plots/inliers", "/plots/latency_s"):
        assert entity in printed, entity


@pytest.mark.usefixtures("rerun")
def test_recording_never_replaces_a_file(start_node: Any, tmp_path: Path) -> None:
    path = tmp_path / "kept.rrd"
    path.write_text("kept")
    node = start_node("view_node", "view_kept", save=str(path))
    assert node.wait(90) == 1
    assert "must be a new file" in node.output()
    assert path.read_text() == "kept"


@pytest.fixture(scope="module")
def viewer(rerun: None) -> Iterator[Any]:
    """Return a viewer on this machine alone."""
    from sfd2_ros.ros.web_viewer import WebViewer

    viewer = WebViewer("127.0.0.1", 0)
    yield viewer
    viewer.close()


def place_of(url: str) -> tuple[str, int]:
    """Return host and port in a URL."""
    found = urllib.parse.urlsplit(url)
    assert found.hostname is not None
    assert found.port is not None
    return found.hostname, found.port


def listening_at(port: int) -> set[str]:
    """Return the addresses of IPv4 that a port is listened on."""
    lines = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in line]
    found = [each.split(":")[0] for each in lines if int(each.split(":")[1], 16) == port]
    return {socket.inet_ntoa(bytes.fromhex(each)[::-1]) for each in found}


def test_page_is_served_on_this_machine_alone(viewer: Any) -> None:
    from sfd2_ros.ros.web_viewer import WebViewer

    page, data = place_of(viewer.url), place_of(viewer.address)
    assert page[0] == "127.0.0.1"
    with urllib.request.urlopen(f"http://127.0.0.1:{page[1]}/", timeout=20) as answer:
        assert "text/html" in answer.headers["Content-Type"]
    assert listening_at(page[1]) == {"127.0.0.1"}
    assert listening_at(data[1]) == {data[0]}
    with pytest.raises(DependencyError, match="name another port"):
        WebViewer("127.0.0.1", page[1])


def test_a_domain_that_is_turned_to_this_machine_finds_no_data(viewer: Any) -> None:
    page, data = place_of(viewer.url), place_of(viewer.address)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", data[1]), timeout=20)
    connection = http.client.HTTPConnection("127.0.0.1", page[1], timeout=20)
    connection.request("GET", "/", headers={"Host": "evil.example"})
    answer = connection.getresponse()
    shown = answer.read().decode() + str(answer.headers)
    connection.close()
    assert data[0] not in shown
    assert str(data[1]) not in shown


def test_two_viewers_have_different_addresses_for_their_data() -> None:
    from sfd2_ros.ros.web_viewer import _secret_address

    addresses = {_secret_address() for _ in range(50)}
    assert len(addresses) > 45
    assert all(ipaddress.ip_address(each).is_loopback for each in addresses)


@pytest.mark.usefixtures("rerun")
def test_nothing_is_served_any_more_once_the_viewer_is_closed() -> None:
    from sfd2_ros.ros.web_viewer import WebViewer

    viewer = WebViewer("127.0.0.1", 0)
    places = place_of(viewer.url), place_of(viewer.address)
    viewer.close()
    for host, port in places:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, port), timeout=20)


@pytest.mark.parametrize(("origin", "allowed"), [("http://127.0.0.1:8080", True), ("http://evil.example", False)])
def test_pages_from_elsewhere_may_not_read_the_recording(viewer: Any, origin: str, *, allowed: bool) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    connection = http.client.HTTPConnection(*place_of(viewer.address), timeout=20)
    connection.request("OPTIONS", "/", headers=asked)
    found = connection.getresponse().getheader("Access-Control-Allow-Origin")
    connection.close()
    assert (found == origin) is allowed


def test_view_without_rerun_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from sfd2_ros.ros.view_recording import ViewRecording
    from sfd2_ros.ros.web_viewer import WebViewer

    for name in ("rerun", "rerun_cli"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DependencyError, match=r"rerun-sdk>=0\.41"):
        ViewRecording(save=None, viewer="")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DependencyError, match=r"rerun-sdk>=0\.41"):
        WebViewer("127.0.0.1", 0)
