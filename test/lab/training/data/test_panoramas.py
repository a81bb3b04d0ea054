# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.panoramas import (
    FOCAL_PX,
    SIZE,
    Exposure,
    PanoramaSource,
    expose,
    look,
    read_panorama,
)
from sfd2_lab.training.data.source_config import SourceConfig
from sfd2_lab.training.data.sources import open_source
from sfd2_lab.training.teachers.corners import CornerConfig
from sfd2_ros.core.errors import ConfigError, ImageError
from sfd2_ros.features.semantics import load_stability_table

MIDDLE = (SIZE[0] // 2, SIZE[1] // 2)


def directions(height: int = 256) -> torch.Tensor:
    """Return a panorama whose channels are the direction that each pixel looks into: right, up, ahead."""
    width = 2 * height
    longitude = ((torch.arange(width) + 0.5) / width - 0.5) * 2 * math.pi
    latitude = (0.5 - (torch.arange(height) + 0.5) / height) * math.pi
    east = latitude.cos()[:, None] * longitude.sin()
    ahead = latitude.cos()[:, None] * longitude.cos()
    return torch.stack([east, latitude.sin()[:, None].expand(-1, width), ahead])


@pytest.mark.parametrize(("heading", "pitch"), [(0.0, 0.0), (1.0, 0.3), (math.pi, -0.2), (-2.5, 0.0)])
def test_view_is_a_pinhole_camera_in_the_panorama_s_centre(heading: float, pitch: float) -> None:
    seen = look(directions(), heading, pitch)
    rng = np.random.default_rng(0)
    for x, y in rng.integers(0, (SIZE[1], SIZE[0]), (20, 2)).tolist():
        right, up = (x - (SIZE[1] - 1) / 2) / FOCAL_PX, -(y - (SIZE[0] - 1) / 2) / FOCAL_PX
        ahead, raised = math.cos(pitch) - up * math.sin(pitch), math.sin(pitch) + up * math.cos(pitch)
        east = math.sin(heading) * ahead + math.cos(heading) * right
        north = math.cos(heading) * ahead - math.sin(heading) * right
        wanted = torch.tensor([east, raised, north])
        torch.testing.assert_close(seen[:, y, x], wanted / wanted.norm(), atol=0.01, rtol=0)


def test_few_electrons_make_noise_and_stops_make_brightness() -> None:
    flat = torch.full((3, 64, 64), 5.0)
    clean, noisy = (expose(flat, Exposure(0.0, electrons, seed=1)).float() for electrons in (1e6, 60.0))
    assert clean.std() < 1
    assert noisy.std() > 8
    darker = expose(flat, Exposure(-3.0, 1e6)).float().mean()
    assert float(clean.mean()) == pytest.approx(118, abs=2)  # 18 % grey in sRGB
    assert darker < 0.5 * clean.mean()
    assert torch.equal(expose(flat, Exposure(0.0, 60.0, seed=1)), noisy.to(torch.uint8))


def test_relative_noise_grows_as_light_fades() -> None:
    ramp = torch.linspace(0.05, 1, 20).view(1, 1, 20).expand(3, 400, 20)
    shown = expose(ramp, Exposure(0.0, 500.0, seed=0)).float()
    relative = shown.std(1).mean(0) / shown.mean(1).mean(0)
    assert relative[0] > 2 * relative[-1]


@pytest.fixture
def panorama_folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    (tmp_path / "hdr").mkdir()
    for name in ("square", "cellar"):
        light = rng.uniform(0.01, 4, (32, 64, 3)).repeat(4, 0).repeat(4, 1).astype(np.float32)
        cv2.imwrite(str(tmp_path / "hdr" / f"{name}.hdr"), light)
    return tmp_path


def opened(root: Path, **settings: object) -> PanoramaSource:
    config = SourceConfig(kind="panoramas", folder="hdr", **settings)  # type: ignore[arg-type]
    table, corners = load_stability_table(), CornerConfig(warps=1)
    found = open_source(config, root, table=table, corners=corners, warp=WarpConfig(), device=torch.device("cpu"))
    assert isinstance(found, PanoramaSource)
    return found


def test_pairs_are_two_exposures_of_one_view_with_its_corners(panorama_folder: Path) -> None:
    source = opened(panorama_folder)
    pair = source.pair(torch.Generator().manual_seed(0), 64)
    first, second = pair.views
    assert first.image.shape == (3, *SIZE)
    assert not torch.equal(first.image, second.image)
    assert torch.equal(first.corners, second.corners)
    assert len(first.corners) > 20
    assert first.corners[:, 2].min() >= 0.25
    again = opened(panorama_folder).pair(torch.Generator().manual_seed(0), 64)
    assert torch.equal(again.views[1].image, second.image)


def test_panoramas_can_be_left_out_and_damaged_ones_are_refused(panorama_folder: Path) -> None:
    assert [path.stem for path in opened(panorama_folder, without=("cellar",)).files] == ["square"]
    with pytest.raises(ConfigError, match=r"no \.hdr files"):
        opened(panorama_folder, without=("cellar", "square"))
    (panorama_folder / "broken.hdr").write_bytes(b"#?RADIANCE\n")
    with pytest.raises(ImageError, match=r"broken\.hdr"):
        read_panorama(panorama_folder / "broken.hdr")
    cv2.imwrite(str(panorama_folder / "square.hdr"), np.ones((40, 40, 3), np.float32))
    with pytest.raises(ImageError, match="twice as wide"):
        read_panorama(panorama_folder / "square.hdr")
