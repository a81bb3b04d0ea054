# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Puts a run together from its settings: sources, network, teacher, validation, and the weights it leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from torch.nn.utils.memory_format import convert_conv2d_weight_memory_format

from sfd2_lab.training.answers import AnswerBank
from sfd2_lab.training.config import read_training_config, training_config_to_yaml
from sfd2_lab.training.data.described import DescriptionCache
from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.sources import PairSampler, open_source
from sfd2_lab.training.export import answering_weights, check_terms, export
from sfd2_lab.training.loop import Trainer
from sfd2_lab.training.projection import teacher_projection
from sfd2_lab.training.taps import MIDDLE_CHANNELS
from sfd2_lab.training.teachers.aliked import load_aliked
from sfd2_lab.training.teachers.registry import load_semantic_teacher
from sfd2_lab.training.validation import overall, validate
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.features.architectures import architecture_of_model
from sfd2_ros.features.semantics import load_stability_table
from sfd2_ros.features.weights import (
    build_network,
    read_weights,
    with_brightness,
    write_weights,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sfd2_lab.training.config import TrainingConfig
    from sfd2_lab.training.data.pairs import PairSource
    from sfd2_lab.training.data.source_config import SourceConfig
    from sfd2_lab.training.loop import FeatureTeacher, Ranks
    from sfd2_lab.training.losses.distillation import Describe
    from sfd2_ros.features.network import FeatureNetwork

BEST_FILE = "best.safetensors"
"""Weights of the best validation so far, float16, ready for the extractor."""
LAST_FILE = "last.safetensors"
"""Weights of the last save."""
LOG_FILE = "log.jsonl"
"""Losses and validations, a JSON object a line."""
ANSWERS_FOLDER = "answers"
"""Folder of the bank of a run that learns from a trained network."""
CONFIG_FILE = "config.yaml"
"""Settings of the run, complete."""


def make_trainer(config: TrainingConfig, data: Path, folder: Path, device: torch.device, ranks: Ranks) -> Trainer:
    """Open the sources and make the trainer of a run.

    Args:
        config: settings.
        data: folder that their paths are relative to.
        folder: of the run; made here. A run that is there must have the same settings.
        device: to train on.
        ranks: this process among others.

    Raises:
        ConfigError: the folder's run has other settings.
        SceneError, WeightsError: a source or the weights to start from are missing or do not fit.
    """
    keep_settings(config, folder)
    cache = description_cache(config, data, device)
    sources = open_sources(config.sources, config, data, device, describe=cache)
    pairs = [(source, entry.share) for entry, source in zip(config.sources, sources, strict=True)]
    sampler = PairSampler(pairs, crop_px=config.run.crop_px, seed=config.run.seed)
    table = load_stability_table()
    teacher = make_feature_teacher(config, data, device)
    network = initial_network(config, data).to(device)
    return Trainer(
        config,
        network,
        sampler,
        folder,
        class_values=table.class_values,
        teacher=teacher,
        describe=None if cache else make_descriptor_teacher(config, data, device),
        project=teacher_projection(sampler, config.run.dimension, folder) if cache else None,
        answers=answer_bank(config, data, folder, sampler, device=device, rank=ranks.rank),
        ranks=ranks,
    )


def answer_bank(
    config: TrainingConfig, data: Path, folder: Path, sampler: PairSampler, *, device: torch.device, rank: int = 0
) -> AnswerBank | None:
    """Return the bank of a trained network's answers, or None where the run names no such network.

    Raises:
        WeightsError: its weights are missing or damaged.
        ConfigError: its descriptors have another length, or its terms do not allow an open run.
    """
    weights = answering_weights(config, data)
    if weights is None:
        return None
    network = build_network(weights).to(device)
    convert_conv2d_weight_memory_format(network, torch.channels_last)
    return AnswerBank(folder / ANSWERS_FOLDER, sampler, network, config.answers, device, rank=rank)


def keep_settings(config: TrainingConfig, folder: Path) -> None:
    """Write the settings into the folder of a run, or refuse others than are there.

    Raises:
        ConfigError: the folder holds a run with other settings.
    """
    path = folder / CONFIG_FILE
    if path.is_file() and read_training_config(path) != config:
        raise ConfigError(f"run {str(folder)!r} has other settings; go on with its own {CONFIG_FILE}, or name another")
    with atomic_file(path) as temporary:
        temporary.write_text(training_config_to_yaml(config), encoding="utf-8")


def open_sources(
    entries: Sequence[SourceConfig],
    config: TrainingConfig,
    data: Path,
    device: torch.device,
    *,
    plain: bool = False,
    describe: DescriptionCache | None = None,
) -> list[PairSource]:
    """Open sources; plain ones, for validation, are warped half as far.

    Raises:
        ConfigError, SceneError, ImageError: see `open_source`.
    """
    warp = config.warp
    if plain:
        warp = WarpConfig(1 + (warp.scale - 1) / 2, warp.rotation_deg / 2, warp.perspective / 2, warp.shift / 2)
    table = load_stability_table()
    return [
        open_source(entry, data, table=table, corners=config.corners, warp=warp, device=device, describe=describe)
        for entry in entries
    ]


def initial_network(config: TrainingConfig, data: Path) -> FeatureNetwork:
    """Return the network to start from: with the weights that are named, or random ones that the seed decides.

    Raises:
        WeightsError: the weights are missing or do not fit.
        ConfigError: they have another architecture, descriptor dimension or brightness, or terms that an open run
            cannot take on.
    """
    if not config.run.start:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.run.seed)
            return architecture_of_model(config.run.architecture).build(config.run.dimension, config.run.brightness)
    weights = read_weights(data / config.run.start)
    if weights.architecture.model != config.run.architecture:
        raise ConfigError(
            f"run.architecture is {config.run.architecture!r}, the weights to start from are of "
            f"{weights.architecture.model!r}; set it to that, or start from nothing"
        )
    if weights.dimension != config.run.dimension:
        raise ConfigError(
            f"run.dimension is {config.run.dimension}, the weights to start from have {weights.dimension}; "
            "set it to that, or start from nothing"
        )
    if weights.brightness not in (0, config.run.brightness):
        raise ConfigError(
            f"run.brightness is {config.run.brightness}, the weights to start from have {weights.brightness}; set it "
            "to that, or change theirs with `sfd2 weights brighten --level`"
        )
    check_terms(config, weights)
    return build_network(with_brightness(weights, config.run.brightness)).requires_grad_(requires_grad=True)


