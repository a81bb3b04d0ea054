# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench all` and `sfd2 bench report`: every bench in one run, and their figures on one page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import sfd2_ros
from sfd2_lab.tools.bench_options import comma_list
from sfd2_ros.core.errors import OutputError, SceneError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.tools.options import device_option, progress_bar, quiet_colmap, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_lab.bench.methods import Methods
    from sfd2_lab.bench.suite import SuiteSettings

_MARKER = "bench.json"
_ALL = "sfd2,sift,sift-colmap,orb,aliked,disk,superpoint,xfeat"


@click.command("all")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for figures and report.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder with data/scenes, data/drives, data/timelapse and weights. Default: SFD2_DATA, else simulated only.",
)
@click.option("--methods", default=_ALL, callback=comma_list, show_default=True, help="Methods, separated by commas.")
@click.option("--frames", type=click.IntRange(3), default=20, show_default=True, help="Frames of each simulated drive.")
@click.option(
    "--conditions",
    default="overcast,night,snow,rain",
    callback=comma_list,
    show_default=True,
    help="Conditions of the town.",
)
@click.option(
    "--only",
    default="features,timelapse,pipeline,speed,simulator",
    callback=comma_list,
    show_default=True,
    help="Benches to run, separated by commas.",
)
@click.option("--size", type=click.IntRange(160), default=640, show_default=True, help="Width of simulated images.")
@device_option
def bench_all(
    *,
    output: Path,
    data: Path | None,
    methods: list[str],
    frames: int,
    conditions: list[str],
    only: list[str],
    size: int,
    device: str,
) -> None:
    """Run every bench and write OUTPUT/bench.json and OUTPUT/report.html.

    Features, fixed cameras, pipelines, time of extraction and of the simulator. Without real images all places are
    simulated, and the report notes it. Methods whose weights are missing are listed in the report. The figures of each
    bench are written when it ends. This takes tens of minutes on a small machine.
    """
    from sfd2_lab.bench.suite import (  # noqa: PLC0415 - torch is slow to import
        PhotographSets,
        Suite,
        SuiteSettings,
        find_photographs,
        left_out,
    )

    folder = _data_folder(data)
    _claim(output)
    quiet_colmap()
    photographs = PhotographSets() if folder is None else find_photographs(folder)
    said = left_out(photographs)
    for line in said:
        click.echo(line, err=True)
    settings = SuiteSettings(frames=frames, conditions=tuple(conditions), size=(size, size * 3 // 4), device=device)
    made = _methods(methods, settings, folder)
    benches: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="sfd2_bench_") as scratch, progress_bar() as report:
        for content in Suite(settings, made, photographs, Path(scratch), report).run(only):
            benches.append(content)
            write_json(output / f"{content['bench']}.json", content)
    _write(benches, output, said)
    click.echo(f"{output / 'report.html'}, {output / 'bench.json'}: {', '.join(one['bench'] for one in benches)}")


@click.command("report")
@click.argument("figures", nargs=-1, required=True, metavar="JSON...", type=click.Path(path_type=Path))
@click.option("--html", type=click.Path(path_type=Path), help="Page to write.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Tables to write as Markdown.")
def bench_report(*, figures: tuple[Path, ...], html: Path | None, markdown: Path | None) -> None:
    """Join figures that benches wrote with --json on one page, one table for each bench."""
    from sfd2_lab.bench.report import joined, write_bench_report  # noqa: PLC0415
    from sfd2_lab.bench.tables import markdown_of, table_of  # noqa: PLC0415

    if html is None and markdown is None:
        raise click.UsageError("name what to write: --html FILE, --markdown FILE, or both")
    benches = joined([one for path in figures for one in _read(path)])
    if markdown is not None:
        tables = [table_of(content) for content in benches]
        with atomic_file(markdown) as temporary:
            text = "\n".join(f"## {table.title}\n\n{markdown_of(table)}" for table in tables)
            temporary.write_text(text, encoding="utf-8")
    if html is not None:
        write_bench_report(html, benches, note="Figures of " + ", ".join(path.name for path in figures))


def _read(path: Path) -> list[dict[str, Any]]:
    """Return the benches of a file: one bench's, or all of a run."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        benches = content.get("benches", [content])
        return [{**one, "rows": [dict(row) for row in one["rows"]]} for one in benches]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as err:
        raise SceneError(f"{str(path)!r} holds no figures of a bench: {err}; name a file that --json wrote") from err


def _write(benches: Sequence[dict[str, Any]], output: Path, said: Sequence[str]) -> None:
    from sfd2_lab.bench.report import write_bench_report  # noqa: PLC0415 - matplotlib is slow to import

    where = {"machine": _machine(), "commit": _commit(), "command": "sfd2 " + " ".join(sys.argv[1:])}
    write_json(output / _MARKER, {**where, "left_out": list(said), "benches": list(benches)})
    note = "; ".join(f"{key}: {value}" for key, value in where.items())
    write_bench_report(output / "report.html", benches, note=note, lines=said)


def _data_folder(data: Path | None) -> Path | None:
    """Return the folder with images: the one that is named, must be there."""
    named = data or (Path(os.environ["SFD2_DATA"]) if os.environ.get("SFD2_DATA") else None)
    if named is not None and not named.is_dir():
        raise SceneError(
            f"data {str(named)!r} is no folder; name one that holds data/, or leave it out to simulate only"
        )
    return named


def _claim(output: Path) -> None:
    """Take a folder; one that holds other things than an earlier run is left alone."""
    if output.exists() and (not output.is_dir() or (any(output.iterdir()) and not (output / _MARKER).is_file())):
        raise OutputError(f"output {str(output)!r} exists and is not of an earlier run; name another folder")
    write_json(output / _MARKER, {"benches": []})


def _methods(names: Sequence[str], settings: SuiteSettings, folder: Path | None) -> Methods:
    from sfd2_lab.bench.methods import MethodOptions, make_methods  # noqa: PLC0415 - torch is slow to import

    weights = None if folder is None or not (folder / "weights").is_dir() else folder / "weights"
    options = MethodOptions(max_keypoints=settings.max_keypoints, peer_weights=weights, device=settings.device)
    return make_methods(names, options)


def _machine() -> str:
    """Return processor and number of cores."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or 'unknown processor'}, {os.cpu_count()} cores"


def _commit() -> str:
    """Return the commit of the checkout that this runs from, else the version."""
    root = Path(sfd2_ros.__file__).resolve().parent.parent
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return f"version {sfd2_ros.__version__}"
    return said.stdout.strip() if (root / ".git").exists() else f"version {sfd2_ros.__version__}"
