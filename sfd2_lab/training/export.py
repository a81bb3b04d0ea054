# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that a run leaves: float16, with what they were trained on and under which terms in their header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.models import shipped_file_of
from sfd2_ros.features.weights import in_half_precision, read_weights, weights_of_network

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_lab.training.config import TrainingConfig
    from sfd2_ros.features.network import FeatureNetwork
    from sfd2_ros.features.weights import Weights


def export(network: FeatureNetwork, config: TrainingConfig, data: Path, step: int) -> Weights:
    """Return float16 weights whose header says what they were trained on and under which terms.

    Both go on from what the weights that they started from say: what those were trained on binds these, too.

    Args:
        network: whose weights.
        config: settings of the run.
        data: folder that `run.start` is relative to.
        step: number of steps done.
    """
    folders = ", ".join(sorted({source.folder for source in config.sources}))
    start, before = "nothing", None
    if config.run.start:
        before = read_weights(data / config.run.start)
        start = f"{before.weights_id} ({before.training})"
    answering = answering_weights(config, data)
    taught = _taught(config) + (f", answers of {answering.weights_id} ({answering.training})" if answering else "")
    training = f"{config.run.name}: {step} steps of {config.run.pairs} pairs on {folders}, from {start}{taught}"
    terms = terms_with(config, before, answering)
    return in_half_precision(weights_of_network(network, training=training, terms=terms))


def answering_weights(config: TrainingConfig, data: Path) -> Weights | None:
    """Return the weights of the network whose answers a run learns, or None where it names none.

    Raises:
        WeightsError: they are missing or damaged.
        ConfigError: their descriptors have another length, or their terms do not allow an open run.
    """
    name = config.answers.weights
    if not name:
        return None
    weights = read_weights(shipped_file_of(name) or data / name)
    if weights.dimension != config.run.dimension:
        raise ConfigError(
            f"run.dimension is {config.run.dimension}, but descriptors of {name!r} (answers.weights) have "
            f"{weights.dimension}; make them equal"
        )
    check_terms(config, weights)
    return weights


def check_terms(config: TrainingConfig, before: Weights) -> None:
    """Check that a run may start from weights, or learn from them.

    Raises:
        ConfigError: the run is open, and the weights are not.
    """
    if config.run.terms == "open" and not before.terms.startswith("open"):
        raise ConfigError(
            f"run.terms is 'open', but the weights {before.weights_id!r} are not: their terms are {before.terms!r}; "
            "start from nothing or learn from others, or set run.terms to 'research'"
        )


def terms_with(config: TrainingConfig, *others: Weights | None) -> str:
    """Return the terms of what was made with the sources of a configuration, from weights that were there before.

    Raises:
        ConfigError: the run is open, and the weights are not.
    """
    terms = {source.terms for source in config.sources if source.terms}
    for before in filter(None, others):
        check_terms(config, before)
        terms |= set(before.terms.removeprefix(f"{config.run.terms}: ").split("; "))
    return f"{config.run.terms}: {'; '.join(sorted(terms)) or 'unknown'}"


def _taught(config: TrainingConfig) -> str:
    """Say which networks taught; nothing when none did."""
    teachers = {
        config.corners.weights if config.corners.detector != "structure_tensor" else "",
        config.descriptor_teacher.weights if config.loss.distillation_weight > 0 else "",
        config.feature_teacher.weights if config.loss.feature_weight > 0 else "",
        *(source.teacher_weights for source in config.sources if source.teacher != "none"),
    }
    named = ", ".join(sorted(teacher for teacher in teachers if teacher))
    return f", taught by {named}" if named else ""
