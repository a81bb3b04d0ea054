# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from sfd2_lab.training.teachers.registry import load_semantic_teacher
from sfd2_lab.training.teachers.transformers_segmentation import load_transformers_teacher
from sfd2_ros.core.errors import DependencyError, WeightsError

HAS_TRANSFORMERS = importlib.util.find_spec("transformers") is not None
needs_transformers = pytest.mark.skipif(not HAS_TRANSFORMERS, reason="transformers, an optional library, is missing")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A SegFormer of random weights, saved as the hub has them."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation  # noqa: PLC0415

    torch.manual_seed(0)
    config = SegformerConfig(
        hidden_sizes=[16, 32, 64, 128], num_attention_heads=[1, 1, 2, 4], depths=[1, 1, 1, 1], num_labels=150
    )
    SegformerForSemanticSegmentation(config).save_pretrained(tmp_path / "segformer")
    return tmp_path / "segformer"


@needs_transformers
def test_segformer_labels_images_of_any_size_and_shows_its_features(saved: Path) -> None:
    teacher = load_transformers_teacher(str(saved))
    labels = teacher.label(torch.rand(2, 3, 50, 70))
    assert labels.shape == (2, 50, 70)
    assert labels.dtype == torch.uint8
    assert len(teacher.class_names()) == 150
    assert [layer.shape[1] for layer in teacher.encoder_features(torch.rand(1, 3, 64, 64))] == [16, 32, 64, 128]


@needs_transformers
def test_saved_network_is_found_in_the_data_folder_and_gives_the_same_labels(saved: Path) -> None:
    image = torch.rand(1, 3, 40, 40)
    teacher = load_semantic_teacher("transformers", "segformer", saved.parent, torch.device("cpu"))
    assert torch.equal(teacher.label(image), load_transformers_teacher(str(saved)).label(image))


@needs_transformers
def test_network_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_transformers_teacher(str(tmp_path / "nothing"))


@pytest.mark.skipif(HAS_TRANSFORMERS, reason="transformers is installed")
def test_without_the_library_the_remedy_is_named() -> None:
    with pytest.raises(DependencyError, match="pip install transformers"):
        load_transformers_teacher("nvidia/segformer-b0-finetuned-ade-512-512")
