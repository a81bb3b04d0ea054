# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium, driven by its DevTools protocol over two pipes."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

EXCEPTION, REQUEST = "Runtime.exceptionThrown", "Network.requestWillBeSent"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# The viewer draws with WebGL; without a GPU, SwiftShader draws. Root may not use the sandbox.
OPTIONS = ("--headless=new", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


def program() -> str | None:
    """Return the path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Page:
    """A page in a browser."""

    def __init__(self, send_to: int, hear_from: int) -> None:
        self._send_to, self._hear_from = send_to, hear_from
        self._count, self._rest, self._session = 0, b"", ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        os.write(self._send_to, json.dumps(message | self._of_session()).encode() + b"\0")
        deadline = time.monotonic() + 60.0
        while True:
            for heard in self._hear(deadline - time.monotonic()):
                if heard.get("id") == self._count:
                    assert "error" not in heard, heard
                    return dict(heard["result"])
                self.events.append(heard)

    def open(self, url: str, *, is_dark: bool = True) -> None:
        """Go to a page, which sees a preference for dark or for light colours."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=url)

    def picture(self) -> NDArray[np.uint8]:
        """Return what is seen, (H, W, 3) RGB."""
        png = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(np.uint8)

    def hear_for(self, seconds: float) -> None:
        """Take note of what happens on the page for a while."""
        deadline = time.monotonic() + seconds
        while select.select([self._hear_from], [], [], max(deadline - time.monotonic(), 0.0))[0]:
            self.events += self._hear(0.0)

    def exceptions(self) -> list[str]:
        """Return the exceptions that nothing on the page has handled."""
        return [str(each["params"]["exceptionDetails"]) for each in self.events if each["method"] == EXCEPTION]

    def requests(self) -> list[str]:
        """Return the URLs that the page has requested."""
        return [str(each["params"]["request"]["url"]) for each in self.events if each["method"] == REQUEST]

    def _of_session(self) -> dict[str, str]:
        return {"sessionId": self._session} if self._session else {}

    def _hear(self, timeout_s: float) -> list[dict[str, Any]]:
        assert select.select([self._hear_from], [], [], max(timeout_s, 0.0))[0], "the browser does not answer"
        *whole, self._rest = (self._rest + os.read(self._hear_from, 1 << 20)).split(b"\0")
        return [json.loads(each) for each in whole]


@contextlib.contextmanager
def browser(chromium: str, folder: Path) -> Iterator[Page]:
    """Yield a page of a browser that has no past and ends with the block.

    Args:
        chromium: its program.
        folder: for its files.
    """
    (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
    # The browser reads from descriptor 3 and writes to 4; a shell puts the pipes there.
    shell = f'exec "$0" "$@" 3<&{in_read} 4>&{out_write}'
    options = (*OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={folder}", "--window-size=1200,800")
    process = subprocess.Popen(
        ["/bin/bash", "-c", shell, chromium, *options],
        pass_fds=(in_read, out_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(in_read)
    os.close(out_write)
    try:
        yield Page(in_write, out_read)
    finally:
        process.kill()
        process.wait()
        os.close(in_write)
        os.close(out_read)
