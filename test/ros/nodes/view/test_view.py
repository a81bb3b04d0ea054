# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The live view: its server, and the page in a real browser fed by a real view_node over real DDS."""

from __future__ import annotations

import importlib.util
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfd2_ros.core.errors import DependencyError
from sfd2_ros.core.transforms import rigid, rotation_from_vector

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def load_browser_module() -> Any:
    path = Path(__file__).with_name("browser.py")
    spec = importlib.util.spec_from_file_location("browser_of_the_view", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_newcomers_get_the_newest_of_each_kind_and_a_slow_one_misses_the_rest() -> None:
    from websockets.sync.client import connect

    from sfd2_ros.ros.view_server import ViewServer

    server = ViewServer("127.0.0.1", 0)
    for number in range(100):
        server.send("status", f"status {number}")
    server.send("image", b"jpeg")
    with connect(f"ws://127.0.0.1:{server.port}/live") as viewer:
        assert [viewer.recv(10), viewer.recv(10)] == ["status 99", b"jpeg"]
        assert server.viewers == 1
        server.send("status", "last")
        assert viewer.recv(10) == "last"
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=10) as answer:
        assert "text/html" in answer.headers["Content-Type"]
        assert b"new WebSocket" in answer.read()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/../../etc/passwd", timeout=10)
    with pytest.raises(DependencyError, match="name another port"):
        ViewServer("127.0.0.1", server.port)
    server.close()


def test_page_needs_nothing_from_elsewhere() -> None:
    page = (Path(__file__).resolve().parents[4] / "sfd2_ros" / "data" / "view" / "index.html").read_text("utf-8")
    assert "http://" not in page
    assert "https://" not in page


class Story:
    """Publishes what the nodes would: a map, poses along a street, a drawing, and a refusal at the end."""

    def __init__(self, probe: Any) -> None:
        from geometry_msgs.msg import PoseWithCovarianceStamped
        from sensor_msgs.msg import Image, PointCloud2
        from sfd2_ros.msg import LocalizationStatus

        from sfd2_ros.ros.qos import latched, newest_only, reliable

        make = probe.node.create_publisher
        self.points = make(PointCloud2, "looked_at/map_points", latched())
        self.poses = make(PoseWithCovarianceStamped, "looked_at/pose", reliable())
        self.statuses = make(LocalizationStatus, "looked_at/status", reliable())
        self.drawings = make(Image, "looked/features/image", newest_only("reliable"))
        self.probe = probe

    def map(self) -> None:
        from sfd2_ros.ros.conversions.maps import cloud_message
        from sfd2_ros.ros.conversions.poses import header_at

        generator = np.random.default_rng(2)
        sides = np.where(generator.random(3000) < 0.5, -7.0, 7.0)
        points = np.column_stack([generator.uniform(0, 60, 3000), sides, generator.uniform(0, 8, 3000)])
        self.points.publish(cloud_message(header_at(1, "map"), points, generator.random(3000).astype(np.float32)))

    def drive(self, number: int) -> None:
        from geometry_msgs.msg import PoseWithCovarianceStamped
        from sfd2_ros.msg import LocalizationStatus

        from sfd2_ros.ros.conversions.images import image_message
        from sfd2_ros.ros.conversions.poses import header_at, pose_message

        header = header_at(self.probe.now_ns(), "map")
        pose = PoseWithCovarianceStamped(header=header)
        pose.pose.pose = pose_message(rigid(rotation_from_vector([0, 0, 0.1]), [2.0 * number, np.sin(number / 3), 0]))
        self.poses.publish(pose)
        status = LocalizationStatus(header=header, state=2, status="localized", reason=f"{300 + number} of 400 agree")
        status.num_inliers, status.latency_s, status.reprojection_error_px = 300 + number, 0.1 + 0.01 * number, 1.25
        self.statuses.publish(status)
        picture = np.full((240, 320, 3), (20, 140, 60), np.uint8)
        self.drawings.publish(image_message(picture, header))

    def lose(self) -> None:
        from sfd2_ros.msg import LocalizationStatus

        status = LocalizationStatus(state=3, status="few_matches", reason="3 matches <b>found</b>")
        status.reprojection_error_px = float("nan")
        self.statuses.publish(status)


def test_browser_shows_what_the_nodes_say(
    probe: Any, start_node: Any, tmp_path: Path, skip_without: Callable[[str, str], None]
) -> None:
    module = load_browser_module()
    program = module.find_browser()
    if program is None:
        skip_without("browser", "no browser of the Chromium family is installed (apt install chromium-headless-shell)")
    node = start_node("view_node", None, port=0, camera="looked", localizer="looked_at")
    probe.until(lambda: node.check() or "look at http://" in node.output(), 60.0)
    story = Story(probe)
    probe.until(lambda: node.check() or story.statuses.get_subscription_count(), 60.0)
    assert story.drawings.get_subscription_count() == 0  # nobody looks yet, so nothing is drawn
    story.map()
    url = node.output().partition("look at ")[2].split()[0]
    browser = module.Browser(program, tmp_path / "profile", url)
    try:
        probe.until(lambda: story.drawings.get_subscription_count() == 1, 60.0)
        for number in range(20):
            story.drive(number)
            probe.handle_for(0.05)
        probe.until(lambda: browser.evaluate("by('state').textContent") == "TRACKING")
        probe.until(lambda: browser.evaluate("by('row_inliers').cells[1].textContent") == "319")
        assert browser.evaluate("view.points.length") == 3000
        probe.until(lambda: browser.evaluate("view.pose.place[0]") == 38)
        assert browser.evaluate("view.trail.length") > 5
        probe.until(lambda: browser.evaluate("by('drawing').naturalWidth") == 320)
        painted = "by('plan').getContext('2d').getImageData(0, 0, by('plan').width, by('plan').height)"
        blue = f"(() => {{ const d = {painted}.data; let n = 0; for (let i = 0; i < d.length; i += 4) "
        blue += "if (d[i] === 31 && d[i + 1] === 111 && d[i + 2] === 180) n++; return n; })()"
        assert browser.evaluate(blue) > 100  # the path
        story.lose()
        probe.until(lambda: browser.evaluate("by('state').textContent") == "LOST")
        assert browser.evaluate("by('reason').textContent") == "few_matches: 3 matches <b>found</b>"
        assert browser.evaluate("by('row_error_px').cells[1].textContent") == "-"
        if folder := os.environ.get("SFD2_KEEP"):
            browser.screenshot(Path(folder) / "view.png")
    finally:
        browser.close()
    probe.until(lambda: story.drawings.get_subscription_count() == 0)  # nobody looks any more
