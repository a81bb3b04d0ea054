# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of crops: two pictures of one place, cut out and put on the device together with their truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.data.described import crop_descriptors
from sfd2_lab.training.data.geometry import map_points, pixel_grid
from sfd2_ros.features.network import DESCRIPTOR_STRIDE_PX
from sfd2_ros.features.semantics import NOT_LABELLED

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class View:
    """One picture as it was read.

    Attributes:
        image: (3, h, w) uint8 RGB.
        labels: (h, w) uint8, numbers of the source's label set, NOT_LABELLED where unknown.
        classes: (h, w) uint8, classes of the stability head, or NOT_LABELLED.
        corners: (N, 3) float32, x and y in pixels, local reliability in [0, 1].
        ignored: (h, w) bool, what no loss may see, such as text painted over the image; None for nothing.
        described: (D, g, f) int8, a teacher's descriptors of the centres of g x f equal cells of the image, times 127;
            None without such a teacher.
    """

    image: torch.Tensor
    labels: torch.Tensor
    classes: torch.Tensor
    corners: torch.Tensor
    ignored: torch.Tensor | None = None
    described: torch.Tensor | None = None


@dataclass(frozen=True, eq=False)
class Flow:
    """Where the pixels of one view are in the other.

    Attributes:
        target: (h, w, 2) float32, x and y in the other view's pixels.
        visible: (h, w) bool, whether it is seen there.
    """

    target: torch.Tensor
    visible: torch.Tensor


@dataclass(frozen=True, eq=False)
class Pair:
    """Two views of one place and where to cut them.

    Attributes:
        views: the two.
        view_from_crop: for each a (3, 3) float64 homography from pixels of the crop to pixels of the view.
        flow: from the first view to the second; None when both see the same pixels at the same place.
        is_fixed: both views are of one fixed camera; the flow is the identity and marks only where nothing moved.
    """

    views: tuple[View, View]
    view_from_crop: tuple[torch.Tensor, torch.Tensor]
    flow: Flow | None = None
    is_fixed: bool = False

    @property
    def shows_same_pixels(self) -> bool:
        """Whether a pixel of one view is the same place as that pixel of the other."""
        return self.flow is None or self.is_fixed


class PairSource(Protocol):
    """Where pairs come from."""

    def pair(self, generator: torch.Generator, crop_px: int) -> Pair:
        """Return a pair that depends on the generator alone."""


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Pairs on the device; of 2B images the first B are the first views, the others the second.

    Attributes:
        images: (2B, 3, S, S) float32 in [0, 1].
        plain: (2B, 3, S, S) the same before light and weather were changed.
        reliability: (2B, S, S) float32, local reliability at corners, 0 elsewhere; corners between pixels are shared.
        labels: (2B, S, S) uint8, or NOT_LABELLED.
        classes: (2B, S, S) uint8 stability classes, or NOT_LABELLED.
        valid: (2B, S, S) bool, inside the view and not ignored.
        target: (B, S/4, S/4, 2) float32, place in the second crop of the centres of the first one's descriptor cells.
        matched: (B, S/4, S/4) bool, whether it is seen there.
        described: (2B, D, S/4, S/4) float32, a teacher's descriptors of the cells' centres, of any length; None where
            a view has none.
    """

    images: torch.Tensor
    plain: torch.Tensor
    reliability: torch.Tensor
    labels: torch.Tensor
    classes: torch.Tensor
    valid: torch.Tensor
    target: torch.Tensor
    matched: torch.Tensor
    described: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.target)


def collate(pairs: Sequence[Pair], crop_px: int, device: torch.device) -> PairBatch:
    """Cut the crops of pairs on the device.

    Args:
        pairs: at least one.
        crop_px: S, a multiple of 8.
        device: where the batch is to be.
    """
    crops = [_crop(pair.views[side], pair.view_from_crop[side], crop_px, device) for side in (0, 1) for pair in pairs]
    links = [_link(pair, crop_px, device) for pair in pairs]
    images, reliability, labels, classes, valid = (torch.stack(parts) for parts in zip(*crops, strict=True))
    target, matched = (torch.stack(parts) for parts in zip(*links, strict=True))
    described = [
        crop_descriptors(pair.views[side], pair.view_from_crop[side], crop_px) for side in (0, 1) for pair in pairs
    ]
    found = [one for one in described if one is not None]
    teacher = torch.stack(found).to(device) if len(found) == len(described) else None
    return PairBatch(images, images, reliability, labels, classes, valid, target, matched, teacher)


def _crop(view: View, view_from_crop: torch.Tensor, crop_px: int, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Return image, reliability, labels, classes and validity of one crop."""
    height, width = view.labels.shape
    place = map_points(view_from_crop, pixel_grid(crop_px, crop_px)).float().to(device)
    grid = ((2 * place + 1) / place.new_tensor([width, height]) - 1)[None]
    inside = (grid.abs() <= 1).all(-1)[0]
    image = view.image.to(device)[None].float() / 255
    picture = F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)[0]
    both = torch.stack([view.labels, view.classes]).to(device)[None].float()
    labels, classes = F.grid_sample(both, grid, mode="nearest", padding_mode="border", align_corners=False)[0]
    if view.ignored is not None:
        ignored = view.ignored.to(device)[None, None].float()
        inside = inside & (F.grid_sample(ignored, grid, mode="nearest", align_corners=False)[0, 0] == 0)
    outside = torch.full_like(labels, NOT_LABELLED)
    labels, classes = (torch.where(inside, one, outside).to(torch.uint8) for one in (labels, classes))
    return picture, _corner_map(view.corners, view_from_crop, crop_px).to(device), labels, classes, inside


