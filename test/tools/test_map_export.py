# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map export` and `--colmap`: the COLMAP model of a map is made from its arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycolmap
import pytest

from sfd2_ros.mapping import load_map

Run = Callable[..., Any]


@pytest.mark.parametrize("text", [False, True])
def test_export_writes_a_model_that_colmap_opens(sfd2: Run, painted_map: Path, tmp_path: Path, text: object) -> None:
    options = ["--text"] if text else []
    said = sfd2("map", "export", painted_map, "-o", tmp_path / "model", *options).succeeded()
    model = pycolmap.Reconstruction(str(tmp_path / "model"))
    map_ = load_map(painted_map)
    assert model.num_points3D() == len(map_.landmarks)
    assert model.num_reg_images() == 4
    assert f"4 images, {len(map_.landmarks)} points" in said
    assert (tmp_path / "model" / "images.txt").exists() is bool(text)
    sfd2("map", "export", painted_map, "-o", tmp_path / "model").refused(1, "exists", "--overwrite")
    sfd2("map", "export", painted_map, "-o", tmp_path / "model", "--overwrite").succeeded()


@pytest.mark.parametrize("text", [False, True])
def test_export_reports_what_colmap_did_not_write(
    sfd2: Run, painted_map: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: object
) -> None:
    def write_half(reconstruction: Any, folder: str) -> None:
        del reconstruction
        for name in ("cameras", "images", "points3D"):
            (Path(folder) / f"{name}.{'txt' if text else 'bin'}").write_bytes(b"")

    monkeypatch.setattr(pycolmap.Reconstruction, "write_text" if text else "write_binary", write_half)
    options = ["--text"] if text else []
    failed = sfd2("map", "export", painted_map, "-o", tmp_path / "model", *options)
    failed.refused(1, "the COLMAP model was not written whole", "is the disk full? Free some space")
    assert list(tmp_path.iterdir()) == []


def test_the_colmap_model_is_written_into_a_map_on_request_only(
    sfd2: Run, painted: Path, painted_map: Path, tmp_path: Path
) -> None:
    assert not (painted_map / "colmap").exists()
    sfd2("map", "build", painted, "-o", tmp_path / "m", "--colmap", "--device", "cpu").succeeded()
    sfd2("map", "export", painted_map, "-o", tmp_path / "model").succeeded()
    within = pycolmap.Reconstruction(str(tmp_path / "m" / "colmap"))
    assert within.num_points3D() == len(load_map(painted_map).landmarks)
    assert (tmp_path / "m" / "colmap" / "points3D.bin").read_bytes() == (
        tmp_path / "model" / "points3D.bin"
    ).read_bytes()
    assert sfd2("map", "check", tmp_path / "m").succeeded() == f"{tmp_path / 'm'}: valid\n"
