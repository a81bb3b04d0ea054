# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sum of the losses: what a training step makes smaller.

    L_total = w_det L_det + w_sta L_sta + w_nce L_nce + w_inter L_inter + w_intra L_intra + w_feat L_feat + w_dis L_dis

Source: Xue et al., CVPR 2023, equation 6, with the released training's L_sta, a descriptor baseline and a
teacher of descriptors beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sfd2_lab.training.losses.answers import answered_losses
from sfd2_lab.training.losses.detection import DETECTION_LOSSES, semantic_target
from sfd2_lab.training.losses.distillation import (
    cached_descriptors,
    distillation_loss,
    in_the_brighter,
    teacher_descriptors,
)
from sfd2_lab.training.losses.feature_consistency import feature_loss
from sfd2_lab.training.losses.info_nce import info_nce_loss
from sfd2_lab.training.losses.inter_class import INTER_CLASS_LOSSES
from sfd2_lab.training.losses.intra_class import intra_class_loss, reliability_of_score
from sfd2_lab.training.losses.stability import stability_loss
from sfd2_lab.training.samples import PointSample, sample_points
from sfd2_ros.core.config import setting
from sfd2_ros.features.keypoints import sample_descriptors
from sfd2_ros.features.semantics import NOT_LABELLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfd2_lab.training.answers import Answers
    from sfd2_lab.training.data.pairs import PairBatch
    from sfd2_lab.training.losses.distillation import Describe, Projection
    from sfd2_lab.training.taps import TappedOutput


@dataclass(frozen=True)
class LossConfig:
    """Weights and forms of the losses; a weight of 0 leaves a loss out."""

    detection: str = setting("cell", "Paper: pixel (BCE); released training: cell.", choices=tuple(DETECTION_LOSSES))
    detection_weight: float = setting(1.0, "w_det.", minimum=0.0)
    semantic_detection: bool = setting(True, "Target reliability times stability (SD); else reliability alone.")
    stability_weight: float = setting(1.0, "w_sta.", minimum=0.0)
    info_nce_weight: float = setting(1.0, "w_nce.", minimum=0.0)
    temperature: float = setting(0.07, "T of InfoNCE.", minimum=0.001, maximum=10.0)
    inter_class: str = setting(
        "two_hinges", "Paper: triplet; released training: two_hinges.", choices=tuple(INTER_CLASS_LOSSES)
    )
    inter_weight: float = setting(0.0, "w_inter; the paper has 1.", minimum=0.0)
    margin: float = setting(1.0, "m of the inter-class loss.", minimum=0.0, maximum=4.0)
    inter_points: int = setting(128, "Points of an image pair in the inter-class loss.", minimum=2, maximum=1024)
    intra_weight: float = setting(0.0, "w_intra; the paper has 0.5.", minimum=0.0)
    within_class: bool = setting(True, "Rank within the class, as the paper; the released training ranks among all.")
    bins: int = setting(20, "Bins of the soft ranking.", minimum=2, maximum=200)
    base: float = setting(0.5, "Average precision below which a point had better give up.", minimum=0.0, maximum=1.0)
    positive_px: float = setting(3.0, "Places this near to the ground truth are true matches, pixels.", minimum=0.0)
    negative_px: float = setting(8.0, "Places farther than this are false matches, pixels.", minimum=0.0)
    points: int = setting(400, "Points of an image pair in the descriptor losses.", minimum=2, maximum=8192)
    feature_weight: float = setting(0.0, "w_feat (SF); needs a teacher of features.", minimum=0.0)
    answered_detection_weight: float = setting(1.0, "w of KL of detection, with `answers`.", minimum=0.0)
    answered_stability_weight: float = setting(0.5, "w of KL of stability, with `answers`.", minimum=0.0)
    answered_description_weight: float = setting(3.0, "w of 1 - cosine of descriptors, with `answers`.", minimum=0.0)
    standardise: bool = setting(True, "Compare features without mean and scale of their channels.")
    distillation_weight: float = setting(0.0, "w_dis; needs a teacher of descriptors.", minimum=0.0)


@dataclass(frozen=True)
class Teaching:
    """What teachers say of a batch.

    Attributes:
        features: of the same images; needed when `feature_weight` is above 0.
        describe: describes points of images; this or `project` is needed when `distillation_weight` is above 0.
        project: of descriptors that the batch holds.
        answers: of a trained network to the batch's clean crops; all its outputs are learned then.
    """

    features: Sequence[torch.Tensor] = ()
    describe: Describe | None = None
    project: Projection | None = None
    answers: Answers | None = None


