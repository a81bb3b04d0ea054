# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Photographs, labelled or not: pairs are two homographies of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.training.data.geometry import WarpConfig, choose, companion, cut
from sfd2_lab.training.data.pairs import Pair, View
from sfd2_ros.core.errors import SceneError
from sfd2_ros.features.images import IMAGE_SUFFIXES, list_images, read_image
from sfd2_ros.features.semantics import NOT_LABELLED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Photograph:
    """Where a photograph and its labels are.

    Attributes:
        image: path.
        labels: path of an image of label numbers, or None.
    """

    image: Path
    labels: Path | None


class PhotographSource:
    """Pairs from homographies of photographs.

    Args:
        photographs: at least one.
        classes_of_label: (L,) uint8 stability class of each label number.
        corners_of: returns the corners (N, 3) of an image (3, h, w) uint8.
        warp: how far crops are apart.
        labels_of: returns the labels (h, w) uint8 of an image that has no label image; None leaves it unlabelled.
        describe: returns a teacher's descriptors of an image, see `View.described`; None without a teacher.
    """

    def __init__(
        self,
        photographs: Sequence[Photograph],
        classes_of_label: NDArray[np.uint8],
        corners_of: Callable[[torch.Tensor], torch.Tensor],
        warp: WarpConfig,
        labels_of: Callable[[torch.Tensor], torch.Tensor] | None = None,
        *,
        describe: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        self._photographs = list(photographs)
        self._classes = _full_table(classes_of_label)
        self._corners_of = corners_of
        self._warp = warp
        self._labels_of, self._describe = labels_of, describe
        self._views: dict[int, View] = {}

    def __len__(self) -> int:
        return len(self._photographs)

    def pair(self, generator: torch.Generator, crop_px: int) -> Pair:
        """Return two crops of one photograph."""
        view = self.view(choose(generator, len(self)))
        height, width = view.labels.shape
        first = cut(generator, (height, width), crop_px, self._warp)
        return Pair((view, view), (first, first @ companion(generator, crop_px, self._warp)))

    def view(self, index: int) -> View:
        """Return photograph i, read once and kept."""
        if index not in self._views:
            photograph = self._photographs[index]
            image = torch.from_numpy(read_image(photograph.image)).permute(2, 0, 1).contiguous()
            if photograph.labels is None and self._labels_of is not None:
                labels = self._labels_of(image)
            else:
                labels = read_labels(photograph.labels, (image.shape[1], image.shape[2]))
            classes = self._classes[labels.long()]
            described = None if self._describe is None else self._describe(image)
            self._views[index] = View(image, labels, classes, self._corners_of(image), described=described)
        return self._views[index]


def find_photographs(folder: Path, names: Path | None, labels: Path | None) -> list[Photograph]:
    """List photographs and their label images.

    Args:
        folder: with the photographs.
        names: text file with an image name a line, its ending may be left out; None for all images in the folder.
        labels: folder of label images with the photographs' names, ending in .png; None for no labels.

    Raises:
        ImageError: no images there.
        SceneError: a listed name has no image, or an image no labels.
    """
    chosen = list_images(folder) if names is None else [line.strip() for line in names.read_text("utf-8").splitlines()]
    found = []
    for name in filter(None, chosen):
        image = _with_ending(folder / name)
        label = None if labels is None else (labels / image.relative_to(folder)).with_suffix(".png")
        for path in (image, label):
            if path is not None and not path.is_file():
                raise SceneError(f"no file {str(path)!r}; each name needs its image and, with labels, a label image")
        found.append(Photograph(image, label))
    if not found:
        raise SceneError(f"no names in {str(names)!r}; one image name a line is needed")
    return found


def _with_ending(path: Path) -> Path:
    """Return the image file of a name that may be listed without its ending."""
    if path.is_file():
        return path
    endings = (path.parent / f"{path.name}{suffix}" for suffix in IMAGE_SUFFIXES)
    return next((candidate for candidate in endings if candidate.is_file()), path)


def read_labels(path: Path | None, size: tuple[int, int]) -> torch.Tensor:
    """Read an image of label numbers, (h, w) uint8; without one all is NOT_LABELLED.

    Raises:
        SceneError: it has another size than the photograph.
    """
    if path is None:
        return torch.full(size, NOT_LABELLED, dtype=torch.uint8)
    labels = torch.from_numpy(np.ascontiguousarray(read_image(path)[:, :, 0]))
    if tuple(labels.shape) != size:
        raise SceneError(f"labels {str(path)!r} are {tuple(labels.shape)} (h, w), the image is {size}")
    return labels


def _full_table(classes_of_label: NDArray[np.uint8]) -> torch.Tensor:
    table = torch.full((256,), NOT_LABELLED, dtype=torch.uint8)
    table[: len(classes_of_label)] = torch.from_numpy(classes_of_label)
    return table
