# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 view`: the running nodes in the viewer of rerun, live in a browser or as a file."""

from __future__ import annotations

import json

import click


@click.command("view")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 opens the view to every network of the machine.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port; 0 selects a free one."
)
@click.option("--save", type=click.Path(), default="", help="Write a recording (.rrd) instead of serving a page.")
@click.option("--camera", default="camera", show_default=True, help="Camera whose annotated images are shown.")
@click.option("--localizer", default="localizer_node", show_default=True, help="Name of the localizer node.")
@click.pass_context
def command(context: click.Context, *, host: str, port: int, save: str, camera: str, localizer: str) -> None:
    """Show the map, poses, cameras, matches, annotated images and plots over time, in a browser or in a file.

    The file of --save is opened with `rerun FILE`, and can be sent along with a bug report. Ends with Ctrl-C.
    """
    from sfd2_ros.ros.native import require_ros  # noqa: PLC0415

    require_ros()
    from sfd2_ros.ros.view_node import file_to_write, main  # noqa: PLC0415

    file_to_write(save)
    given = {"host": host, "port": port, "save": save, "camera": camera, "localizer": localizer}
    arguments = [part for name, value in given.items() for part in ("-p", f"{name}:={json.dumps(value)}")]
    context.exit(main(["sfd2", "--ros-args", *arguments]))
