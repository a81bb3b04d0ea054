# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: draws pairs, lowers the losses, saves, validates, and goes on after any interruption."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import distributed
from torch.nn.utils.memory_format import convert_conv2d_weight_memory_format

from sfd2_lab.training.checkpoint import Position, load_state, save_state
from sfd2_lab.training.data.pairs import collate
from sfd2_lab.training.data.photometric import Photometric
from sfd2_lab.training.data.sources import step_generator
from sfd2_lab.training.objective import Teaching, losses_of, total
from sfd2_lab.training.optimiser import learning_rate, make_average, make_optimiser, update_average
from sfd2_lab.training.parts import FeatureBank, freeze_others, heads_forward, trunk_features
from sfd2_lab.training.taps import raw_forward, tapped
from sfd2_ros.core.errors import Sfd2Error
from sfd2_ros.features.precision import measured_precisions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sfd2_lab.training.answers import AnswerBank, Answers
    from sfd2_lab.training.config import TrainingConfig
    from sfd2_lab.training.data.pairs import PairBatch
    from sfd2_lab.training.data.sources import PairSampler
    from sfd2_lab.training.losses.distillation import Describe, Projection
    from sfd2_ros.features.network import FeatureNetwork, RawOutput

    FeatureTeacher = Callable[[torch.Tensor], Sequence[torch.Tensor]]

STATE_FILE = "state.safetensors"
"""Name of a run's state in its folder."""
BANK_FOLDER = "bank"
"""Folder of the batches of a run whose trunk does not learn."""


class TrainingDivergedError(Sfd2Error):
    """A loss is not finite."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together."""

    rank: int = 0
    count: int = 1


