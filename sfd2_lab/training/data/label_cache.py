# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels that a teacher gives, made once per photograph and kept on disk."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.training.teachers.registry import SemanticTeacher, load_semantic_teacher
from sfd2_ros.core.files import atomic_file, write_array

if TYPE_CHECKING:
    from pathlib import Path


class LabelCache:
    """Labels of photographs by one teacher, which is loaded when the first label is missing.

    Args:
        folder: where labels are kept, a file per photograph named after its content and the teacher.
        kind: of the teacher, see `registry`.
        weights: of the teacher.
        root: folder that the weights are relative to.
        device: where the teacher runs.
    """

    def __init__(self, folder: Path, kind: str, weights: str, root: Path, device: torch.device) -> None:
        self._folder, self._key, self._root, self._device = folder, (kind, weights), root, device
        self._teacher: SemanticTeacher | None = None

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Return the labels (h, w) uint8 of an image (3, h, w) uint8."""
        name = hashlib.sha256("\n".join(self._key).encode() + image.numpy().tobytes()).hexdigest()[:24]
        path = self._folder / f"{name}.npy"
        if path.is_file():
            return torch.from_numpy(np.load(path, allow_pickle=False))
        if self._teacher is None:
            self._teacher = load_semantic_teacher(*self._key, self._root, self._device)
        labels = self._teacher.label(image.to(self._device)[None].float() / 255)[0].cpu()
        with atomic_file(path) as temporary:
            write_array(temporary, labels.numpy())
        return labels
