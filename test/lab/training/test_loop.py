# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import pytest
import torch

from sfd2_lab.training.assemble import layers_like_ours, make_trainer
from sfd2_lab.training.config import training_config_from
from sfd2_lab.training.data import described
from sfd2_lab.training.export import export
from sfd2_lab.training.loop import STATE_FILE, Ranks, Trainer, TrainingDivergedError
from sfd2_lab.training.parts import trunk_features
from sfd2_lab.training.projection import PROJECTION_FILE
from sfd2_lab.training.taps import raw_forward, tapped
from sfd2_ros.core.errors import ConfigError, WeightsError
from sfd2_ros.features.light_network import LightNetwork
from sfd2_ros.features.network import Sfd2Network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CPU = torch.device("cpu")


def trainer_of(config: dict, data: Path, folder: Path) -> Trainer:
    return make_trainer(training_config_from(config), data, folder, CPU, Ranks())


def losses_of_run(trainer: Trainer, stop_after: int | None = None) -> dict[int, dict[str, float]]:
    seen: dict[int, dict[str, float]] = {}
    trainer.run(
        on_log=seen.__setitem__,
        should_stop=lambda: trainer.position.step == stop_after,
    )
    return seen


def test_taps_leave_the_network_s_outputs_as_they_are() -> None:
    network, images = Sfd2Network(32, brightness=0.5).eval(), torch.rand(1, 3, 32, 40)
    found, plain = tapped(raw_forward(network, images)), network(images)
    assert [layer.shape[1] for layer in found.middle] == [128, 256]
    for mine, wanted in zip(found.output, plain, strict=True):
        assert torch.equal(mine, wanted)


def test_resumed_run_has_the_losses_of_the_uninterrupted_one(
    small_config: dict, drawn_data: Path, tmp_path: Path
) -> None:
    uninterrupted = trainer_of(small_config, drawn_data, tmp_path / "whole")
    whole = losses_of_run(uninterrupted)
    first = losses_of_run(trainer_of(small_config, drawn_data, tmp_path / "parts"), stop_after=2)
    resumed = trainer_of(small_config, drawn_data, tmp_path / "parts")
    assert resumed.resume()
    assert resumed.position.step == 2
    second = losses_of_run(resumed)
    assert sorted([*first, *second]) == [1, 2, 3, 4]
    for step, figures in {**first, **second}.items():
        for name in ("detection", "stability", "info_nce", "total"):
            assert figures[name] == pytest.approx(whole[step][name], abs=1e-3)
    for mine, wanted in zip(resumed.average.parameters(), uninterrupted.average.parameters(), strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-4, rtol=0)


def test_run_that_forgets_its_moments_takes_another_way(small_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    whole = losses_of_run(trainer_of(small_config, drawn_data, tmp_path / "whole"))
    losses_of_run(trainer_of(small_config, drawn_data, tmp_path / "parts"), stop_after=2)
    resumed = trainer_of(small_config, drawn_data, tmp_path / "parts")
    resumed.resume()
    resumed.optimiser.state.clear()
    assert abs(losses_of_run(resumed)[4]["total"] - whole[4]["total"]) > 1e-3


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Beside other work, threads that wait for each other count as time of the processor."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_trainer_overfits_eight_pictures_within_a_minute_of_a_cpu(
    small_config: dict, drawn_data: Path, tmp_path: Path
) -> None:
    small_config["run"] |= {"architecture": "sfd2-s", "dimension": 64, "steps": 45, "pairs": 4, "log_every": 5}
    small_config["optimiser"] = {"learning_rate": 2e-3, "warmup_steps": 5}
    small_config["photometric"] = dict.fromkeys(("colour", "night", "glare", "shadow", "rain", "noise", "blur"), 0.0)
    small_config["warp"] = {"scale": 1.0, "rotation_deg": 0.0, "perspective": 0.0, "shift": 0.1}
    trainer, start = trainer_of(small_config, drawn_data, tmp_path / "run"), process_time()
    losses = losses_of_run(trainer)
    assert process_time() - start < 60
    assert losses[45]["info_nce"] < 0.25 * losses[5]["info_nce"]
    assert losses[45]["stability"] < 0.6 * losses[5]["stability"]
    assert losses[45]["detection"] < 0.7 * losses[5]["detection"]


