# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Variants of the losses trained with several seeds each, and the table that compares them."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_lab.training.assemble import LAST_FILE, make_trainer, open_sources
from sfd2_lab.training.export import export
from sfd2_lab.training.loop import Ranks
from sfd2_lab.training.validation import validate
from sfd2_ros.core.files import atomic_file
from sfd2_ros.features.weights import write_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import torch

    from sfd2_lab.training.config import TrainingConfig

FIGURES_FILE = "figures.json"
"""What a finished run measured, in its folder."""


def with_size(
    config: TrainingConfig, seed: int, *, steps: int | None = None, crop_px: int | None = None, pairs: int | None = None
) -> TrainingConfig:
    """Return settings with another seed and, where given, another size of the run."""
    sizes = {"steps": steps, "crop_px": crop_px, "pairs": pairs}
    chosen: dict[str, Any] = {name: value for name, value in sizes.items() if value is not None}
    return dataclasses.replace(config, run=dataclasses.replace(config.run, seed=seed, **chosen))


def measure_variant(
    config: TrainingConfig,
    data: Path,
    folder: Path,
    device: torch.device,
    *,
    should_stop: Callable[[], bool],
    on_step: Callable[[int, int], None],
) -> dict[str, float] | None:
    """Train one variant with one seed and return the figures of its averaged weights on the validation sources.

    Args:
        config: settings, with the seed.
        data: folder that their paths are relative to.
        folder: of the run; one that is there is gone on with, a finished one is only read.
        device: to train on.
        should_stop: asked after every step.
        on_step: told of steps done and of all steps, when the run logs.

    Returns:
        Figures by name, or None when it was told to stop.

    Raises:
        ConfigError: the folder holds a run with other settings.
    """
    trainer = make_trainer(config, data, folder, device, Ranks())
    path = folder / FIGURES_FILE
    if path.is_file():
        read: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        return read
    trainer.resume()
    trainer.run(should_stop=should_stop, on_log=lambda step, _losses: on_step(step, config.run.steps))
    if trainer.position.step < config.run.steps:
        return None
    weights = export(trainer.average, config, data, trainer.position.step)
    write_weights(folder / LAST_FILE, weights)
    opened = open_sources(config.validation_sources, config, data, device, plain=True)
    names = [f"{index}-{entry.kind}" for index, entry in enumerate(config.validation_sources)]
    is_trained = config.loss.stability_weight > 0
    figures = validate(
        weights, dict(zip(names, opened, strict=True)), config.validation, str(device), use_stability=is_trained
    )
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures


def summarise(runs: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return mean and spread (highest less lowest) of each figure over the seeds, by variant and figure."""
    return {
        variant: {
            name: (float(np.mean(values)), float(np.max(values) - np.min(values)))
            for name in measured[0]
            for values in [[one[name] for one in measured]]
        }
        for variant, measured in runs.items()
        if measured
    }


def table(summary: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    """Return the summary as a table in Markdown, a row for each variant."""
    if not summary:
        return "nothing measured yet"
    names = list(next(iter(summary.values())))
    lines = ["| variant | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for variant, figures in summary.items():
        cells = " | ".join(f"{mean:.3f} ({spread:.3f})" for mean, spread in (figures[name] for name in names))
        lines.append(f"| {variant} | {cells} |")
    return "\n".join(lines)
