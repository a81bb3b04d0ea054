# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sfd2_ros.features.feature_file import read_features
from sfd2_ros.tools.main import main


def write_image(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    assert cv2.imwrite(str(path), blocks.repeat(8, 0).repeat(8, 1))
    return path


@pytest.fixture
def folder_of_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "x.png")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_folder_is_extracted_with_pictures_and_figures(tmp_path: Path) -> None:
    for index, name in enumerate(("b/1.png", "a.jpg")):
        write_image(tmp_path / "in" / name, index)
    output, overlay, figures = tmp_path / "feats.h5", tmp_path / "overlay", tmp_path / "f.json"
    arguments = ["extract", str(tmp_path / "in"), "-o", str(output), "--overlay", str(overlay), "--json", str(figures)]
    assert main([*arguments, "--max-keypoints", "20", "--device", "cpu"]) == 0
    found = read_features(output)
    assert list(found) == ["a.jpg", "b/1.png"]
    assert all(0 < len(features) <= 20 for features in found.values())
    assert sorted(path.relative_to(overlay).as_posix() for path in overlay.rglob("*.png")) == [
        "a.jpg.png",
        "b/1.png.png",
    ]
    told = json.loads(figures.read_text())
    assert told["images"] == 2
    assert told["keypoints"] == sum(map(len, found.values()))
    assert told["weights_id"] == found["a.jpg"].weights_id
    assert told["device"] == "cpu"


def test_model_is_that_of_the_weights_and_one_without_shipped_weights_needs_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sfd2_ros.features.network import HALF_CHANNELS, Sfd2Network  # noqa: PLC0415
    from sfd2_ros.features.weights import weights_of_network, write_weights  # noqa: PLC0415

    network = Sfd2Network(channels=HALF_CHANNELS)
    write_weights(tmp_path / "m.safetensors", weights_of_network(network, training="none", terms="none"))
    image, output = write_image(tmp_path / "x.png"), tmp_path / "f.h5"
    arguments = ["extract", str(image), "-o", str(output), "--device", "cpu", "--model", "sfd2-m"]
    assert main(arguments) == 1
    assert "no weights of model 'sfd2-m' ship with this version; name a file" in last_line(capsys)
    assert main([*arguments, "--weights", str(tmp_path / "m.safetensors")]) == 0
    assert read_features(output)["x.png"].weights_id.startswith("sfd2-m-128d-")


def test_scene_folder_means_the_images_in_it(tmp_path: Path) -> None:
    write_image(tmp_path / "scene" / "images" / "x.png")
    write_image(tmp_path / "scene" / "preview.png")
    assert main(["extract", str(tmp_path / "scene"), "-o", str(tmp_path / "f.h5")]) == 0
    assert list(read_features(tmp_path / "f.h5")) == ["x.png"]


def test_single_image_is_extracted_and_reduced_when_told(tmp_path: Path) -> None:
    image = write_image(tmp_path / "x.png")
    assert main(["extract", str(image), "-o", str(tmp_path / "f.h5"), "--max-side", "40"]) == 0
    features = read_features(tmp_path / "f.h5")["x.png"]
    assert features.image_size == (64, 80)


def test_existing_output_is_kept_and_the_way_out_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = write_image(tmp_path / "x.png")
    (tmp_path / "f.h5").write_text("mine")
    assert main(["extract", str(image), "-o", str(tmp_path / "f.h5")]) == 1
    assert "--overwrite" in last_line(capsys)
    assert (tmp_path / "f.h5").read_text() == "mine"
    assert main(["extract", str(image), "-o", str(tmp_path / "f.h5"), "--overwrite"]) == 0
    assert list(read_features(tmp_path / "f.h5")) == ["x.png"]


def test_folder_with_pictures_of_before_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = write_image(tmp_path / "x.png")
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "old.png").write_text("mine")
    command = ["extract", str(image), "-o", str(tmp_path / "f.h5"), "--overlay"]
    assert main([*command, str(tmp_path / "overlay")]) == 1
    assert "overlay" in last_line(capsys)
    assert main([*command, str(tmp_path / "overlay" / "old.png")]) == 1
    assert "is a file" in last_line(capsys)
    assert not (tmp_path / "f.h5").exists()


def test_images_that_cannot_be_read_are_named_and_the_others_extracted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["a.png", "c.png", "e/1.png"]
    for seed, name in enumerate(names):
        write_image(tmp_path / "in" / name, seed)
    assert main(["extract", str(tmp_path / "in"), "-o", str(tmp_path / "good.h5")]) == 0
    (tmp_path / "in" / "b.png").write_text("no image")
    (tmp_path / "in" / "e" / "2.jpg").write_bytes(b"")
    output, overlay, figures = tmp_path / "f.h5", tmp_path / "overlay", tmp_path / "f.json"
    arguments = ["extract", str(tmp_path / "in"), "-o", str(output), "--overlay", str(overlay), "--json", str(figures)]
    assert main(arguments) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert "2 of 5 images cannot be read" in said[-1]
    left_out = [line for line in said if "left out  " in line]
    assert len(left_out) == 2
    assert str(tmp_path / "in" / "b.png") in left_out[0]
    assert "2.jpg' is empty" in left_out[1]
    found, good = read_features(output), read_features(tmp_path / "good.h5")
    assert list(found) == names
    assert all(np.array_equal(found[name].descriptors, good[name].descriptors) for name in names)
    assert sorted(path.name for path in overlay.rglob("*.png")) == ["1.png.png", "a.png.png", "c.png.png"]
    told = json.loads(figures.read_text())
    assert (told["images"], list(told["unreadable"])) == (3, ["b.png", "e/2.jpg"])


@pytest.mark.parametrize(
    ("names", "said"), [(["a.png"], "a.png"), (["a.png", "b.png"], "none of 2 images can be read")]
)
def test_when_no_image_can_be_read_nothing_is_written_and_nothing_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: list[str], said: str
) -> None:
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).write_text("no image")
    output, figures = tmp_path / "f.h5", tmp_path / "f.json"
    assert main(["extract", str(tmp_path / "in"), "-o", str(output), "--json", str(figures)]) == 1
    assert said in last_line(capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    output.write_text("mine")
    assert main(["extract", str(tmp_path / "in"), "-o", str(output), "--overwrite"]) == 1
    assert output.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none"], 1, "no image or folder"),
        (["empty"], 1, "no images in"),
        (["x.png", "--weights", "none.pth"], 1, "no weights at"),
        (["x.png", "--weights", "x.png"], 1, "x.png"),
        (["x.png", "--device", "tpu"], 2, "'tpu'"),
        (["x.png", "--max-keypoints", "0"], 2, "max_keypoints"),
        (["x.png", "--max-side", "3"], 2, "max_side_px"),
        (["x.png", "--json", "f.h5"], 2, "both write"),
        (["x.png", "--json", "x.png"], 1, "is not a JSON file"),
        ([], 2, "IMAGES"),
    ],
)
@pytest.mark.usefixtures("folder_of_work")
def test_wrong_use_is_refused_with_its_reason_and_exit_code(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["extract", *arguments, "-o", "f.h5"]) == code
    assert message in capsys.readouterr().err
    assert not Path("f.h5").exists()


def test_weights_device_and_precision_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(tmp_path / "x.png")
    assert main(["extract", str(tmp_path / "x.png"), "-o", str(tmp_path / "f.h5"), "--device", "cpu"]) == 0
    reported = capsys.readouterr().err
    assert "weights sfd2-128d-" in reported
    assert " on cpu, " in reported
    assert "32 (auto: a layer takes " in reported or "16 (auto: a layer takes " in reported
