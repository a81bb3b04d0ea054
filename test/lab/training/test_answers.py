# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.answers import AnswerBank, Answers, AnswersConfig, asked_views, joined
from sfd2_lab.training.assemble import ANSWERS_FOLDER, make_trainer
from sfd2_lab.training.config import training_config_from
from sfd2_lab.training.data.pairs import Flow, Pair, View
from sfd2_lab.training.data.sources import PairSampler
from sfd2_lab.training.export import export
from sfd2_lab.training.loop import Ranks, Trainer
from sfd2_lab.training.losses.answers import answered_losses
from sfd2_ros.core.errors import ConfigError, SceneError
from sfd2_ros.features.light_network import LightNetwork
from sfd2_ros.features.network import NetworkOutput
from sfd2_ros.features.semantics import NOT_LABELLED
from sfd2_ros.features.weights import weights_of_network, write_weights

CPU = torch.device("cpu")
SIDE = 64
WHOLE = torch.eye(3, dtype=torch.float64)
TOLD = ("answered_detection", "answered_stability", "answered_description")


def view_of(grey: float, *, moved: bool = False) -> View:
    """Return a view of noise around a grey value; where something moved, its upper left quarter is unstable."""
    noise = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(int(grey))) * 8
    classes = torch.full((SIDE, SIDE), NOT_LABELLED, dtype=torch.uint8)
    if moved:
        classes[: SIDE // 2, : SIDE // 2] = 0
    ignored = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    ignored[-8:] = True
    image = (noise + grey).clamp(0, 255).to(torch.uint8)
    return View(image, torch.full_like(classes, NOT_LABELLED), classes, torch.zeros(0, 3), ignored)


class OneCamera:
    """A source of pairs of one fixed camera: a day and a night, in which something moved."""

    def __init__(self) -> None:
        self.day, self.night = view_of(160), view_of(30, moved=True)

    def pair(self, generator: torch.Generator, crop_px: int) -> Pair:
        del generator, crop_px
        flow = Flow(torch.zeros(SIDE, SIDE, 2), torch.ones(SIDE, SIDE, dtype=torch.bool))
        return Pair((self.day, self.night), (WHOLE, WHOLE), flow, is_fixed=True)


def bank_in(folder: Path, entries: int = 4) -> tuple[AnswerBank, list[torch.Tensor]]:
    """Return a bank of one camera, and the list that the images it asks about are added to."""
    network, asked = LightNetwork(32).eval(), []

    def ask(images: torch.Tensor) -> NetworkOutput:
        asked.append(images)
        output: NetworkOutput = network(images)
        return output

    sampler = PairSampler([(OneCamera(), 1.0)], crop_px=SIDE, seed=3)
    return AnswerBank(folder, sampler, ask, AnswersConfig(entries=entries, first_entries=2), CPU), asked


def test_the_day_answers_for_the_night_of_a_fixed_camera(tmp_path: Path) -> None:
    bank, asked = bank_in(tmp_path)
    batch, answers = bank.entry(0)
    assert torch.equal(asked[0][0], asked[0][1])
    assert batch.plain[1].mean() < 0.5 * batch.plain[0].mean()
    assert torch.equal(answers.descriptors[0], answers.descriptors[1])


def test_nothing_is_learned_where_something_moved_or_text_is_painted_over(tmp_path: Path) -> None:
    counts = bank_in(tmp_path)[0].entry(0)[1].counts
    assert counts[:, 8:12, 8:12].all()
    assert not counts[:, -2:].any()
    assert counts[0, :8, :8].all()
    assert not counts[1, :8, :8].any()


def test_views_from_two_places_answer_for_themselves() -> None:
    day, night = view_of(160), view_of(30)
    flow = Flow(torch.zeros(SIDE, SIDE, 2), torch.ones(SIDE, SIDE, dtype=torch.bool))
    assert asked_views(Pair((day, night), (WHOLE, WHOLE), flow)) == (day, night)
    assert asked_views(Pair((night, day), (WHOLE, WHOLE))) == (day, day)
    alike = view_of(150)
    assert asked_views(Pair((alike, day), (WHOLE, WHOLE))) == (alike, day)


def test_kept_answers_are_read_and_not_asked_for_again(tmp_path: Path) -> None:
    bank, asked = bank_in(tmp_path)
    fresh, kept = bank.entry(1), bank_in(tmp_path)[0].entry(1)
    assert torch.equal(fresh[0].plain, kept[0].plain)
    assert torch.equal(fresh[1].detection, kept[1].detection)
    bank.entry(1)
    assert len(asked) == 1
    torch.testing.assert_close(fresh[1].detection.sum(1), torch.ones(2, 8, 8), atol=2e-3, rtol=0)


def test_damaged_answers_are_named(tmp_path: Path) -> None:
    bank, _ = bank_in(tmp_path)
    bank.entry(0)
    path = next(tmp_path.iterdir())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SceneError, match="made again"):
        bank.entry(0)