def _corner_map(corners: torch.Tensor, view_from_crop: torch.Tensor, crop_px: int) -> torch.Tensor:
    """Return (S, S) with the reliability of each corner, shared bilinearly by the four pixels around it.

    So the map says where between the pixels a corner is. Of several corners at a pixel the highest share counts.
    """
    place = map_points(torch.linalg.inv(view_from_crop), corners[:, :2].double())
    low = place.floor()
    flat = torch.zeros(crop_px * crop_px)
    for step in ((0, 0), (1, 0), (0, 1), (1, 1)):
        pixel = low + low.new_tensor(step)
        share = (1 - (place - pixel).abs()).prod(1)
        kept = ((pixel >= 0) & (pixel < crop_px)).all(1)
        index = (pixel[kept, 1] * crop_px + pixel[kept, 0]).long()
        flat = flat.scatter_reduce(0, index, (corners[:, 2] * share)[kept].float(), reduce="amax")
    return flat.view(crop_px, crop_px)


def locate(pair: Pair, points: torch.Tensor, crop_px: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where places of the first crop are in the second.

    Args:
        pair: with its views and crops.
        points: (..., 2) float64 x and y in the first crop.
        crop_px: side of the crops.

    Returns:
        (..., 2) float64 places in the second crop, and (...) bool, whether they are seen there.
    """
    place = map_points(pair.view_from_crop[0], points)
    height, width = pair.views[0].labels.shape
    seen = _inside(place, width, height) & _counts(pair.views[0], place)
    if pair.flow is not None:
        nearest = place.round().long()
        x, y = nearest[..., 0].clamp(0, width - 1), nearest[..., 1].clamp(0, height - 1)
        # The flow of the nearest pixel, moved along: interpolation across an edge would invent a depth.
        place = pair.flow.target[y, x].double() + place - nearest
        seen &= pair.flow.visible[y, x]
    other = pair.views[1].labels.shape
    seen &= _inside(place, other[1], other[0]) & _counts(pair.views[1], place)
    target = map_points(torch.linalg.inv(pair.view_from_crop[1]), place)
    return target, seen & _inside(target, crop_px, crop_px)


def _link(pair: Pair, crop_px: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where the first crop's descriptor cells are in the second, and whether they are seen there."""
    side = crop_px // DESCRIPTOR_STRIDE_PX
    centres = pixel_grid(side, side) * DESCRIPTOR_STRIDE_PX + (DESCRIPTOR_STRIDE_PX - 1) / 2
    target, seen = locate(pair, centres, crop_px)
    return target.float().to(device), seen.to(device)


def _inside(place: torch.Tensor, width: int, height: int) -> torch.Tensor:
    x, y = place.unbind(-1)
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def _counts(view: View, place: torch.Tensor) -> torch.Tensor:
    """Return (...) whether places (..., 2) of a view are not ignored."""
    if view.ignored is None:
        return torch.ones(place.shape[:-1], dtype=torch.bool)
    height, width = view.ignored.shape
    nearest = place.round().long()
    return ~view.ignored[nearest[..., 1].clamp(0, height - 1), nearest[..., 0].clamp(0, width - 1)]