def test_every_loss_of_the_paper_trains_the_network(small_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    small_config["loss"] |= {"inter_weight": 1.0, "intra_weight": 0.5, "inter_class": "triplet", "detection": "pixel"}
    trainer = trainer_of(small_config, drawn_data, tmp_path / "run")
    losses = trainer.step(0)
    assert set(losses) == {"detection", "stability", "info_nce", "inter_class", "intra_class", "total"}
    assert losses["total"] == pytest.approx(sum(value for name, value in losses.items() if name != "total"), rel=1e-5)
    assert all(parameter.grad is not None for parameter in trainer.network.parameters())


def test_encoder_learns_from_the_teacher_s_features(
    small_config: dict, drawn_data: Path, shared_dir: Path, tmp_path: Path
) -> None:
    weights = str(shared_dir / "weights" / "espnetv2_s_2.0_city_1024x512.pth")
    small_config["loss"] = {
        "feature_weight": 1.0,
        "detection_weight": 0.0,
        "info_nce_weight": 0.0,
        "stability_weight": 0.0,
    }
    small_config["feature_teacher"] = {"kind": "espnetv2", "weights": weights}
    trainer = trainer_of(small_config, drawn_data, tmp_path / "run")
    losses = [trainer.step(step)["feature"] for step in range(4)]
    assert losses[-1] < losses[0]


def test_teacher_without_layers_like_ours_is_refused() -> None:
    layers = [torch.zeros(1, channels, 4, 4) for channels in (64, 128, 256, 512)]
    assert [layer.shape[1] for layer in layers_like_ours(layers)] == [128, 256]
    with pytest.raises(ConfigError, match="have 64, 128 channels, 256 are needed"):
        layers_like_ours(layers[:2])


def test_run_with_other_settings_is_not_gone_on_with(small_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    trainer_of(small_config, drawn_data, tmp_path / "run")
    small_config["optimiser"]["learning_rate"] = 0.5
    with pytest.raises(ConfigError, match="has other settings"):
        trainer_of(small_config, drawn_data, tmp_path / "run")


@pytest.mark.parametrize("damage", ["truncated", "empty", "other network"])
def test_damaged_state_is_refused(small_config: dict, drawn_data: Path, tmp_path: Path, damage: str) -> None:
    trainer = trainer_of(small_config, drawn_data, tmp_path / "run")
    trainer.save()
    path = tmp_path / "run" / STATE_FILE
    if damage == "other network":
        small_config["run"]["dimension"] = 32
        trainer = trainer_of(small_config, drawn_data, tmp_path / "other")
        path.rename(tmp_path / "other" / STATE_FILE)
    else:
        path.write_bytes(path.read_bytes()[: 1000 if damage == "truncated" else 0])
    with pytest.raises(WeightsError, match="cannot be resumed"):
        trainer.resume()


def test_loss_that_is_not_finite_stops_the_run(small_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    trainer = trainer_of(small_config, drawn_data, tmp_path / "run")
    with torch.no_grad():
        trainer.network.stability.bias.fill_(torch.nan)
    with pytest.raises(TrainingDivergedError, match="losses of step 0"):
        trainer.step(0)


def test_gradients_enter_the_heads_channels_last() -> None:
    network = Sfd2Network(32).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    raw = raw_forward(network, torch.rand(2, 3, 32, 40).contiguous(memory_format=torch.channels_last))
    entering = []
    output = tapped(raw).output
    raw.description.register_hook(entering.append)  # after the one that puts it in order
    output.descriptors.flatten(2).permute(2, 0, 1).contiguous().square().sum().backward()
    assert entering[0].is_contiguous(memory_format=torch.channels_last)


def test_without_a_state_nothing_is_resumed(small_config: dict, drawn_data: Path, tmp_path: Path) -> None:
    assert not trainer_of(small_config, drawn_data, tmp_path / "run").resume()


@pytest.mark.parametrize("model", ["sfd2-m", "sfd2-s"])
def test_smaller_networks_are_trained_and_resumed(
    model: str, small_config: dict, drawn_data: Path, tmp_path: Path
) -> None:
    small_config["run"] |= {"architecture": model, "dimension": 64, "steps": 2}
    first = losses_of_run(trainer_of(small_config, drawn_data, tmp_path), stop_after=1)
    resumed = trainer_of(small_config, drawn_data, tmp_path)
    assert resumed.resume()
    second = losses_of_run(resumed)
    assert sorted([*first, *second]) == [1, 2]
    weights = export(resumed.average, resumed.config, drawn_data, 2)
    assert weights.weights_id.startswith(f"{model}-64d-")


def test_cached_teacher_teaches_descriptors_of_another_length_and_its_projection_is_kept(
    small_config: dict, drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Colours:
        def describe(self, images: torch.Tensor, points: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            x, y = points[0].round().long().unbind(1)
            colours = images[0, :, y, x].T - 0.5
            return [torch.nn.functional.normalize(torch.cat([colours**k for k in range(1, 23)], dim=1), dim=1)]

    monkeypatch.setattr(described, "load_aliked", lambda _path, _device: Colours())
    small_config["run"] |= {"architecture": "sfd2-s", "dimension": 32, "steps": 1}
    small_config["loss"] |= {"distillation_weight": 1.0}
    small_config["descriptor_teacher"] = {"kind": "aliked", "weights": "w.pth", "cached": True}
    trainer = trainer_of(small_config, drawn_data, tmp_path / "run")
    kept = (tmp_path / "run" / PROJECTION_FILE).read_bytes()
    assert losses_of_run(trainer)[1]["distillation"] > 0
    trainer_of(small_config, drawn_data, tmp_path / "run")
    assert (tmp_path / "run" / PROJECTION_FILE).read_bytes() == kept


def test_heads_of_the_light_network_are_not_trained_alone() -> None:
    with pytest.raises(ConfigError, match="heads of 'sfd2-s-v1' cannot be trained alone"):
        trunk_features(LightNetwork(), torch.zeros(1, 3, 32, 32))
