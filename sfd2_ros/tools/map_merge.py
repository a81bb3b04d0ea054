# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map merge`: sessions of one place in one map."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
import numpy as np

from sfd2_ros.core.files import claimed_folder, refuse_existing_folder
from sfd2_ros.mapping.map_config import MAX_GROWTH
from sfd2_ros.tools.options import json_option, overwrite_option, progress_bar, quiet_colmap, write_json


@click.command("merge")
@click.argument("path", metavar="MAP", type=click.Path(path_type=Path))
@click.argument("others", metavar="OTHER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the new map.")
@click.option("--same-frame", is_flag=True, help="All maps have the same frame already; do not align them.")
@click.option(
    "--max-growth",
    type=click.FloatRange(1.0),
    default=MAX_GROWTH,
    show_default=True,
    help="Most landmarks and images, as a multiple of those of one session.",
)
@json_option
@overwrite_option
def command(
    *,
    path: Path,
    others: tuple[Path, ...],
    output: Path,
    same_frame: bool,
    max_growth: float,
    json_path: Path | None,
    overwrite: bool,
) -> None:
    """Add other sessions of a place to a MAP: night, another season, another street.

    The images of each OTHER are localized in MAP, and most of them must agree on its pose there. Landmarks of one point
    are fused, and points that are no longer observed are dropped. The map stays within 1.5 times the size of the
    largest session. All maps must be in metres and of the same weights.
    """
    from sfd2_ros.localization.map_alignment import align_maps  # noqa: PLC0415
    from sfd2_ros.mapping import load_map  # noqa: PLC0415
    from sfd2_ros.mapping.map_store import MARKER  # noqa: PLC0415
    from sfd2_ros.mapping.merge import LEAST_ALIGNMENT_STD_M, Session, merge_maps  # noqa: PLC0415

    quiet_colmap()
    refuse_existing_folder(output, overwrite=overwrite, marker=MARKER)
    base = load_map(path)
    sessions, rows = [], []
    with progress_bar() as progress, claimed_folder(output, overwrite=overwrite, marker=MARKER):
        for other in map(load_map, others):
            if same_frame:
                sessions.append(Session(other, np.eye(4)))
                continue
            found = align_maps(base, other, progress)
            sessions.append(Session(other, found.base_from_other, max(found.median_position_m, LEAST_ALIGNMENT_STD_M)))
            rows.append({"map": str(other.folder), **vars(found), "base_from_other": found.base_from_other.tolist()})
            click.echo(
                f"{other.folder}: {found.localized} of {found.images} images localized in {path}, "
                f"{found.agreeing} agree, median {found.median_position_m:.3f} m"
            )
        report = merge_maps(base, sessions, output, max_growth=max_growth, overwrite=overwrite)
    merged = load_map(output)
    counts = {**dataclasses.asdict(report), "bytes": merged.size_bytes}
    write_json(json_path, {**counts, "alignments": rows})
    click.echo(
        f"{output}: {report.images} of {report.images_given} images, {report.landmarks} of {report.landmarks_given} "
        f"landmarks; {report.same_points} were points of the map already, {report.faded} are no longer observed; "
        f"{merged.size_bytes} bytes"
    )
