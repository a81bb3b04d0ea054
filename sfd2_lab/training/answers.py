# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Answers of a trained network to clean crops: what a smaller network learns from changed crops.

The trained network is the expensive part, so its answers are kept: an entry of the bank is one pair of crops with the
answers to both. Where two views show the same pixels (a fixed camera, two exposures of a panorama), and one is darker,
the network answers for the brighter one, and the darker crop is to give that answer too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.data.pairs import Pair, PairBatch, collate
from sfd2_lab.training.data.sources import step_generator
from sfd2_ros.core.config import setting
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.features.keypoints import detection_probability
from sfd2_ros.features.network import CELL_PX, DESCRIPTOR_STRIDE_PX
from sfd2_ros.features.semantics import NOT_LABELLED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sfd2_lab.training.data.pairs import View
    from sfd2_lab.training.data.sources import PairSampler
    from sfd2_ros.features.network import NetworkOutput

_BRIGHTER = 1.25
"""Ratio of mean grey values from which the brighter view answers for the darker one. Not tuned."""
_UNSTABLE = 0  # class of the stability head
_PURPOSE_OF_ENTRY, _PURPOSE_OF_CHOICE = 5, 6  # of random numbers, see `step_generator`
_KEPT = ("plain", "valid", "target", "matched")  # what an entry keeps of its batch


