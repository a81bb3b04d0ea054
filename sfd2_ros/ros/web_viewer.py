# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The viewer of rerun, served to a browser by its own program."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
from urllib.parse import quote

from sfd2_ros.core.errors import DependencyError

LOOPBACK = "127.0.0.1"
MEMORY = "512MB"
"""What the program keeps for browsers that come later; then the oldest goes."""

START_S = 60.0
STOP_S = 3.0
POLL_S = 0.05


class WebViewer:
    """Serves the viewer's page, and the recording to it, until it is closed.

    The servers inside the SDK listen on every network; those of the program listen where they are told to.

    Args:
        host: address to listen on; 127.0.0.1 is this machine alone.
        port: of the page; 0 takes a free one.

    Attributes:
        url: of the page.
        address: where the recording is sent to.

    Raises:
        DependencyError: rerun is not installed, or the port is taken.
    """

    def __init__(self, host: str, port: int) -> None:
        if importlib.util.find_spec("rerun_cli") is None:
            raise DependencyError(
                "the view needs rerun-sdk: pip install 'sfd2_ros[view]', for Python 3.11 and numpy 2 or newer"
            )
        page, data = _free_port(host, port), _free_port(host, 0)
        reached = LOOPBACK if host == "0.0.0.0" else host  # noqa: S104  compared, not listened on
        self.address = f"rerun+http://{reached}:{data}/proxy"
        self.url = f"http://{reached}:{page}/?url={quote(self.address, safe='')}"
        options = ["--bind", host, "--port", str(data), "--web-viewer-port", str(page), "--server-memory-limit", MEMORY]
        # A page from elsewhere is answered without the headers that would let it read; ours is from another machine
        # when it is shown to one.
        origins = [] if reached == LOOPBACK else ["--cors-allow-origin", f"http://*:{page}"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rerun_cli", "--serve-web", *options, *origins],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_until_served((reached, page), (reached, data))

    def close(self) -> None:
        """End the program."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_served(self, *addresses: tuple[str, int]) -> None:
        deadline = time.monotonic() + START_S
        while not all(_is_open(address) for address in addresses):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise DependencyError(
                    f"the viewer of rerun does not serve {self.url} (exit code {self._process.returncode}); try "
                    f"`{sys.executable} -m rerun_cli --serve-web`, which prints why"
                )
            time.sleep(POLL_S)


def _free_port(host: str, port: int) -> int:
    """Return a port that can be listened on now: the one that is named, or for 0 any."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    except OSError as err:
        raise DependencyError(f"cannot serve the view on {host}:{port} ({err.strerror}); name another port") from err


def _is_open(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1.0).close()
    except OSError:
        return False
    return True