def make_feature_teacher(config: TrainingConfig, data: Path, device: torch.device) -> FeatureTeacher | None:
    """Return the teacher of features, or None when the loss is left out."""
    if config.loss.feature_weight == 0:
        return None
    entry = config.feature_teacher
    teacher = load_semantic_teacher(entry.kind, entry.weights, data, device)
    return lambda images: layers_like_ours(teacher.encoder_features(images))


def make_descriptor_teacher(config: TrainingConfig, data: Path, device: torch.device) -> Describe | None:
    """Return the teacher of descriptors, or None when the loss is left out.

    Raises:
        DependencyError: kornia is missing.
        WeightsError: the teacher's weights are missing or do not fit.
    """
    if config.loss.distillation_weight == 0 or config.answers.weights:
        return None
    return load_aliked(data / config.descriptor_teacher.weights, device).describe


def description_cache(config: TrainingConfig, data: Path, device: torch.device) -> DescriptionCache | None:
    """Return the teacher's descriptors of whole images, or None where the loss is left out or crops are described."""
    if config.loss.distillation_weight == 0 or not config.descriptor_teacher.cached:
        return None
    return DescriptionCache(data / ".descriptors", config.descriptor_teacher.weights, data, device)


def layers_like_ours(features: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return the teacher's first layers that have as many channels as the network's two middle ones.

    Raises:
        ConfigError: it has none.
    """
    found = []
    for channels in MIDDLE_CHANNELS:
        layer = next((layer for layer in features if layer.shape[1] == channels), None)
        if layer is None:
            widths = ", ".join(str(one.shape[1]) for one in features)
            raise ConfigError(
                f"the feature teacher's layers have {widths} channels, {channels} are needed; take ESPNetv2 (width 2), "
                "or a network with ConvNeXt-base"
            )
        found.append(layer)
    return found


def make_validation(
    config: TrainingConfig,
    data: Path,
    folder: Path,
    device: torch.device,
    on_figures: Callable[[int, dict[str, float]], None],
) -> Callable[[FeatureNetwork, int], float]:
    """Return a function that judges averaged weights, tells the figures, and keeps the best and the last weights."""
    names = [f"{index}-{entry.kind}" for index, entry in enumerate(config.validation_sources)]
    opened = open_sources(config.validation_sources, config, data, device, plain=True)
    sources = dict(zip(names, opened, strict=True))

    def judge(network: FeatureNetwork, step: int) -> float:
        weights = export(network, config, data, step)
        is_trained = config.loss.stability_weight > 0
        figures = validate(weights, sources, config.validation, str(device), use_stability=is_trained)
        score = overall(figures)
        on_figures(step, {**figures, "score": score})
        write_weights(folder / LAST_FILE, weights)
        if score >= max(_logged_scores(folder / LOG_FILE, before=step), default=score):
            write_weights(folder / BEST_FILE, weights)
        return score

    return judge


def append_log(folder: Path, step: int, figures: Mapping[str, float], kind: str) -> None:
    """Add a line to the log of a run; kind is "loss" or "validation"."""
    with (folder / LOG_FILE).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"kind": kind, "step": step, **figures}) + "\n")


def trim_log(folder: Path, step: int) -> None:
    """Drop the lines of steps after this one: they are done again after an interruption."""
    path = folder / LOG_FILE
    if not path.is_file():
        return
    kept = [
        line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if json.loads(line)["step"] <= step
    ]
    with atomic_file(path) as temporary:
        temporary.write_text("".join(kept), encoding="utf-8")


def _logged_scores(path: Path, *, before: int) -> list[float]:
    """Return the scores of earlier validations of the run, also of those before an interruption."""
    if not path.is_file():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line["score"] for line in lines if line["kind"] == "validation" and line["step"] < before]