@dataclass(frozen=True)
class AnswersConfig:
    """The network whose answers are learned, and how many of them."""

    weights: str = setting(
        "", "Weights of the trained network: identity of shipped ones, or a file in the data folder. Empty: none."
    )
    entries: int = setting(2000, "Pairs of crops in the bank; about 1 MB each at 192 px.", minimum=1)
    first_entries: int = setting(64, "Of these, made before the first step; each step adds one more.", minimum=1)


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to the 2B crops of a batch; the first B are to the first crops of the pairs.

    Attributes:
        detection: (2B, 65, S/8, S/8) float32, probabilities of a cell's pixels and of "none".
        stability: (2B, 3, S/4, S/4) float32, probabilities of the classes.
        descriptors: (2B, D, S/4, S/4) float32, of length one.
        counts: (2B, S/4, S/4) bool, where a crop shows what the answer is about.
    """

    detection: torch.Tensor
    stability: torch.Tensor
    descriptors: torch.Tensor
    counts: torch.Tensor


class AnswerBank:
    """Pairs of crops with answers, a file each, made when they are first needed.

    Args:
        folder: of the bank; of one run.
        sampler: of pairs.
        ask: returns the trained network's output for (B, 3, S, S) images in [0, 1].
        config: size of the bank.
        device: of batches.
        rank: of this process; each has its own entries.
    """

    def __init__(
        self,
        folder: Path,
        sampler: PairSampler,
        ask: Callable[[torch.Tensor], NetworkOutput],
        config: AnswersConfig,
        device: torch.device,
        *,
        rank: int = 0,
    ) -> None:
        self._folder, self._sampler, self._ask = folder, sampler, ask
        self._config, self._device, self._rank = config, device, rank

    def available(self, step: int) -> int:
        """Return how many entries a step chooses from."""
        return min(self._config.entries, self._config.first_entries + step)

    def batch(self, step: int, pairs: int) -> tuple[PairBatch, Answers]:
        """Return entries chosen evenly, which depend on the seed and the step alone, with the newest among them."""
        available = self.available(step)
        generator = step_generator(self._sampler.seed, step, self._rank, purpose=_PURPOSE_OF_CHOICE)
        chosen = torch.randint(available, (pairs,), generator=generator).tolist()
        if available < self._config.entries:
            chosen[0] = available - 1
        return joined([self.entry(index) for index in chosen])

    def entry(self, index: int) -> tuple[PairBatch, Answers]:
        """Return entry i, a batch of one pair, and make it first where it is not there.

        Raises:
            SceneError: its file is damaged.
        """
        path = self._folder / f"{self._rank}_{index:06d}.safetensors"
        if not path.is_file():
            self._make(index, path)
        try:
            with safe_open(path, "pt") as file:
                kept = {name: file.get_tensor(name).to(self._device) for name in file.keys()}  # noqa: SIM118
            answers = Answers(**{one.name: kept.pop(one.name) for one in fields(Answers)})
            return _restored(kept, answers)
        except (SafetensorError, OSError, KeyError, TypeError) as err:
            raise SceneError(
                f"answers {str(path)!r} cannot be read: {err}; remove them, and they are made again"
            ) from err

    @torch.no_grad()
    def _make(self, index: int, path: Path) -> None:
        generator = step_generator(self._sampler.seed, index, self._rank, purpose=_PURPOSE_OF_ENTRY)
        pair = self._sampler.pairs_of(generator, 1)[0]
        asked = asked_views(pair)
        batch = collate([pair], self._sampler.crop_px, self._device)
        question = collate([Pair(asked, pair.view_from_crop, pair.flow)], self._sampler.crop_px, self._device)
        output = self._ask(question.plain)
        tensors = {name: getattr(batch, name) for name in _KEPT}
        tensors["plain"] = (batch.plain * 255).round().to(torch.uint8)
        tensors["detection"] = output.detection_logits.float().softmax(1).half()
        tensors["stability"] = output.stability_logits.float().softmax(1).half()
        tensors["descriptors"] = F.normalize(output.descriptors.float(), dim=1).half()
        tensors["counts"] = _counts(batch, question, pair, asked)
        with atomic_file(path) as temporary:
            temporary.write_bytes(save({name: value.contiguous().cpu() for name, value in tensors.items()}))


def asked_views(pair: Pair) -> tuple[View, View]:
    """Return the views that the trained network answers about: of the same pixels, the clearly brighter one."""
    if not pair.shows_same_pixels:
        return pair.views
    first, second = (max(float(view.image.float().mean()), 1.0) for view in pair.views)
    if first > _BRIGHTER * second:
        return pair.views[0], pair.views[0]
    if second > _BRIGHTER * first:
        return pair.views[1], pair.views[1]
    return pair.views


def joined(entries: Sequence[tuple[PairBatch, Answers]]) -> tuple[PairBatch, Answers]:
    """Return entries of one pair each as one batch: the first crops of all pairs, then the second ones."""
    batches, answers = [batch for batch, _ in entries], [one for _, one in entries]
    names = [one.name for one in fields(PairBatch) if one.name != "described"]
    parts = {name: _joined([getattr(batch, name) for batch in batches]) for name in names}
    return PairBatch(**parts), Answers(*(_joined([getattr(one, it.name) for one in answers]) for it in fields(Answers)))


def _joined(values: Sequence[torch.Tensor]) -> torch.Tensor:
    """Join (1, ...) values, or (2, ...) ones of both crops, whose first ones come first."""
    return torch.cat([value[side : side + 1] for side in range(len(values[0])) for value in values])


def _counts(batch: PairBatch, question: PairBatch, pair: Pair, asked: tuple[View, View]) -> torch.Tensor:
    """Return (2, S/4, S/4) bool: inside the view, not ignored, and nothing moved since the answer."""
    counts = batch.valid & question.valid
    for side in (0, 1):
        if asked[side] is not pair.views[side]:
            counts[side] &= (batch.classes[side] != _UNSTABLE) & (question.classes[side] != _UNSTABLE)
    return -F.max_pool2d(-counts[:, None].float(), DESCRIPTOR_STRIDE_PX)[:, 0] > 0


def _restored(kept: dict[str, torch.Tensor], half: Answers) -> tuple[PairBatch, Answers]:
    """Return batch and answers of one pair; points for the losses of descriptors are drawn where corners are likely."""
    answers = Answers(half.detection.float(), half.stability.float(), half.descriptors.float(), half.counts)
    plain = kept["plain"].float() / 255
    unknown = torch.full(kept["valid"].shape, NOT_LABELLED, dtype=torch.uint8, device=plain.device)
    corners = detection_probability(answers.detection.clamp(min=1e-8).log())
    batch = PairBatch(plain, plain, corners, unknown, unknown, kept["valid"], kept["target"], kept["matched"])
    return batch, answers


def cells_that_count(answers: Answers) -> torch.Tensor:
    """Return (2B, h, w) bool: the detector's cells that count throughout; `counts` has the shape (2B, 2h, 2w)."""
    size = CELL_PX // DESCRIPTOR_STRIDE_PX
    return -F.max_pool2d(-answers.counts[:, None].float(), size)[:, 0] > 0
