# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A page in the browser that shows what it is sent; a slow browser misses news and never holds anybody up."""

from __future__ import annotations

import threading
from http import HTTPStatus
from importlib import resources
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import DependencyError

if TYPE_CHECKING:
    from websockets.http11 import Request, Response
    from websockets.sync.server import ServerConnection

LIVE_PATH = "/live"
LOOK_UP_S = 1.0
"""How often a connection without news is looked at: a browser that has gone says so only when asked."""


class ViewServer:
    """Serves the page at / and its news at /live, on threads of its own.

    Args:
        host: address to listen on; 127.0.0.1 is this machine alone, 0.0.0.0 every network.
        port: 0 takes a free one.

    Raises:
        DependencyError: the library websockets is missing, or the port is taken.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            from websockets.sync.server import serve  # noqa: PLC0415 - only who looks needs it
        except ImportError as err:
            raise DependencyError("the view in the browser needs websockets: pip install 'sfd2_ros[view]'") from err
        self._page = resources.files("sfd2_ros").joinpath("data/view/index.html").read_text(encoding="utf-8")
        self._changed = threading.Condition()
        self._newest: dict[str, tuple[int, str | bytes]] = {}
        self._count = 0
        self._viewers = 0
        self._is_closed = False
        try:
            self._server = serve(self._talk, host, port, process_request=self._answer)
        except OSError as err:
            raise DependencyError(
                f"cannot serve the view on {host}:{port} ({err.strerror}); name another port"
            ) from err
        self.port = int(self._server.socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="view", daemon=True)
        self._thread.start()

    @property
    def viewers(self) -> int:
        """How many browsers look now."""
        with self._changed:
            return self._viewers

    def send(self, kind: str, news: str | bytes) -> None:
        """Have every browser shown the newest of a kind: JSON as text, a JPEG as bytes. Never waits."""
        with self._changed:
            self._count += 1
            self._newest[kind] = (self._count, news)
            self._changed.notify_all()

    def close(self) -> None:
        """End all connections."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer a request with the page; None lets a connection for news through."""
        path = request.path.partition("?")[0]
        if path == LIVE_PATH:
            return None
        if path != "/":
            return connection.respond(HTTPStatus.NOT_FOUND, "there is one page here: /\n")
        response = connection.respond(HTTPStatus.OK, self._page)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        return response

    def _talk(self, connection: ServerConnection) -> None:
        """Send one browser the newest of every kind, as fast as it takes them."""
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415
        from websockets.protocol import State  # noqa: PLC0415

        seen: dict[str, int] = {}
        with self._changed:
            self._viewers += 1
        try:
            while (pending := self._wait_for_news(seen)) is not None and connection.protocol.state is State.OPEN:
                for kind, (number, news) in pending.items():
                    connection.send(news)
                    seen[kind] = number
        except ConnectionClosed:
            return
        finally:
            with self._changed:
                self._viewers -= 1

    def _wait_for_news(self, seen: dict[str, int]) -> dict[str, tuple[int, str | bytes]] | None:
        """Return what is newer than seen, nothing after `LOOK_UP_S`, None once closed."""

        def unseen() -> dict[str, tuple[int, str | bytes]]:
            return {kind: each for kind, each in self._newest.items() if each[0] > seen.get(kind, 0)}

        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or unseen(), LOOK_UP_S)
            return None if self._is_closed else unseen()
