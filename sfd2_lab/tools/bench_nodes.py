# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench latency`, `soak`: the real nodes, as processes, over real DDS."""

from __future__ import annotations

import re
from pathlib import Path

import click
from rich.table import Table

from sfd2_lab.tools.bench_options import comma_list, print_table
from sfd2_ros.core.files import atomic_file
from sfd2_ros.tools.options import device_option, json_option, model_option, progress_bar, quiet_colmap, write_json

work_option = click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("out/bench/nodes"),
    show_default=True,
    help="Folder for simulated drives, maps and logs; what is there already is used again.",
)


@click.command("latency")
@work_option
@click.option(
    "--sizes", default="640x480,1024x1024", show_default=True, callback=comma_list, help="Of images, by commas."
)
@click.option("--frames", type=click.IntRange(3), default=16, show_default=True, help="Frames a row.")
@model_option
@device_option
@json_option
@click.option(
    "--markdown", type=click.Path(path_type=Path), help="File for the table as Markdown; an older one is replaced."
)
def latency(
    *,
    work: Path,
    sizes: list[str],
    frames: int,
    model: str,
    device: str,
    json_path: Path | None,
    markdown: Path | None,
) -> None:
    """Measure the time from the stamp of an image to its pose, step by step.

    In two processes and in one. A simulated drive is replayed in lock step: the next frame waits for the answer to the
    last one, so a slow machine measures its own latency and not that of a queue. "cores ms" is the processor time of
    both nodes a frame, summed over all cores, which other programs change little.
    """
    parsed = [_size(text) for text in sizes]
    require_ros_and_quiet()
    from sfd2_lab.bench.trials.latency import COLUMNS, latency_markdown, measure_latency, spread_text  # noqa: PLC0415 - needs ROS

    with progress_bar() as progress:
        figures = measure_latency(work, parsed, frames=frames, device=device, progress=progress, model=model)
    write_json(json_path, figures)
    if markdown is not None:
        with atomic_file(markdown) as temporary:
            temporary.write_text(latency_markdown(figures), encoding="utf-8")
    table = Table(
        "size", "nodes", "mode", "localized", "stamp to pose", *COLUMNS, "cores ms", title="p50 / p95, milliseconds"
    )
    for row in figures["rows"]:
        parts = [spread_text(row[part]) for part in ("stamp_to_pose", *COLUMNS)]
        counts = f"{row['localized']} of {row['frames']}"
        table.add_row(row["size"], row["arrangement"], row["mode"], counts, *parts, f"{row['processor_ms']:.0f}")
    print_table(table)


@click.command("soak")
@work_option
@click.option("--minutes", type=click.FloatRange(min=0.05), default=10.0, show_default=True, help="How long.")
@click.option("--composed", is_flag=True, help="Both nodes in one process.")
@click.option("--curve", type=click.Path(path_type=Path), help="PNG with memory and poses over time.")
@device_option
@json_option
def soak(
    *, work: Path, minutes: float, composed: bool, curve: Path | None, device: str, json_path: Path | None
) -> None:
    """Replay a simulated drive repeatedly; count poses and record the memory of each process."""
    require_ros_and_quiet()
    from sfd2_lab.bench.trials import soak as trial  # noqa: PLC0415 - needs ROS

    with progress_bar() as progress:
        figures = trial.soak(work, minutes, device=device, is_composed=composed, progress=progress)
    write_json(json_path, figures)
    if curve is not None:
        trial.write_curve(curve, figures)
    click.echo(
        f"{figures['minutes']} minutes: {figures['frames']} frames, {figures['poses']} poses, {figures['wrong']} "
        f"wrong, {figures['lost']} without an answer, rejected: {figures['refused'] or 'none'}"
    )
    for name, memory in figures["memory"].items():
        click.echo(
            f"{name}: {memory['start_mib']:.0f} -> {memory['end_mib']:.0f} MiB, {memory['slope_mib_per_hour']:+.1f} "
            f"± {2 * memory['slope_error_mib']:.1f} MiB an hour (95 %), {'flat' if memory['is_flat'] else 'not flat'}"
        )


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no size; WIDTHxHEIGHT such as 640x480 is needed", param_hint="--sizes")
    return int(found[1]), int(found[2])


def require_ros_and_quiet() -> None:
    """Check that nodes can be started, and keep COLMAP's log off the terminal while the map is built."""
    from sfd2_ros.ros.native import require_ros  # noqa: PLC0415 - only these commands need ROS

    require_ros()
    quiet_colmap()
