# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a browser shows of the view: a real Chromium draws a map."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.browser import Page, browser, program

from sfd2_ros.mapping import load_map
from sfd2_ros.ros.view_recording import STABLE


def landmarks_seen(page: Page) -> int:
    """Return how many pixels of a page have the colour of stable landmarks."""
    return int((np.abs(page.picture().astype(float) - STABLE).max(axis=2) < 5).sum())


@pytest.fixture
def page(tmp_path: Path, skip_without: Callable[[str, str], None]) -> Any:
    """Return a page of Chromium, or skip."""
    pytest.importorskip("rerun", reason="rerun-sdk is not installed (pip install 'rerun-sdk>=0.41,<0.42')")
    chromium = program()
    if chromium is None:
        skip_without("browser", "Chromium is not installed")
    with browser(str(chromium), tmp_path / "chromium") as page:
        yield page


def test_browser_shows_a_map_from_the_address_that_only_the_page_knows(random_place: Any, page: Page) -> None:
    from sfd2_ros.ros.map_recording import write_map_recording
    from sfd2_ros.ros.web_viewer import WebViewer

    viewer = WebViewer("127.0.0.1", 0)
    data = viewer.address.removeprefix("rerun+").removesuffix("/proxy")
    try:
        page.open(viewer.url)
        until(lambda: any(url.startswith(data) for url in page.requests()), page)
        assert landmarks_seen(page) < 20
        write_map_recording(load_map(random_place.map_folder), save=None, viewer=viewer.address)
        until(lambda: landmarks_seen(page) >= 200, page)
    finally:
        viewer.close()


def until(condition: Callable[[], bool], page: Page) -> None:
    """Wait for a condition; the page goes on meanwhile."""
    deadline = time.monotonic() + 120.0
    while not condition():
        assert time.monotonic() < deadline, f"condition did not come true in time; {page.exceptions()}"
        page.hear_for(0.3)
