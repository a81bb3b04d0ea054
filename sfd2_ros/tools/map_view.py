# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map view`: a map in the viewer of rerun, in a browser or as a file."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfd2_ros.core.errors import OutputError
from sfd2_ros.core.files import atomic_file, write_bytes
from sfd2_ros.tools.options import quiet_colmap

if TYPE_CHECKING:
    from sfd2_ros.mapping.map_store import Map


@click.command("view")
@click.argument("path", metavar="MAP", type=click.Path(path_type=Path))
@click.option("--save", type=click.Path(path_type=Path), help="Write a recording (.rrd) instead of serving a page.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0: every network.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port; 0 selects a free one."
)
def command(*, path: Path, save: Path | None, host: str, port: int) -> None:
    """Show a MAP: landmarks by stability and by session, and the cameras, in a browser or in a file.

    The file of --save is opened with `rerun FILE`. The page is served until Ctrl-C.
    """
    from sfd2_ros.mapping import load_map  # noqa: PLC0415 - torch is slow to import, --help is not
    from sfd2_ros.ros.map_recording import write_map_recording  # noqa: PLC0415
    from sfd2_ros.ros.web_viewer import WebViewer  # noqa: PLC0415

    quiet_colmap()  # with it SIGTERM ends the page; the handler of pycolmap would leave it running
    if save is not None and save.exists():
        raise OutputError(f"{str(save)!r} exists already; name another file or remove it")
    opened = load_map(path, verify=False)
    if save is not None:
        with atomic_file(save) as temporary:
            write_map_recording(opened, save=temporary, viewer="")
        click.echo(
            f"{save}: {len(opened.landmarks)} landmarks, {len(opened.images)} cameras; open it with: rerun {save}"
        )
        return
    viewer = WebViewer(host, port)
    try:
        write_map_recording(opened, save=None, viewer=viewer.address)
        click.echo(f"look at {viewer.url}; end with Ctrl-C")
        threading.Event().wait()
    finally:
        viewer.close()


def check_plan_path(path: Path, json_path: Path | None) -> None:
    """Reject a plan that would not be a PNG, or that another output of the same run would replace."""
    if path.suffix.lower() != ".png":
        raise click.UsageError(f"--plan writes a PNG, got {str(path)!r}; name a file that ends in .png")
    if json_path is not None and json_path.resolve() == path.resolve():
        raise click.UsageError(f"--json and --plan both write {str(path)!r}; name two files")


def write_plan(opened: Map, path: Path) -> None:
    """Draw a map from above into a PNG file.

    Raises:
        OutputError: it cannot be written.
    """
    import cv2  # noqa: PLC0415 - see above

    from sfd2_ros.mapping.plan import draw_plan  # noqa: PLC0415

    write_bytes(path, cv2.imencode(".png", draw_plan(opened)[..., ::-1])[1].tobytes())
