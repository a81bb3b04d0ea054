# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.source_config import SourceConfig
from sfd2_lab.training.data.sources import PairSampler, classes_of, open_source, step_generator
from sfd2_lab.training.teachers.corners import CornerConfig
from sfd2_ros.core.errors import ConfigError, SceneError
from sfd2_ros.features.semantics import NOT_LABELLED, load_stability_table

CPU = torch.device("cpu")


def opened(config: SourceConfig, root: Path) -> Any:
    corners = CornerConfig(warps=1)
    return open_source(config, root, table=load_stability_table(), corners=corners, warp=WarpConfig(), device=CPU)


@pytest.fixture
def labelled() -> SourceConfig:
    return SourceConfig(folder="images", labels="labels", label_set="camvid")


def test_photographs_come_with_classes_and_corners_that_are_kept(labelled: SourceConfig, drawn_data: Path) -> None:
    source = opened(labelled, drawn_data)
    view = source.view(0)
    assert len(source) == 8
    assert set(view.classes.unique().tolist()) == {0, 2}  # sky and car; building
    assert torch.equal(view.classes == 2, view.labels == 1)
    assert len(view.corners) > 10
    kept = list((drawn_data / ".corners").glob("*.npy"))
    again = opened(labelled, drawn_data).view(0)
    assert torch.equal(again.corners, view.corners)
    assert sorted(kept) == sorted((drawn_data / ".corners").glob("*.npy"))


def test_pairs_depend_on_seed_step_and_rank_alone(labelled: SourceConfig, drawn_data: Path) -> None:
    source = opened(labelled, drawn_data)

    def crops(seed: int, step: int, rank: int) -> torch.Tensor:
        sampler = PairSampler([(source, 1.0)], crop_px=64, seed=seed)
        return torch.stack([pair.view_from_crop[1] for pair in sampler.pairs(step, 3, rank)])

    assert torch.equal(crops(1, 5, 0), crops(1, 5, 0))
    for other in ((2, 5, 0), (1, 6, 0), (1, 5, 1)):
        assert not torch.equal(crops(1, 5, 0), crops(*other))


def test_sources_are_drawn_by_their_shares(labelled: SourceConfig, drawn_data: Path) -> None:
    source, never = opened(labelled, drawn_data), opened(dataclasses.replace(labelled, names=""), drawn_data)
    never.pair = None
    assert len(PairSampler([(source, 2.0), (never, 0.0)], crop_px=64, seed=0).pairs(0, 20)) == 20
    with pytest.raises(ConfigError, match="no source has a 'share' above 0"):
        PairSampler([(source, 0.0)], crop_px=64, seed=0)


def test_webcam_pairs_show_one_place_at_two_times(drawn_data: Path) -> None:
    source = opened(SourceConfig(kind="webcams", folder="."), drawn_data)
    pairs = [source.pair(torch.Generator().manual_seed(seed), 64) for seed in range(10)]
    assert all(pair.flow is None for pair in pairs)
    assert any(pair.views[0] is not pair.views[1] for pair in pairs)
    assert all((pair.views[0].labels == NOT_LABELLED).all() for pair in pairs)


def test_photographs_without_label_images_are_labelled_by_the_teacher_once(
    shared_dir: Path, drawn_data: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "images").symlink_to(drawn_data / "images")
    (root / "teacher.pth").symlink_to(shared_dir / "weights" / "espnetv2_s_2.0_city_1024x512.pth")
    config = SourceConfig(folder="images", teacher="espnetv2", teacher_weights="teacher.pth", label_set="cityscapes")
    first = opened(config, root).view(0)
    assert first.labels.max() < 20
    (root / "teacher.pth").unlink()  # what is kept needs no teacher
    assert torch.equal(opened(config, root).view(0).labels, first.labels)


def test_label_offset_shifts_the_table() -> None:
    table = load_stability_table()
    shifted = classes_of(SourceConfig(label_set="ade20k", label_offset=1), table)
    assert shifted[0] == NOT_LABELLED
    np.testing.assert_array_equal(shifted[1:], table.classes_of("ade20k"))


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"folder": ""}, ConfigError, "names no folder"),
        ({"label_set": ""}, ConfigError, "no label set"),
        ({"label_set": "mars"}, ConfigError, "'mars' is not known"),
        ({"labels": "elsewhere"}, SceneError, "no file"),
        ({"kind": "views"}, SceneError, "no views at"),
        ({"kind": "webcams", "folder": "images"}, ConfigError, "no folders"),
    ],
)
def test_source_that_lacks_something_is_refused(
    labelled: SourceConfig, drawn_data: Path, changes: dict, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        opened(dataclasses.replace(labelled, **changes), drawn_data)


def test_purposes_of_a_step_have_random_numbers_of_their_own() -> None:
    drawn = {float(torch.rand((), generator=step_generator(0, 0, 0, purpose=purpose))) for purpose in range(5)}
    assert len(drawn) == 5
