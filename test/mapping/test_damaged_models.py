# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Damaged COLMAP models: COLMAP itself hangs or takes all memory on some, so each is read by a process with limits."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pycolmap
import pytest

from sfd2_ros.core.errors import SceneError
from sfd2_ros.mapping.colmap_io import posed_images, read_model
from sfd2_ros.mapping.model_layout import check_binary_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READER = """
import json, resource, sys
from pathlib import Path
import numpy as np
from sfd2_ros.core.errors import Sfd2Error
from sfd2_ros.mapping.colmap_io import posed_images, quiet_colmap, read_model
quiet_colmap()
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
for folder in sys.argv[1:]:
    try:
        found = posed_images(read_model(Path(folder)))
        said = "read" if all(np.isfinite(one.cam_from_world).all() for one in found) else "not finite"
    except Sfd2Error as err:
        said = f"{type(err).__name__}: {err}"
    print(json.dumps([folder, said]), flush=True)
"""
ROOT = Path(__file__).resolve().parents[2]
PARTS = ("cameras", "images", "points3D", "rigs", "frames")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a model with rigs of two cameras, text and binary."""
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig, options.num_points3D = 2, 2, 3, 60
    pycolmap.set_random_seed(0)
    model = pycolmap.synthesize_dataset(options)
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in ("bin", "txt")}
    model.write_binary(str(folders["bin"]))
    model.write_text(str(folders["txt"]))
    return folders


def _write(folder: Path, whole: dict[str, bytes], name: str, content: bytes | None) -> str:
    folder.mkdir()
    for each, other in whole.items():
        if each != name:
            (folder / each).write_bytes(other)
        elif content is not None:
            (folder / each).write_bytes(content)
    return str(folder)


def _damages(content: bytes, generator: random.Random) -> Iterator[tuple[str, bytes | None]]:
    yield "missing", None
    for share in (0, 1, 4, 5, 9):
        yield f"cut{share}", content[: len(content) * share // 10]
    yield "cut-end", content[:-1]
    yield "longer", content + b"\0"
    yield "garbage", bytes(generator.randrange(256) for _ in range(300))
    yield "words", b"these are words, and no model\nat all\n"
    yield "huge", b"\xff" * 8 + content[8:]
    for i in range(6):
        flipped = bytearray(content)
        flipped[generator.randrange(min(len(content), 250))] ^= 1 << generator.randrange(8)
        yield f"flip{i}", bytes(flipped)


def _read_all(folders: list[str]) -> dict[str, str]:
    answer = subprocess.run(
        [sys.executable, "-c", _READER, *folders], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return dict(json.loads(line) for line in answer.stdout.splitlines())


@pytest.mark.parametrize("kind", ["bin", "txt"])
def test_a_damaged_model_is_read_or_refused_but_never_hangs_or_aborts(
    models: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    whole = {path.name: path.read_bytes() for path in models[kind].iterdir()}
    generator = random.Random(kind)  # noqa: S311
    folders = []
    for part in PARTS if kind == "bin" else PARTS[:3]:  # of text files, rigs and frames are not read
        name = f"{part}.{kind}"
        for label, content in _damages(whole[name], generator):
            folders.append(_write(tmp_path / f"{part}-{label}", whole, name, content))
    said = _read_all(folders)
    assert len(said) == len(folders)
    assert set(said.values()) >= {"read"}
    assert "not finite" not in said.values()
    refused = {Path(folder).name: text for folder, text in said.items() if text != "read"}
    assert len(refused) > len(folders) // 2
    for part in ("cameras", "images", "points3D"):
        assert "holds no COLMAP model" in refused[f"{part}-missing"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b"\0", lambda c: c[:5], lambda c: c[:0]])
def test_a_binary_file_of_another_length_is_refused_by_name(
    models: dict[str, Path], tmp_path: Path, part: str, change: Callable[[bytes], bytes]
) -> None:
    whole = {path.name: path.read_bytes() for path in models["bin"].iterdir()}
    check_binary_model(models["bin"])
    folder = _write(tmp_path / "model", whole, f"{part}.bin", change(whole[f"{part}.bin"]))
    with pytest.raises(SceneError, match=rf"{part}.bin' is damaged: .*copy the COLMAP model again"):
        read_model(Path(folder))


@pytest.mark.parametrize("model", [m for m in pycolmap.CameraModelId.__members__ if m != "INVALID"])
def test_every_camera_model_has_the_length_it_says(tmp_path: Path, model: str) -> None:
    reconstruction = pycolmap.Reconstruction()
    camera = pycolmap.Camera.create_from_model_name(1, model, 300.0, 320, 240)
    reconstruction.add_camera_with_trivial_rig(camera)
    reconstruction.write_binary(str(tmp_path))
    check_binary_model(tmp_path)


def test_a_whole_model_with_rigs_is_read(models: dict[str, Path]) -> None:
    for folder in models.values():
        assert len(posed_images(read_model(folder))) == 12
