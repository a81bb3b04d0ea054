# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 weights verify`: recomputes the short table of the model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfd2_ros.core.errors import WeightsError
from sfd2_ros.tools.options import device_option, json_option, progress_bar, write_json

if TYPE_CHECKING:
    from sfd2_ros.features.extractor import Extractor

_KEYPOINTS = 1000
_WEBCAM_PAIRS = 10


@click.command("verify")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--labelled", type=click.Path(path_type=Path), help="Folder with images/, labels/ and val.txt.")
@click.option("--label-set", default="camvid", show_default=True, help="Label set of those labels.")
@click.option(
    "--webcams", type=click.Path(path_type=Path), help="Folder with one folder of images for each fixed webcam."
)
@click.option(
    "--tolerance",
    default=0.05,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Allowed relative difference from the card.",
)
@device_option
@json_option
def command(
    *,
    file: Path | None,
    labelled: Path | None,
    label_set: str,
    webcams: Path | None,
    tolerance: float,
    device: str,
    json_path: Path | None,
) -> None:
    """Recompute the figures of the card of the weights in FILE, and compare them with the card.

    Without FILE, the shipped weights. The figures of the card are beside the weights, as NAME.card.json; weights
    without one are measured and not compared. The exit code is 1 if a figure differs.
    """
    from sfd2_ros.features import load_extractor  # noqa: PLC0415
    from sfd2_ros.features.weights import SHIPPED_WEIGHTS  # noqa: PLC0415

    if labelled is None and webcams is None:
        raise click.UsageError("name at least one of --labelled and --webcams")
    extractor = load_extractor(file, device, _KEYPOINTS)
    recorded = _card(SHIPPED_WEIGHTS if file is None else file, extractor.weights_id)
    measured = {**_semantics(extractor, labelled, label_set), **_matches(extractor, webcams)}
    write_json(json_path, {"weights_id": extractor.weights_id, "measured": measured, "card": recorded})
    click.echo(f"{extractor.weights_id}, {_KEYPOINTS} keypoints at most")
    different = []
    for name, value in measured.items():
        says = recorded.get(name)
        same = says is None or abs(value - says) <= tolerance * max(abs(says), 1e-9)
        different += [] if same else [name]
        click.echo(
            f"  {name:24} {value:8.3f}   card {'-' if says is None else f'{says:.3f}'}{'' if same else '  DIFFERS'}"
        )
    if different:
        raise WeightsError(f"figures differ from the card: {', '.join(different)}; other data, settings or damage")


def _semantics(extractor: Extractor, folder: Path | None, label_set: str) -> dict[str, float]:
    from sfd2_lab.training.data.photographs import find_photographs  # noqa: PLC0415
    from sfd2_lab.training.judgement import judge_semantics  # noqa: PLC0415
    from sfd2_ros.features.semantics import load_stability_table  # noqa: PLC0415

    if folder is None:
        return {}
    classes = load_stability_table().classes_of(label_set)
    photographs = find_photographs(folder / "images", folder / "val.txt", folder / "labels")
    figures = judge_semantics(extractor, photographs, classes)
    return {
        "unstable_share": figures.unstable,
        "unstable_area": figures.unstable_area,
        "keypoints_per_image": figures.keypoints,
    }


def _matches(extractor: Extractor, folder: Path | None) -> dict[str, float]:
    from sfd2_lab.training.judgement import judge_webcam  # noqa: PLC0415

    if folder is None:
        return {}
    cameras = sorted(path for path in folder.iterdir() if path.is_dir())
    measured = {}
    with progress_bar() as progress:
        for done, camera in enumerate(cameras, start=1):
            measured[f"matches_{camera.name}"] = judge_webcam(extractor, camera, pairs=_WEBCAM_PAIRS)
            progress("webcams", done, len(cameras))
    return measured


def _card(path: Path, weights_id: str) -> dict[str, float]:
    """Read the figures beside the weights; none when there is no card.

    Raises:
        WeightsError: the card is malformed or of other weights.
    """
    card = path.with_suffix(".card.json")
    if not card.is_file():
        return {}
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
        figures = {str(name): float(value) for name, value in content["measured"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise WeightsError(f"card {str(card)!r} is malformed: {err!r}; copy it again") from err
    if content.get("weights_id") != weights_id:
        raise WeightsError(
            f"card {str(card)!r} is of {content.get('weights_id')!r}, the weights are {weights_id!r}; copy both again"
        )
    return figures
