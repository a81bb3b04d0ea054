# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Options that the benches of features share, and how they name figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from sfd2_ros.tools.options import device_option, json_option, quiet_colmap, weights_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from sfd2_lab.bench.methods import Methods

ABSENT = "-"
_WIDE = 150


def named_files(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    """Read NAME=FILE, each name once."""
    named: dict[str, Path] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or not name or not path or name in named:
            raise click.BadParameter(f"{value!r} is no METHOD=FILE, or names a method again")
        named[name] = Path(path)
    return named


def comma_list(_context: click.Context, _parameter: click.Parameter, value: str | None) -> list[str] | None:
    """Split a list by commas."""
    if value is None:
        return None
    return [part.strip() for part in value.split(",") if part.strip()]


def method_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name methods, their weights and the budget."""
    options = (
        click.option(
            "--methods",
            default="sfd2,sift,orb",
            show_default=True,
            callback=comma_list,
            help="By commas: sfd2, sift, sift-colmap, orb, aliked, disk, superpoint, xfeat.",
        ),
        click.option(
            "--max-keypoints", type=int, default=1024, show_default=True, help="Budget of every method and image."
        ),
        click.option(
            "--weights-of",
            multiple=True,
            metavar="METHOD=FILE",
            callback=named_files,
            help="Weights of another method; for superpoint a folder. May be repeated.",
        ),
        click.option(
            "--peer-weights",
            type=click.Path(path_type=Path),
            help="Folder in which weights of other methods are looked for, by the start of their names.",
        ),
        weights_option,
        device_option,
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def methods_from(options: dict[str, Any]) -> Methods:
    """Make the methods that the options of `method_options` name, and print on standard error what is missing."""
    from sfd2_lab.bench.methods import MethodOptions, make_methods  # noqa: PLC0415 - torch is slow to import

    quiet_colmap()
    made = make_methods(
        options["methods"],
        MethodOptions(
            max_keypoints=options["max_keypoints"],
            weights=options["weights"],
            weights_of=options["weights_of"],
            peer_weights=options["peer_weights"],
            device=options["device"],
        ),
    )
    for name, what in made.missing.items():
        click.echo(f"{name} is left out: {what}", err=True)
    return made


def settings_of(options: dict[str, Any], methods: Methods) -> dict[str, Any]:
    """Return the settings of a bench for its JSON file."""
    return {
        "max_keypoints": options["max_keypoints"],
        "device": options["device"],
        "matching": "mutual nearest neighbours by cosine (for ORB as by Hamming distance); +lightglue: LightGlue",
        "methods": {name: peer.config.settings for name, peer in methods.ready.items()},
    }


def share(value: float | None) -> str:
    """Format a fraction as percent."""
    return ABSENT if value is None else f"{value:.1%}"


def number(value: float | None, digits: int = 0) -> str:
    """Write a number with some digits."""
    return ABSENT if value is None else f"{value:.{digits}f}"


def print_table(table: Table) -> None:
    """Print a table; into a file or a pipe at its full width."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    console.print(table)
