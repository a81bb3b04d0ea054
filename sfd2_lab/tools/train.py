# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 train`: trains weights, in one process or in several that torchrun starts."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from sfd2_ros.core.errors import DependencyError
from sfd2_ros.tools.options import device_option, json_option, progress_bar, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sfd2_lab.training.config import TrainingConfig
    from sfd2_lab.training.loop import Ranks, Trainer


@click.command("train")
@click.argument("config_path", metavar="CONFIG", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the run; resumes one.")
@click.option(
    "--data", default=Path(), type=click.Path(path_type=Path), help="Folder that the paths in CONFIG are relative to."
)
@click.option(
    "--max-minutes", type=click.FloatRange(min=0), help="Stop after this many minutes; the run can be resumed."
)
@click.option("--render", is_flag=True, help="Only render the simulated views of CONFIG.")
@click.option("--tensorboard", is_flag=True, help="Write logs for TensorBoard too, into the folder of the run.")
@device_option
@json_option
def command(
    *,
    config_path: Path,
    output: Path,
    data: Path,
    max_minutes: float | None,
    render: bool,
    tensorboard: bool,
    device: str,
    json_path: Path | None,
) -> None:
    """Train weights with the settings of CONFIG.

    When it was interrupted, the same command resumes at the last checkpoint, on the same trajectory. The folder of the
    run holds best.safetensors and last.safetensors (weights for --weights), log.jsonl, config.yaml and
    state.safetensors. On several GPUs: torchrun --nproc-per-node 4 -m sfd2_ros.tools.main train CONFIG -o RUN
    """
    from sfd2_lab.training.assemble import make_trainer, make_validation, trim_log  # noqa: PLC0415
    from sfd2_lab.training.config import read_training_config  # noqa: PLC0415

    start = perf_counter()
    config = read_training_config(config_path)
    with _ranks(device) as (ranks, chosen):
        if ranks.rank == 0:
            render_missing(config, data, str(chosen))
        _wait_for_all(ranks)
        if render:
            return
        trainer = make_trainer(config, data, output, chosen, ranks)
        if trainer.resume():
            click.echo(f"{output}: goes on at step {trainer.position.step}")
            if ranks.rank == 0:
                trim_log(output, trainer.position.step)
        report = _Reporter(trainer, output, ranks, tensorboard=tensorboard)
        judge = None
        if config.validation_sources and ranks.rank == 0:
            judge = make_validation(config, data, output, chosen, report.validated)
        limit = None if max_minutes is None else start + 60 * max_minutes
        with progress_bar() as progress:
            report.progress = progress
            trainer.run(
                should_stop=lambda: limit is not None and perf_counter() >= limit,
                on_log=report.logged,
                on_validate=judge,
            )
    if ranks.rank == 0:
        _finish(trainer, config, data, output, json_path)


class _Reporter:
    """Tells what a run does: on the screen, in its log, and to TensorBoard."""

    def __init__(self, trainer: Trainer, folder: Path, ranks: Ranks, *, tensorboard: bool) -> None:
        self.progress: Callable[[str, int, int], None] = lambda _step, _done, _total: None
        self._trainer, self._folder, self._silent = trainer, folder, ranks.rank != 0
        self._board = _open_board(folder) if tensorboard and not self._silent else None

    def logged(self, step: int, losses: dict[str, float]) -> None:
        self._write(step, losses, "loss")
        if not self._silent:
            self.progress("train", step, self._trainer.config.run.steps)

    def validated(self, step: int, figures: dict[str, float]) -> None:
        self._write(step, figures, "validation")
        click.echo(f"step {step}: " + "  ".join(f"{name} {value:.3f}" for name, value in figures.items()))

    def _write(self, step: int, figures: dict[str, float], kind: str) -> None:
        from sfd2_lab.training.assemble import append_log  # noqa: PLC0415

        if self._silent:
            return
        append_log(self._folder, step, figures, kind)
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)


def _finish(trainer: Trainer, config: TrainingConfig, data: Path, folder: Path, json_path: Path | None) -> None:
    """Write the last weights and say where the run stands."""
    from sfd2_lab.training.assemble import LAST_FILE  # noqa: PLC0415
    from sfd2_lab.training.export import export  # noqa: PLC0415
    from sfd2_ros.features.weights import write_weights  # noqa: PLC0415

    position = trainer.position
    weights = export(trainer.average, config, data, position.step)
    write_weights(folder / LAST_FILE, weights)
    figures = {
        "step": position.step,
        "steps": config.run.steps,
        "best_score": position.best,
        "train_seconds": position.seconds,
        "weights_id": weights.weights_id,
    }
    write_json(json_path, figures)
    click.echo(f"{folder}: {position.step} of {config.run.steps} steps; last weights {weights.weights_id}")


def render_missing(config: TrainingConfig, data: Path, device: str) -> None:
    """Render the simulated views of sources whose folders are not there."""
    from sfd2_lab.tools.training_views import render_views  # noqa: PLC0415

    for source in (*config.sources, *config.validation_sources):
        folder = data / source.folder
        if source.kind == "views" and source.towns and not folder.exists():
            with progress_bar() as progress:
                count = render_views(folder, source, device, progress)
            click.echo(f"{folder}: {count} views of {source.towns} simulated towns")


@contextmanager
def _ranks(device: str) -> Iterator[tuple[Ranks, Any]]:
    """Join the processes that torchrun started, if it did; yield this one's place and device."""
    import torch  # noqa: PLC0415

    from sfd2_lab.training.loop import Ranks  # noqa: PLC0415
    from sfd2_ros.features.device import choose_device  # noqa: PLC0415

    count = int(os.environ.get("WORLD_SIZE", "1"))
    chosen = choose_device(device)
    if count == 1:
        yield Ranks(), chosen
        return
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    torch.distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Ranks(torch.distributed.get_rank(), count), chosen
    finally:
        torch.distributed.destroy_process_group()


def _wait_for_all(ranks: Ranks) -> None:
    if ranks.count > 1:
        import torch  # noqa: PLC0415

        torch.distributed.barrier()


def _open_board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415
    except ImportError as err:
        raise DependencyError(
            "--tensorboard needs the library tensorboard, which is not installed; pip install tensorboard"
        ) from err
    return SummaryWriter(str(folder / "tensorboard"))