class Trainer:
    """One run.

    Args:
        config: settings.
        network: to train, on its device.
        sampler: of training pairs.
        folder: of the run.
        class_values: stability of the classes of the stability head.
        teacher: returns features of (2B, 3, S, S) images in [0, 1]; None without feature consistency.
        describe: returns descriptors of points of images; None without a teacher of descriptors.
        project: of a teacher's descriptors that the batches hold; None where they hold none.
        answers: of a trained network, with their crops; None where pairs are drawn.
        ranks: this process among others.
    """

    def __init__(
        self,
        config: TrainingConfig,
        network: FeatureNetwork,
        sampler: PairSampler,
        folder: Path,
        *,
        class_values: Sequence[float],
        teacher: FeatureTeacher | None = None,
        describe: Describe | None = None,
        project: Projection | None = None,
        answers: AnswerBank | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self.config, self.folder, self.ranks = config, folder, ranks or Ranks()
        self.device = network.mean.device
        convert_conv2d_weight_memory_format(network, torch.channels_last)
        freeze_others(network, config.run.train)
        self._bank = FeatureBank(folder / BANK_FOLDER, config.run.bank_steps) if config.run.bank_steps else None
        self.network, self.average = network, make_average(network)
        self.optimiser = make_optimiser(network, config.optimiser)
        self.position = Position()
        self._sampler, self._class_values, self._teacher = sampler, class_values, teacher
        self._describe, self._project, self._answers = describe, project, answers
        self._photometric = Photometric(config.photometric)
        self._bfloat16 = _uses_bfloat16(config.run.precision, self.device)
        self._forward: Callable[[FeatureNetwork, torch.Tensor], RawOutput] = raw_forward
        if config.run.compile:
            self._forward = torch.compile(raw_forward)

    def resume(self) -> bool:
        """Go on from the folder's state, and return whether there was one.

        Raises:
            WeightsError: the state is damaged or of another network.
        """
        path = self.folder / STATE_FILE
        if not path.is_file():
            return False
        self.position = load_state(path, self.network, self.average, self.optimiser)
        return True

    def save(self) -> None:
        """Write the state; the first process does."""
        if self.ranks.rank == 0:
            save_state(self.folder / STATE_FILE, self.network, self.average, self.optimiser, self.position)

    def run(
        self,
        *,
        should_stop: Callable[[], bool] = lambda: False,
        on_log: Callable[[int, dict[str, float]], None] = lambda _step, _figures: None,
        on_validate: Callable[[FeatureNetwork, int], float] | None = None,
    ) -> None:
        """Train until the last step or until told to stop; the state is saved then.

        Args:
            should_stop: asked after every step.
            on_log: told of the step and of means of losses since the last call.
            on_validate: judges the averaged weights after so many steps; higher is better.

        Raises:
            TrainingDivergedError: a loss is not finite; the last saved state is from before.
        """
        settings, sums, since = self.config.run, _Means(), perf_counter()
        while self.position.step < settings.steps:
            step = self.position.step
            sums.add(self.step(step))
            self.position = replace(self.position, step=step + 1)
            last = step + 1 == settings.steps
            if (step + 1) % settings.log_every == 0 or last:
                seconds = perf_counter() - since
                self.position, since = replace(self.position, seconds=self.position.seconds + seconds), perf_counter()
                rate = learning_rate(step, settings.steps, self.config.optimiser)
                on_log(step + 1, {**sums.take(), "learning_rate": rate, "seconds": self.position.seconds})
            if on_validate and ((step + 1) % settings.validate_every == 0 or last):
                score = on_validate(self.average, step + 1)
                best = score if self.position.best is None else max(score, self.position.best)
                self.position = replace(self.position, best=best)
            stop = self._agreed(wish=should_stop())
            if (step + 1) % settings.save_every == 0 or last or stop:
                self.save()
            if stop:
                return

    def step(self, step: int) -> dict[str, float]:
        """Do one step and return its losses."""
        settings = self.config.optimiser
        batch, shared, answers = self._examples(step)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(step, self.config.run.steps, settings)
        with self._autocast():
            output = tapped(self._outputs(batch.images, shared))
            features = () if self._teacher is None else self._teacher(batch.images)
        teaching = Teaching(features, self._describe, self._project, answers)
        points = step_generator(self.config.run.seed, step, self.ranks.rank, purpose=2)
        losses = losses_of(output, batch, self.config.loss, points, class_values=self._class_values, teaching=teaching)
        loss = total(losses)
        if not torch.isfinite(loss):
            raise TrainingDivergedError(f"losses of step {step} are {_numbers(losses)}; lower optimiser.learning_rate")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._share_gradients()
        if settings.clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip_norm)
        self.optimiser.step()
        update_average(self.average, self.network, step, settings.ema_decay)
        return {**_numbers(losses), "total": float(loss.detach())}

    def _examples(self, step: int) -> tuple[PairBatch, torch.Tensor | None, Answers | None]:
        """Return the batch of a step, where the trunk does not learn its features, and a trained network's answers."""
        if self._answers is not None:
            batch, answers = self._answers.batch(step, self.config.run.pairs)
            return self._changed(batch, step), None, answers
        if self.config.run.train == "all":
            return self._batch(step), None, None
        rank = self.ranks.rank
        kept = None if self._bank is None else self._bank.load(step, rank, self.device)
        if kept is not None:
            return *kept, None
        batch = self._batch(step if self._bank is None else self._bank.index(step))
        with self._autocast():
            shared = trunk_features(self.network, batch.images)
        if self._bank is not None:
            self._bank.keep(step, rank, batch, shared)
        return batch, shared.float(), None

    def _outputs(self, images: torch.Tensor, shared: torch.Tensor | None) -> RawOutput:
        if shared is not None:
            return heads_forward(self.network, shared, self.config.run.train)
        self.network.train()
        return self._forward(self.network, images)

    def _batch(self, step: int) -> PairBatch:
        settings = self.config.run
        pairs = self._sampler.pairs(step, settings.pairs, self.ranks.rank)
        return self._changed(collate(pairs, settings.crop_px, self.device), step)

    def _changed(self, batch: PairBatch, step: int) -> PairBatch:
        """Return a batch whose images have other light and weather."""
        light = step_generator(self.config.run.seed, step, self.ranks.rank, purpose=1)
        images = self._photometric(batch.images, light).contiguous(memory_format=torch.channels_last)
        return replace(batch, images=images)

    def _autocast(self) -> contextlib.AbstractContextManager[None]:
        if not self._bfloat16:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def _share_gradients(self) -> None:
        """Average gradients and norms' statistics over the processes."""
        if self.ranks.count == 1:
            return
        gradients = [value.grad for value in self.network.parameters() if value.grad is not None]
        statistics = [value for value in self.network.buffers() if value.is_floating_point()]
        for tensor in (*gradients, *statistics):
            distributed.all_reduce(tensor)
            tensor.div_(self.ranks.count)

    def _agreed(self, *, wish: bool) -> bool:
        """Return whether any process wants to stop."""
        if self.ranks.count == 1:
            return wish
        wishes = torch.tensor(float(wish), device=self.device)
        distributed.all_reduce(wishes)
        return bool(wishes > 0)


class _Means:
    """Means of figures since they were last taken."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def take(self) -> dict[str, float]:
        means = {name: value / max(1, self._count) for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return means


def _numbers(losses: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name: float(loss.detach()) for name, loss in losses.items()}


def _uses_bfloat16(precision: str, device: torch.device) -> bool:
    if precision != "auto":
        return precision == "bfloat16"
    return device.type == "cuda" or measured_precisions().fastest is torch.bfloat16