def test_the_bank_grows_by_an_entry_a_step_until_it_is_full(tmp_path: Path) -> None:
    bank, asked = bank_in(tmp_path)
    assert [bank.available(step) for step in (0, 1, 2, 9)] == [2, 3, 4, 4]
    for step in range(4):
        bank.batch(step, 2)
        assert (tmp_path / f"0_{min(step + 1, 3):06d}.safetensors").is_file()
    assert len(asked) <= 4


def test_entries_are_joined_with_all_first_crops_before_the_second_ones(tmp_path: Path) -> None:
    bank, _ = bank_in(tmp_path)
    batch, answers = joined([bank.entry(0), bank.entry(1)])
    brightness = batch.plain.mean((1, 2, 3))
    assert (brightness[:2] > 2 * brightness[2:]).all()
    assert len(batch) == 2
    assert [len(value) for value in dataclasses.astuple(answers)] == [4, 4, 4, 4]


def output_like(answers: Answers) -> NetworkOutput:
    return NetworkOutput(answers.detection.log(), answers.descriptors, answers.stability.log())


def random_answers(counts: torch.Tensor) -> Answers:
    generator = torch.Generator().manual_seed(1)
    drawn = [torch.randn(2, channels, side, side, generator=generator) for channels, side in ((65, 4), (3, 8), (16, 8))]
    return Answers(drawn[0].softmax(1), drawn[1].softmax(1), F.normalize(drawn[2], dim=1), counts)


def test_losses_are_zero_for_the_answers_themselves_and_positive_for_others() -> None:
    answers = random_answers(torch.ones(2, 8, 8, dtype=torch.bool))
    for name, loss in answered_losses(output_like(answers), answers).items():
        assert float(loss) == pytest.approx(0, abs=1e-5), name
    turned = Answers(
        *(value.roll(1, 1) for value in (answers.detection, answers.stability, answers.descriptors)), answers.counts
    )
    assert all(float(loss) > 0.1 for loss in answered_losses(output_like(turned), answers).values())


def test_divergence_is_that_of_the_formula() -> None:
    answers = random_answers(torch.ones(2, 8, 8, dtype=torch.bool))
    logits = torch.randn(2, 65, 4, 4, generator=torch.Generator().manual_seed(2))
    wanted = F.kl_div(logits.log_softmax(1), answers.detection, reduction="none").sum(1).mean()
    output = NetworkOutput(logits, answers.descriptors, answers.stability.log())
    torch.testing.assert_close(answered_losses(output, answers)["answered_detection"], wanted)


def test_cells_that_do_not_count_have_no_gradient() -> None:
    counts = torch.ones(2, 8, 8, dtype=torch.bool)
    counts[0, 0, 0] = False
    answers = random_answers(counts)
    leaves = [torch.randn(value.shape, requires_grad=True) for value in output_like(answers)]
    torch.stack(list(answered_losses(NetworkOutput(*leaves), answers).values())).sum().backward()
    for leaf in leaves:
        assert leaf.grad is not None
        assert not leaf.grad[0, :, 0, 0].any()
        assert leaf.grad[0, :, -1, -1].any()