def losses_of(
    tapped: TappedOutput,
    batch: PairBatch,
    config: LossConfig,
    generator: torch.Generator,
    *,
    class_values: Sequence[float],
    teaching: Teaching | None = None,
) -> dict[str, torch.Tensor]:
    """Return each loss times its weight, by name; their sum is L_total.

    Args:
        tapped: what the network says of the batch's images.
        batch: with the truth.
        config: weights and forms.
        generator: on the CPU; decides the points.
        class_values: stability of each class of the stability head.
        teaching: what teachers say; None for no teachers.
    """
    output, teaching = tapped.output, teaching or Teaching()
    losses = {}
    if config.detection_weight > 0:
        target = detection_target(batch, class_values) if config.semantic_detection else batch.reliability
        loss = DETECTION_LOSSES[config.detection](output.detection_logits, target, batch.valid)
        losses["detection"] = config.detection_weight * loss
    if config.stability_weight > 0:
        losses["stability"] = config.stability_weight * stability_loss(output.stability_logits, batch.classes)
    if teaching.answers is not None:
        told = answered_losses(output, teaching.answers)
        losses |= {name: getattr(config, f"{name}_weight") * loss for name, loss in told.items()}
    descriptor_weights = (config.info_nce_weight, config.inter_weight, config.intra_weight, config.distillation_weight)
    if max(descriptor_weights) > 0:
        losses |= _descriptor_losses(tapped, batch, config, generator, teaching)
    if config.feature_weight > 0:
        losses["feature"] = config.feature_weight * feature_loss(
            tapped.middle, teaching.features, standardise=config.standardise
        )
    return losses


def detection_target(batch: PairBatch, class_values: Sequence[float]) -> torch.Tensor:
    """Return reliability times stability, (2B, S, S); what is not labelled counts as stable."""
    values = torch.ones(256, device=batch.classes.device)
    values[: len(class_values)] = values.new_tensor(class_values)
    return semantic_target(batch.reliability, values[batch.classes.long()])


def _descriptor_losses(
    tapped: TappedOutput, batch: PairBatch, config: LossConfig, generator: torch.Generator, teaching: Teaching
) -> dict[str, torch.Tensor]:
    """Return the means over the pairs of the batch."""
    samples = sample_points(tapped.output, batch, config.points, generator)
    samples = [sample for sample in samples if len(sample.labels) >= 2]
    parts = {
        "info_nce": (config.info_nce_weight, _info_nce),
        "inter_class": (config.inter_weight, _inter_class),
        "intra_class": (config.intra_weight, _intra_class),
    }
    zero = tapped.output.descriptors.sum() * 0
    losses = {
        name: weight * torch.stack([part(sample, config) for sample in samples] or [zero]).mean()
        for name, (weight, part) in parts.items()
        if weight > 0
    }
    wanted = _wanted(batch, samples, teaching)
    if config.distillation_weight > 0 and wanted is not None:
        told = [_distillation(one, it, config) for one, it in zip(samples, wanted, strict=True)]
        losses["distillation"] = config.distillation_weight * torch.stack(told or [zero]).mean()
    return losses


def _wanted(batch: PairBatch, samples: Sequence[PointSample], teaching: Teaching) -> list[torch.Tensor] | None:
    """Return the teacher's descriptors of each sample, or None without a teacher."""
    if teaching.answers is not None:
        told = teaching.answers.descriptors
        chosen = in_the_brighter(batch.plain, samples)
        return [sample_descriptors(told[index], points) for index, points in chosen]
    if teaching.project is not None and batch.described is not None:
        return cached_descriptors(batch.plain, batch.described, samples, teaching.project)
    return None if teaching.describe is None else teacher_descriptors(batch.plain, samples, teaching.describe)


def _info_nce(sample: PointSample, config: LossConfig) -> torch.Tensor:
    near = sample.distance_px <= config.negative_px
    return info_nce_loss(sample.first @ sample.second.T, near, temperature=config.temperature)


def _distillation(sample: PointSample, teacher: torch.Tensor, config: LossConfig) -> torch.Tensor:
    near = sample.distance_px <= config.negative_px
    return distillation_loss(sample.first, sample.second, teacher, near, temperature=config.temperature)


def _inter_class(sample: PointSample, config: LossConfig) -> torch.Tensor:
    """Return the loss over both images' points together, of labelled ones only."""
    labelled = torch.nonzero(sample.labels != NOT_LABELLED)[: config.inter_points // 2, 0]
    descriptors = torch.cat([sample.first[labelled], sample.second[labelled]])
    labels, scores = sample.labels[labelled].repeat(2), sample.score[labelled].detach().repeat(2)
    return INTER_CLASS_LOSSES[config.inter_class](descriptors, labels, scores, margin=config.margin)


def _intra_class(sample: PointSample, config: LossConfig) -> torch.Tensor:
    positive = sample.distance_px <= config.positive_px
    candidate = positive | (sample.distance_px > config.negative_px)
    if config.within_class:
        candidate = candidate & (positive | (sample.labels[:, None] == sample.labels[None]))
    reliability = reliability_of_score(sample.score)
    similarity = sample.first @ sample.second.T
    return intra_class_loss(similarity, positive, candidate, reliability, bins=config.bins, base=config.base)


def total(losses: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the sum of the losses."""
    return torch.stack(list(losses.values())).sum()
