# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 ablate`: trains variants of the losses with several seeds and prints the table that compares them."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.tools.options import device_option, json_option, progress_bar, write_json

if TYPE_CHECKING:
    from sfd2_lab.training.config import TrainingConfig


@click.command("ablate")
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the runs; resumes them."
)
@click.option(
    "--data", default=Path(), type=click.Path(path_type=Path), help="Folder that the paths in CONFIG are relative to."
)
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1), help="Runs of each CONFIG.")
@click.option("--steps", type=click.IntRange(min=1), help="Instead of run.steps of the CONFIGs.")
@click.option("--crop-px", type=click.IntRange(min=64), help="Instead of run.crop_px.")
@click.option("--pairs", type=click.IntRange(min=1), help="Instead of run.pairs.")
@click.option(
    "--max-minutes", type=click.FloatRange(min=0), help="Stop after this many minutes; the run can be resumed."
)
@device_option
@json_option
def command(
    *,
    configs: tuple[Path, ...],
    output: Path,
    data: Path,
    seeds: int,
    steps: int | None,
    crop_px: int | None,
    pairs: int | None,
    max_minutes: float | None,
    device: str,
    json_path: Path | None,
) -> None:
    """Train each CONFIG with several seeds and compare the averaged weights.

    The ablation of the paper: sfd2 ablate config/training/ablation_*.yaml -o runs/ablation --data DATA. The first seeds
    of all variants are trained before the second ones. When it was interrupted, the same command continues. The table
    has the mean over the seeds and, in brackets, highest minus lowest.
    """
    from sfd2_lab.tools.train import render_missing  # noqa: PLC0415
    from sfd2_lab.training import ablation  # noqa: PLC0415
    from sfd2_ros.features.device import choose_device  # noqa: PLC0415

    variants = _variants(configs)
    start, chosen = perf_counter(), choose_device(device)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for seed in range(seeds):
        for name, config in variants.items():
            sized = ablation.with_size(config, seed, steps=steps, crop_px=crop_px, pairs=pairs)
            render_missing(sized, data, str(chosen))
            with progress_bar() as progress:
                figures = ablation.measure_variant(
                    sized,
                    data,
                    output / f"{name}_{seed}",
                    chosen,
                    should_stop=lambda: max_minutes is not None and perf_counter() - start >= 60 * max_minutes,
                    on_step=lambda done, total, label=f"{name} {seed}": progress(label, done, total),  # type: ignore[misc]
                )
            if figures is None:
                click.echo(f"{output}: stopped in {name} with seed {seed}; the same command goes on")
                return
            runs[name].append(figures)
    write_json(json_path, {"runs": runs})
    click.echo(ablation.table(ablation.summarise(runs)))


def _variants(configs: tuple[Path, ...]) -> dict[str, TrainingConfig]:
    """Read the settings of the variants, by file name."""
    from sfd2_lab.training.config import read_training_config  # noqa: PLC0415

    variants = {path.stem: read_training_config(path) for path in configs}
    if len(variants) < len(configs):
        raise ConfigError("two CONFIGs have the same file name; runs are named after them, so rename one")
    for name, config in variants.items():
        if not config.validation_sources:
            raise ConfigError(f"{name!r} has no validation_sources; an ablation compares what is measured on them")
    return variants
