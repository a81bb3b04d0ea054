# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The viewer of rerun, served to a browser by its own program."""

from __future__ import annotations

import importlib.util
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
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

    The servers inside the SDK listen on every network; those of the program listen on one address. Neither
    compares the Host header. A page from elsewhere that names 127.0.0.1 by its own domain (DNS rebinding) can therefore
    read what is served there. So on this machine alone only the page is served at 127.0.0.1, which holds no data. The
    recording is served at an address that cannot be guessed, one of the 16 million of this machine (127.0.0.0/8), and
    at a port of which the same holds.

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
        program = _program()
        data_host = _secret_address() if host == LOOPBACK else host
        page, data = _free_port(host, port), _free_port(data_host, 0)
        reached, data_reached = _reached(host), _reached(data_host)
        self.address = f"rerun+http://{data_reached}:{data}/proxy"
        self.url = f"http://{reached}:{page}/?url={quote(self.address, safe='')}"
        # A page from elsewhere is answered without the headers that would let it read; ours is from another machine
        # when it is shown to one.
        origins = [] if host == LOOPBACK else ["--cors-allow-origin", f"http://*:{page}"]
        limit = ["--server-memory-limit", MEMORY]
        self._processes = [
            _start(program, "--serve-grpc", "--bind", data_host, "--port", str(data), *limit, *origins),
            _start(program, "--serve-web", "--bind", host, "--web-viewer-port", str(page), self.address),
        ]
        self._wait_until_served((reached, page), (data_reached, data))

    def close(self) -> None:
        """End the program."""
        for process in self._processes:
            _end(process)

    def _wait_until_served(self, *addresses: tuple[str, int]) -> None:
        deadline = time.monotonic() + START_S
        while not all(_is_open(address) for address in addresses):
            codes = [process.poll() for process in self._processes]
            if any(code is not None for code in codes) or time.monotonic() > deadline:
                self.close()
                raise DependencyError(
                    f"the viewer of rerun does not serve {self.url} (exit codes {codes}); try "
                    f"`{sys.executable} -m rerun_cli --serve-web`, which prints why"
                )
            time.sleep(POLL_S)


def _program() -> Path:
    """Return rerun's own program. `python -m rerun_cli` starts it as a child, which outlives the end of its parent."""
    found = importlib.util.find_spec("rerun_cli")
    program = None if found is None or found.origin is None else Path(found.origin).with_name("rerun")
    if program is None or not program.is_file():
        raise DependencyError(
            "the view needs rerun-sdk: pip install 'rerun-sdk>=0.41,<0.42', for Python 3.11 and numpy 2 or newer"
        )
    return program


def _start(program: Path, *arguments: str) -> subprocess.Popen[bytes]:
    nowhere = subprocess.DEVNULL
    return subprocess.Popen([str(program), *arguments], stdin=nowhere, stdout=nowhere, stderr=nowhere)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _reached(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on an address."""
    return LOOPBACK if host == "0.0.0.0" else host  # noqa: S104  compared, not listened on


def _secret_address() -> str:
    """Return an address of this machine that cannot be guessed; 127.0.0.1 where the system has only that one."""
    address = ".".join(["127", *(str(1 + secrets.randbelow(254)) for _ in range(3))])
    return address if sys.platform == "linux" else LOOPBACK


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
