# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Corners found once per picture and kept on disk: finding them is slower than a training step."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.training.teachers.aliked import load_aliked
from sfd2_lab.training.teachers.corners import CornerConfig, find_corners
from sfd2_ros.core.files import atomic_file, write_array

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = 2  # of what is kept; 1 had whole pixels


class CornerCache:
    """Corners of the pictures of one source, found when first asked for.

    Args:
        folder: where they are kept; a file per picture, named after its content and the settings.
        config: settings of the detector.
        root: folder that the detector's weights are relative to.
        device: where corners are looked for.

    Raises:
        DependencyError, WeightsError: see `load_aliked`.
    """

    def __init__(self, folder: Path, config: CornerConfig, root: Path, device: torch.device) -> None:
        self._folder, self._config, self._device = folder, config, device
        self._aliked = load_aliked(root / config.weights, device) if config.detector == "aliked" else None

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Return the corners (N, 3) of an image, (3, h, w) uint8."""
        settings = json.dumps({**dataclasses.asdict(self._config), "version": _VERSION}, sort_keys=True).encode()
        name = hashlib.sha256(settings + image.numpy().tobytes()).hexdigest()[:24]
        path = self._folder / f"{name}.npy"
        if path.is_file():
            return torch.from_numpy(np.load(path, allow_pickle=False))
        corners = self._find(image.to(self._device), int(name[:12], 16))
        with atomic_file(path) as temporary:
            write_array(temporary, corners.numpy())
        return corners

    def _find(self, image: torch.Tensor, seed: int) -> torch.Tensor:
        config = self._config
        if self._aliked is not None:
            return self._aliked.corners(image, radius_px=config.radius_px, smallest=config.smallest_reliability)
        return find_corners(image, config, torch.Generator().manual_seed(seed))
