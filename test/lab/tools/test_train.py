# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The command `sfd2 train`."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from sfd2_ros.features import load_extractor
from sfd2_ros.tools.main import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder with two pictures and the settings of a short run on them."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for index in range(2):
        image = cv2.resize(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8), (128, 96), interpolation=0)
        cv2.imwrite(str(tmp_path / "images" / f"{index}.png"), image)
    source = {"folder": "images", "terms": "drawn", "is_open": True}
    run = {"terms": "open", "steps": 4, "crop_px": 64, "pairs": 1, "log_every": 1, "save_every": 1, "validate_every": 2}
    settings = {
        "run": run,
        "corners": {"warps": 1},
        "validation": {"pairs": 1, "crop_px": 64, "keypoints": 30},
        "sources": [source],
        "validation_sources": [source],
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def arguments(data: Path) -> list[str]:
    return ["train", str(data / "run.yaml"), "--data", str(data), "-o", str(data / "run"), "--device", "cpu"]


def test_train_stops_in_time_and_the_same_command_goes_on_to_weights_that_extract(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments(data), "--max-minutes", "0"]) == 0
    assert "1 of 4 steps" in capsys.readouterr().out
    with (data / "run" / "log.jsonl").open("a") as log:  # steps that were done but not saved when it was killed
        log.write('{"kind": "loss", "step": 2}\n{"kind": "loss", "step": 3}\n')
    assert main([*arguments(data), "--json", str(data / "figures.json")]) == 0
    assert "goes on at step 1" in capsys.readouterr().out
    figures = json.loads((data / "figures.json").read_text())
    assert figures["step"] == 4
    lines = [json.loads(line) for line in (data / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "loss"] == [1, 2, 3, 4]
    assert [line["step"] for line in lines if line["kind"] == "validation"] == [2, 4]
    for name in ("best", "last"):
        extractor = load_extractor(data / "run" / f"{name}.safetensors")
        assert extractor(np.zeros((64, 64, 3), np.uint8)).descriptors.shape[1] == 128
    assert load_extractor(data / "run" / "last.safetensors").weights_id == figures["weights_id"]


def test_two_processes_train_together_and_one_goes_on_alone(data: Path) -> None:
    settings = yaml.safe_load((data / "run.yaml").read_text()) | {"validation_sources": []}
    settings["run"]["steps"] = 2
    (data / "run.yaml").write_text(yaml.safe_dump(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "sfd2_ros.tools.main", *arguments(data)]
    workers = [
        subprocess.Popen(command, env=os.environ | together | {"RANK": rank, "LOCAL_RANK": rank}) for rank in ("0", "1")
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    lines = [json.loads(line) for line in (data / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "loss"] == [1, 2]
    assert main([*arguments(data)]) == 0


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"sources": []}, 2, "no sources"),
        ({"run": {"steps": 0}}, 2, "at least 1"),
        ({"run": {"start": "none.safetensors"}}, 1, "no weights at"),
        ({"sources": [{"folder": "elsewhere", "is_open": True}]}, 1, "is no folder"),
    ],
)
def test_wrong_settings_end_with_one_line(
    data: Path, change: dict, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = yaml.safe_load((data / "run.yaml").read_text()) | {"validation_sources": []} | change
    (data / "run.yaml").write_text(yaml.safe_dump(settings))
    assert main(arguments(data)) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_run_that_was_killed_goes_on_as_if_it_had_not_been(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = yaml.safe_load((data / "run.yaml").read_text())
    settings["run"] |= {"steps": 12, "validate_every": 100, "save_every": 2}
    del settings["validation_sources"]
    (data / "run.yaml").write_text(yaml.safe_dump(settings))
    process = subprocess.Popen([sys.executable, "-m", "sfd2_ros.tools.main", *arguments(data)])
    try:
        wait_until(lambda: (data / "run" / "state.safetensors").is_file() or process.poll() is not None)
    finally:
        process.kill()  # SIGKILL: nothing is tidied up
        process.wait()
    assert main(arguments(data)) == 0
    said = capsys.readouterr().out
    assert "goes on at step" in said
    assert "goes on at step 12" not in said
    shutil.move(data / "run", data / "killed")
    assert main(arguments(data)) == 0
    killed, whole = (losses_in(data / name / "log.jsonl") for name in ("killed", "run"))
    assert sorted(killed) == sorted(whole) == list(range(1, 13))
    for step, wanted in whole.items():
        assert killed[step] == pytest.approx(wanted, abs=1e-3)


def test_log_for_tensorboard_holds_losses_and_validations(data: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert main([*arguments(data), "--tensorboard"]) == 0
    events = accumulator.EventAccumulator(str(data / "run" / "tensorboard")).Reload()
    assert {"loss/total", "loss/detection", "validation/score"} <= set(events.Tags()["scalars"])
    written = {event.step: event.value for event in events.Scalars("loss/total")}
    assert written == pytest.approx(losses_in(data / "run" / "log.jsonl"), abs=1e-5)


def test_missing_tensorboard_is_said(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert main([*arguments(data), "--tensorboard"]) == 1
    assert "pip install tensorboard" in capsys.readouterr().err


def losses_in(log: Path) -> dict[int, float]:
    """Return the total loss of each step of a log."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return {line["step"]: line["total"] for line in lines if line["kind"] == "loss"}


def wait_until(happened: Callable[[], bool], limit_s: float = 120.0) -> None:
    """Wait for a condition, or fail."""
    end = time.monotonic() + limit_s
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