@pytest.fixture
def distilled_config(small_config: dict, drawn_data: Path) -> dict:
    """Return settings of a run of `sfd2-s` that learns the answers of a network in the data folder."""
    teacher = weights_of_network(LightNetwork(64), training="taught long ago", terms="open: by hand")
    write_weights(drawn_data / "teacher.safetensors", teacher)
    small_config["run"] |= {"architecture": "sfd2-s", "dimension": 64, "steps": 12, "pairs": 2, "log_every": 3}
    small_config["optimiser"] = {"learning_rate": 5e-3, "warmup_steps": 2}
    small_config["loss"] |= {"detection_weight": 0.0, "stability_weight": 0.0, "distillation_weight": 1.0}
    small_config["answers"] = {"weights": "teacher.safetensors", "entries": 3, "first_entries": 1}
    return small_config


def trainer_of(config: dict, data: Path, folder: Path) -> Trainer:
    return make_trainer(training_config_from(config), data, folder, CPU, Ranks())


def test_the_light_network_learns_what_the_trained_one_answers(
    distilled_config: dict, drawn_data: Path, tmp_path: Path
) -> None:
    seen: dict[int, dict[str, float]] = {}
    trainer = trainer_of(distilled_config, drawn_data, tmp_path)
    trainer.run(on_log=seen.__setitem__)
    for name in TOLD:
        assert seen[12][name] < 0.9 * seen[3][name], name
    assert seen[12]["distillation"] < seen[3]["distillation"]
    assert len(list((tmp_path / ANSWERS_FOLDER).iterdir())) == 3


def test_changed_crops_are_learned_from_answers_to_clean_ones(
    distilled_config: dict, drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(distilled_config, drawn_data, tmp_path)
    monkeypatch.setattr(trainer, "_photometric", lambda images, _light: torch.zeros_like(images))
    shown = []
    monkeypatch.setattr(trainer, "_forward", lambda network, images: shown.append(images) or network.raw(images))
    trainer.step(0)
    assert not shown[0].any()


def test_weights_say_whose_answers_they_learned_and_under_which_terms(distilled_config: dict, drawn_data: Path) -> None:
    config = training_config_from(distilled_config)
    weights = export(LightNetwork(64), config, drawn_data, 5)
    assert "answers of sfd2-s-64d-" in weights.training
    assert "taught long ago" in weights.training
    assert weights.terms == "open: by hand; drawn"


def test_an_open_run_does_not_learn_from_closed_weights(
    distilled_config: dict, drawn_data: Path, tmp_path: Path
) -> None:
    closed = weights_of_network(LightNetwork(64), training="t", terms="never sell")
    write_weights(drawn_data / "teacher.safetensors", closed)
    with pytest.raises(ConfigError, match="'never sell'"):
        trainer_of(distilled_config, drawn_data, tmp_path)


def test_answers_of_another_length_are_refused(distilled_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    distilled_config["run"]["dimension"] = 32
    with pytest.raises(ConfigError, match=r"run.dimension is 32, but descriptors of 'teacher.safetensors'"):
        trainer_of(distilled_config, drawn_data, tmp_path)


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        ("loss", {"stability_weight": 1.0}, "losses ask for other teachers; set detection_weight"),
        ("descriptor_teacher", {"kind": "aliked", "weights": "a.pth"}, "set descriptor_teacher.kind to 'none'"),
    ],
)
def test_other_teachers_are_refused_beside_answers(
    distilled_config: dict, section: str, values: dict, said: str
) -> None:
    distilled_config[section] = distilled_config.get(section, {}) | values
    with pytest.raises(ConfigError, match=said):
        training_config_from(distilled_config)
