# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A teacher's descriptors of whole images, kept on disk: a training step samples them instead of running the teacher.

The image is divided into equal cells of about `SPACING_PX`; the teacher describes the centre of each. Crops
take the descriptors between the centres bilinearly. The teacher therefore describes every point at the scale of the
image, whatever the scale and rotation of the crop.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.data.geometry import map_points, pixel_grid
from sfd2_lab.training.teachers.aliked import load_aliked
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.files import atomic_file, write_array
from sfd2_ros.features.network import DESCRIPTOR_STRIDE_PX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_lab.training.data.pairs import View

STEPS = 127
"""Stored values are multiples of 1/127: descriptors have length one."""
_MAX_SIDE_PX = 1600
"""Larger images are reduced for the teacher; its memory grows with the pixels."""
SPACING_PX = 6
"""Between described points. ALIKED takes 0.2 ms a point: 4 px would double the time of an image. Not tuned."""
_VERSION = 1  # of what is kept


class DescribingTeacher(Protocol):
    """A network that describes points of images."""

    def describe(self, images: torch.Tensor, points: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Return unit descriptors (N, D) of points (N, 2) of each of (B, 3, H, W) images in [0, 1]."""


class DescriptionCache:
    """Descriptors of images by ALIKED, which is loaded when the first ones are missing.

    Args:
        folder: where they are kept, a file per image named after its content and the teacher.
        weights: of the teacher, relative to `root`.
        root: folder of the data.
        device: where the teacher runs.
    """

    def __init__(self, folder: Path, weights: str, root: Path, device: torch.device) -> None:
        self._folder, self._weights, self._root, self._device = folder, weights, root, device
        self._teacher: DescribingTeacher | None = None

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Return the descriptors (D, g, f) int8 of the cells of an image (3, h, w) uint8, mapped from the file.

        Raises:
            SceneError: a file is damaged.
            DependencyError, WeightsError: see `load_aliked`.
        """
        key = f"aliked {self._weights} {_VERSION}\n".encode()
        path = self._folder / f"{hashlib.sha256(key + image.numpy().tobytes()).hexdigest()[:24]}.npy"
        if not path.is_file():
            if self._teacher is None:
                self._teacher = load_aliked(self._root / self._weights, self._device)
            cells = describe_cells(image.to(self._device), self._teacher)
            with atomic_file(path) as temporary:
                write_array(temporary, cells.cpu().numpy())
        try:
            # Mapped, because the descriptors of all images exceed the memory; "c": nothing is written back.
            return torch.from_numpy(np.load(path, mmap_mode="c", allow_pickle=False))
        except (OSError, ValueError) as err:
            raise SceneError(
                f"descriptors {str(path)!r} cannot be read: {err}; remove them to compute them again"
            ) from err


def describe_cells(image: torch.Tensor, teacher: DescribingTeacher) -> torch.Tensor:
    """Return a teacher's descriptors (D, g, f) int8 of the centres of the cells of an image, (3, h, w) uint8."""
    pixels = image[None].float() / 255
    longer = max(pixels.shape[-2:])
    if longer > _MAX_SIDE_PX:
        pixels = F.interpolate(
            pixels, scale_factor=_MAX_SIDE_PX / longer, mode="bilinear", align_corners=False, antialias=True
        )
    height, width = pixels.shape[-2:]
    rows, columns = max(2, round(height / SPACING_PX)), max(2, round(width / SPACING_PX))
    size = torch.tensor([width / columns, height / rows], dtype=torch.float64)
    centres = ((pixel_grid(rows, columns) + 0.5) * size - 0.5).float().flatten(0, 1).to(pixels.device)
    values = (teacher.describe(pixels, [centres])[0] * STEPS).round().clamp(-STEPS, STEPS).to(torch.int8)
    return values.T.reshape(-1, rows, columns).contiguous()


def crop_descriptors(view: View, view_from_crop: torch.Tensor, crop_px: int) -> torch.Tensor | None:
    """Return a teacher's descriptors (D, S/4, S/4) float32 of the cells of a crop, or None without a teacher.

    Args:
        view: with `described`, or without.
        view_from_crop: (3, 3) from pixels of the crop to pixels of the view.
        crop_px: S.
    """
    if view.described is None:
        return None
    height, width = view.labels.shape
    rows, columns = view.described.shape[1:]
    side = crop_px // DESCRIPTOR_STRIDE_PX
    centres = pixel_grid(side, side) * DESCRIPTOR_STRIDE_PX + (DESCRIPTOR_STRIDE_PX - 1) / 2
    cell = (map_points(view_from_crop, centres) + 0.5) * torch.tensor([columns / width, rows / height]) - 0.5
    # Only the part around the crop is read from the disk.
    low = [max(0, min(int(cell[..., axis].min()), end - 2)) for axis, end in ((0, columns), (1, rows))]
    high = [max(low[axis] + 2, int(cell[..., axis].max()) + 2) for axis in (0, 1)]
    part = view.described[:, low[1] : high[1], low[0] : high[0]].float()
    there = torch.tensor([part.shape[2], part.shape[1]])
    grid = (2 * (cell - torch.tensor(low)) + 1) / there - 1
    return F.grid_sample(part[None], grid[None].float(), padding_mode="border", align_corners=False)[0]
