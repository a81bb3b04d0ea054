# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Teachers of semantics by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch

SEMANTIC_TEACHERS = ("none", "espnetv2", "transformers")
"""What can label photographs that have no label images."""


class SemanticTeacher(Protocol):
    """A segmentation network that labels images and shows its features."""

    def label(self, images: torch.Tensor) -> torch.Tensor:
        """Return the likeliest class (B, H, W) uint8 of (B, 3, H, W) images in [0, 1]."""

    def encoder_features(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return features of the encoder's layers, finest first, each (B, C, h, w)."""


def load_semantic_teacher(kind: str, weights: str, root: Path, device: torch.device) -> SemanticTeacher:
    """Load a teacher.

    Args:
        kind: one of `SEMANTIC_TEACHERS` but "none".
        weights: file or folder relative to `root`; for transformers also a name on the hub.
        root: folder of the data.
        device: where it is to run.

    Raises:
        ConfigError: another kind.
        WeightsError: the weights are missing or do not fit.
        DependencyError: a library is missing.
    """
    if kind == "espnetv2":
        from sfd2_lab.training.teachers.espnetv2 import load_espnetv2  # noqa: PLC0415

        return load_espnetv2(root / weights).to(device)
    if kind == "transformers":
        from sfd2_lab.training.teachers.transformers_segmentation import load_transformers_teacher  # noqa: PLC0415

        local = root / weights
        return load_transformers_teacher(str(local) if local.exists() else weights).to(device)
    raise ConfigError(f"teacher {kind!r} is not known; allowed: {', '.join(SEMANTIC_TEACHERS[1:])}")
