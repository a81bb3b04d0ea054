# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and how commands report."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sfd2_ros.core.files import atomic_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

weights_option = click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Weights of the network: a safetensors file or a published checkpoint. Default: those that ship.",
)
device_option = click.option(
    "--device", default="auto", show_default=True, help="Where the network runs: cpu, cuda, cuda:1 or auto."
)
json_option = click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write the figures of this run to a JSON file."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show progress on standard error.

    Yields:
        A function of step, done and total.
    """
    columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total)
            progress.update(tasks[step], completed=done, total=total)

        yield report


def write_json(path: Path | None, figures: Mapping[str, Any]) -> None:
    """Write figures as JSON where a path was given."""
    if path is None:
        return
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def quiet_colmap() -> None:
    """Keep COLMAP's log to errors."""
    import pycolmap  # noqa: PLC0415

    pycolmap.logging.minloglevel = pycolmap.logging.Level.ERROR.value
