# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shared options of the commands, progress and JSON output."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sfd2_ros.core.errors import ConfigError, OutputError
from sfd2_ros.core.files import atomic_file, refuse_existing
from sfd2_ros.tools.termination import end_on_termination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

weights_option = click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Weights of the network: a safetensors file or a published checkpoint. Default: the shipped weights.",
)
model_option = click.option(
    "--model",
    default="",
    help="Network: sfd2, sfd2-m or sfd2-s; auto: the largest shipped one that extracts two images a second on this "
    "machine; aliked-n16 or aliked-n16+stability, which need --weights. Default: that of --weights, or sfd2.",
)
device_option = click.option(
    "--device", default="auto", show_default=True, help="Device of the network: cpu, cuda, cuda:1 or auto."
)

rotate_option = click.option(
    "--rotate",
    "rotate_deg",
    type=click.Choice(["0", "90", "180", "270"]),
    default="0",
    show_default=True,
    callback=lambda _context, _parameter, value: int(value),
    help="Rotate images clockwise by this angle before extraction, degrees, for a camera that is mounted on its side. "
    "Keypoints and poses refer to the images as stored.",
)


def is_given(context: click.Context, parameter: str) -> bool:
    """Return whether a parameter is on the command line, whatever its value."""
    return context.get_parameter_source(parameter) is ParameterSource.COMMANDLINE


def _checked_output(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    """Reject, before the work, an output that cannot be written or must not be replaced."""
    if path is not None:
        refuse_existing(path, overwrite=True)
        _refuse_to_replace_what_is_no_json(path)
    return path


def _refuse_to_replace_what_is_no_json(path: Path) -> None:
    """Figures replace older figures without being asked; never poses, a map's array or an image."""
    if not path.is_file():
        return
    with path.open("rb") as stream:
        start = stream.read(64).lstrip()
    if start and not start.startswith((b"{", b"[")):
        raise OutputError(f"--json {str(path)!r} exists and is not a JSON file; give another path, or remove it")


json_option = click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path),
    callback=_checked_output,
    help="Write the figures of this run to a JSON file; an existing one is replaced.",
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace existing outputs.")


FIRST_LINE_S = 10.0
LINE_EVERY_S = 30.0


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show progress on standard error: a bar on a terminal, elsewhere a plain line now and then.

    Yields:
        A function of step, done and total.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainProgress(lambda line: click.echo(line, err=True), time.monotonic)
        return
    columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, Any] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total)
            progress.update(tasks[step], completed=done, total=total)

        yield report


class PlainProgress:
    """Progress for logs: the first line after `FIRST_LINE_S` seconds, the next every `LINE_EVERY_S`."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        """Begin to count.

        Args:
            write: takes a line.
            clock: seconds that never go backwards.
        """
        self._write, self._clock = write, clock
        self._start = clock()
        self._next = self._start + FIRST_LINE_S
        self._began: dict[str, tuple[float, int]] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        """Take note of progress; write it when a line is due."""
        now = self._clock()
        began, first = self._began.setdefault(step, (now, done))
        if now < self._next:
            return
        self._next = now + LINE_EVERY_S
        left = ""
        if first < done < total:
            left = f", about {(now - began) / (done - first) * (total - done):.0f} s left"
        self._write(f"{step}: {done} of {total}, {now - self._start:.0f} s{left}")


def check_suffix(output: Path, suffix: str) -> None:
    """Reject an output of another kind than the command writes.

    Raises:
        ConfigError: its name does not end so.
    """
    if output.suffix != suffix:
        raise ConfigError(f"output {str(output)!r} must end in {suffix!r}")


def refuse_same_path(output: Path, json_path: Path | None) -> None:
    """Reject figures that would be written over another output of the same run."""
    if json_path is not None and json_path.resolve() == output.resolve():
        raise click.UsageError(f"--json and --output both write {str(output)!r}; name two files.")


def write_json(path: Path | None, figures: Mapping[str, Any]) -> None:
    """Write figures as JSON where a path was given."""
    if path is None:
        return
    # Once more: the command itself may have written its output there.
    _refuse_to_replace_what_is_no_json(path)
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def quiet_colmap() -> None:
    """Keep COLMAP's log and its handler of SIGTERM off the terminal; failures are raised as our own errors."""
    from sfd2_ros.mapping import colmap_io  # noqa: PLC0415

    colmap_io.quiet_colmap()
    end_on_termination()
