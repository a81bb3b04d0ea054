# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 evaluate`: poses against reference poses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from sfd2_ros.evaluation.metrics import THRESHOLDS, score_poses
from sfd2_ros.tools.options import json_option, quiet_colmap, write_json

if TYPE_CHECKING:
    from sfd2_ros.evaluation.metrics import Scores


@click.command("evaluate")
@click.argument("poses", type=click.Path(path_type=Path))
@click.argument("reference", type=click.Path(path_type=Path))
@click.option("--list", "list_name", help="Queries, one name a line. Default: query.txt of the reference, else all.")
@json_option
def command(poses: Path, reference: Path, list_name: str | None, json_path: Path | None) -> None:
    """Score POSES against the poses of the scene folder REFERENCE.

    Recall counts every query: one without a pose counts against it. Images of foreign.txt, where the scene has one,
    must have no pose; each that has one is a false accept.
    """
    from sfd2_ros.evaluation.queries import load_queries, refuse_strangers  # noqa: PLC0415
    from sfd2_ros.localization.poses_file import read_poses  # noqa: PLC0415

    quiet_colmap()
    queries = load_queries(reference, list_name)
    estimated = read_poses(poses)
    refuse_strangers(estimated, queries, str(poses))
    scores = score_poses(estimated, queries.reference, foreign=queries.foreign)
    write_json(json_path, dataclasses.asdict(scores))
    _print(scores)


def _print(scores: Scores) -> None:
    table = Table("queries", "localized", *(f"{m:g} m, {d:g} deg" for m, d in THRESHOLDS), "median", "false accepts")
    median = "-"
    if scores.median_position_m is not None and scores.median_rotation_deg is not None:
        median = f"{scores.median_position_m * 1000:.1f} mm, {scores.median_rotation_deg:.3f} deg"
    counts = [str(scores.queries), str(scores.localized)]
    table.add_row(*counts, *(f"{share:.1%}" for share in scores.recall), median, str(scores.false_accepts))
    Console().print(table)
