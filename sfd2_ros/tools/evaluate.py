# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 evaluate`: poses against reference poses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import Console
from rich.table import Table

from sfd2_ros.core.files import refuse_existing
from sfd2_ros.evaluation.metrics import THRESHOLDS
from sfd2_ros.evaluation.table import TOTAL, median_text
from sfd2_ros.tools.lazy_group import laboratory_module
from sfd2_ros.tools.options import (
    device_option,
    json_option,
    quiet_colmap,
    refuse_same_path,
    weights_option,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_ros.evaluation.conditions import GroupScores


@click.command("evaluate")
@click.argument("poses", type=click.Path(path_type=Path))
@click.argument("reference", type=click.Path(path_type=Path))
@click.option("--list", "list_name", help="Queries, one name a line. Default: query.txt of the reference, else all.")
@json_option
@click.option("--html", type=click.Path(path_type=Path), help="Write a report with plots; an older one is replaced.")
@click.option("--map", "map_path", type=click.Path(path_type=Path), help="Map, to draw matches in the report.")
@click.option(
    "--pictures",
    default=6,
    show_default=True,
    type=click.IntRange(0),
    help="Number of images with drawn matches, with --map.",
)
@weights_option
@device_option
def command(
    *,
    poses: Path,
    reference: Path,
    list_name: str | None,
    json_path: Path | None,
    html: Path | None,
    map_path: Path | None,
    pictures: int,
    weights: Path | None,
    device: str,
) -> None:
    """Score POSES against REFERENCE: a scene folder, or a TUM trajectory.

    POSES is a pose file or a TUM trajectory. Poses of a trajectory belong to the images whose names are the same time,
    to a millisecond. Every pose of a REFERENCE trajectory is a query, unless --list names the images that are.

    Recall counts every query: a query without a pose counts against it. Images of foreign.txt, if the scene has one,
    must have no pose; each pose of such an image is a false accept. If the scene records conditions (truth.json, as
    `sfd2 simulate` writes it), each condition is scored separately. The details that `sfd2 localize` wrote beside POSES
    give inliers and the reasons of rejections.

    The report (--html) is one file. With --map it shows matches and the classes of the keypoints; a few images are
    localized again for that.
    """
    from sfd2_ros.evaluation.conditions import score_by_condition, score_outcomes  # noqa: PLC0415
    from sfd2_ros.evaluation.outcomes import outcomes_of, read_details  # noqa: PLC0415
    from sfd2_ros.evaluation.poses_file import details_path  # noqa: PLC0415
    from sfd2_ros.evaluation.queries import refuse_strangers  # noqa: PLC0415
    from sfd2_ros.evaluation.scene_truth import read_scene_truth  # noqa: PLC0415
    from sfd2_ros.evaluation.trajectory_queries import load_poses, load_reference  # noqa: PLC0415

    _check_options(html, json_path, map_path)
    quiet_colmap()
    if html is not None and reference.is_file():
        raise click.UsageError("--html needs the images of a scene folder; REFERENCE is a file")
    details = read_details(details_path(poses))
    queries = load_reference(reference, poses, list_name, details)
    estimated = load_poses(poses, [*queries.reference, *queries.foreign])
    refuse_strangers(estimated, queries, str(poses))
    outcomes = outcomes_of(estimated, queries, details, read_scene_truth(reference))
    total, groups = score_outcomes(outcomes, TOTAL), score_by_condition(outcomes)
    if html is not None:
        laboratory_module("tools.evaluation_page", used_by="sfd2 evaluate --html").write_page_of(
            html, poses, reference, estimated, queries,
            outcomes=outcomes, map_path=map_path, pictures=pictures, weights=weights, device=device,
        )  # fmt: skip
        click.echo(f"{html}: report")
    figures = total.as_figures()
    figures.pop("condition")
    figures["conditions"] = [group.as_figures() for group in groups]
    figures["images"] = [dataclasses.asdict(one) for one in outcomes]
    write_json(json_path, figures)
    _print([*(groups if len(groups) > 1 else []), total])


def _check_options(html: Path | None, json_path: Path | None, map_path: Path | None) -> None:
    if html is None and map_path is not None:
        raise click.UsageError("--map is used for the report only; give the report with --html")
    if html is not None:
        refuse_existing(html, overwrite=True)
        refuse_same_path(html, json_path)


def _print(groups: Sequence[GroupScores]) -> None:
    limits = (f"{metres:g} m\n{degrees:g}°" for metres, degrees in THRESHOLDS)
    table = Table(
        "condition", "localized", *limits, "median", "false\naccepts", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for group in groups:
        scores = group.scores
        recall = [f"{share:.1%}" if scores.queries else "-" for share in scores.recall]
        row = (group.condition, f"{scores.localized} of {scores.queries}", *recall, median_text(scores))
        table.add_row(*row, str(scores.false_accepts))
    Console().print(table)
    for reason, count in groups[-1].reasons.items():
        click.echo(f"  rejected {count:5d}  {reason}")
