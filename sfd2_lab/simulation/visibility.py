# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which surface is seen at each sample of an image: spans of convex polygons and a z-buffer.

Polygons are never clipped: in homogeneous coordinates each edge is a linear function of the pixel (Olano and Greer
1997), and so is the inverse depth. Each row of each polygon is one span; spans become fragments; the nearest fragment
wins by an integer maximum, which no order of threads can change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

NEAREST_M = 0.05
NOTHING = -1

# Polygons drawn together; bounds the memory that their fragments take.
_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Outlines:
    """Polygons in an image.

    Attributes:
        edges: (N, E, 3) float64; inside where a column + b row + c >= 0 for every edge.
        closeness: (N, 3) float64; a column + b row + c, positive, larger is nearer.
        rows: (N, 2) int64, first and last row that may be covered.
    """

    edges: torch.Tensor
    closeness: torch.Tensor
    rows: torch.Tensor


def perspective_outlines(corners: torch.Tensor, intrinsics: tuple[float, float, float, float], rows: int) -> Outlines:
    """Return the outlines of polygons seen by a pinhole camera; closeness is 1 / depth in metres.

    Args:
        corners: (N, 4, 3) float64 in the optical frame of the camera.
        intrinsics: fx, fy, cx, cy in samples.
        rows: height of the image in samples.
    """
    fx, fy, cx, cy = intrinsics
    edges = torch.linalg.cross(corners, corners.roll(-1, 1))
    edges = edges / torch.clamp(edges.abs().amax(-1, keepdim=True), min=1e-12)
    side = (edges * corners.mean(1, keepdim=True)).sum(-1).sum(-1)
    edges = edges * torch.sign(side)[:, None, None]
    normals = torch.linalg.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    offset = (normals * corners[:, 0]).sum(-1, keepdim=True)
    closeness = normals / torch.where(offset == 0, torch.full_like(offset, torch.inf), offset)
    bounds = torch.stack([-closeness, closeness], 1)
    bounds[:, 0, 2] += 1 / NEAREST_M
    bounds[:, 1, 2] -= 1e-6
    to_pixels = torch.tensor([[1 / fx, 0.0, -cx / fx], [0.0, 1 / fy, -cy / fy], [0.0, 0.0, 1.0]], dtype=torch.float64)
    to_pixels = to_pixels.to(corners.device)
    in_pixels = _times(torch.cat([edges, bounds], 1), to_pixels)
    extent = _perspective_rows(corners, fy, cy, rows)
    return Outlines(in_pixels, _times(closeness[:, None], to_pixels)[:, 0], extent)


def _times(coefficients: torch.Tensor, to_pixels: torch.Tensor) -> torch.Tensor:
    """Multiply (N, E, 3) by (3, 3) without a matrix product, whose order of sums is not fixed."""
    columns = [sum(coefficients[..., k] * to_pixels[k, j] for k in range(3)) for j in range(3)]
    return torch.stack([torch.as_tensor(column) for column in columns], -1)


def _perspective_rows(corners: torch.Tensor, fy: float, cy: float, rows: int) -> torch.Tensor:
    depth = corners[..., 2]
    is_ahead = (depth > NEAREST_M).all(1)
    place = corners[..., 1] / torch.clamp(depth, min=NEAREST_M) * fy + cy
    first = torch.where(is_ahead, torch.ceil(place.amin(1) - 1e-6), torch.zeros_like(depth[:, 0]))
    last = torch.where(is_ahead, torch.floor(place.amax(1) + 1e-6), torch.full_like(depth[:, 0], rows - 1.0))
    last = torch.where((depth <= NEAREST_M).all(1), torch.full_like(last, -1.0), last)
    extent = torch.stack([torch.clamp(first, 0, rows), torch.clamp(last, -1, rows - 1)], 1)
    return extent.to(torch.int64)


def nearest_surface(
    outlines: Outlines,
    size: tuple[int, int],
    is_cutout: torch.Tensor,
    cutout_test: Callable[..., torch.Tensor] | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the surface seen at each sample.

    Args:
        outlines: N polygons.
        size: (h, w) of the image in samples; samples lie at whole columns and rows.
        is_cutout: (N,) bool, polygons with holes.
        cutout_test: (surface, column, row, closeness) of fragments of those -> (M,) bool, kept; None draws no holes.

    Returns:
        (h, w) int64 index of the polygon, NOTHING where there is none, and (h, w) float32 closeness, 0 there.
    """
    height, width = size
    buffer = torch.zeros(height * width, dtype=torch.int64, device=is_cutout.device)
    solid, holed = torch.nonzero(~is_cutout)[:, 0], torch.nonzero(is_cutout)[:, 0]
    parts = [(False, part) for part in _in_parts(solid)]
    parts += [(True, part) for part in _in_parts(holed)]
    for with_holes, chosen in parts:
        surface, place, closeness = _fragments(outlines, chosen, width)
        if with_holes and cutout_test is not None:
            kept = torch.nonzero(cutout_test(surface, place % width, place // width, closeness))[:, 0]
            surface, place, closeness = (part.index_select(0, kept) for part in (surface, place, closeness))
        key = (closeness.view(torch.int32).to(torch.int64) << 32) | (surface.to(torch.int64) + 1)
        buffer.scatter_reduce_(0, place.to(torch.int64), key, "amax")
    seen = ((buffer & 0xFFFFFFFF) - 1).reshape(height, width)
    nearness = (buffer >> 32).to(torch.int32).view(torch.float32).reshape(height, width)
    return seen, nearness


def _in_parts(indices: torch.Tensor) -> list[torch.Tensor]:
    return [indices[start : start + _AT_ONCE] for start in range(0, len(indices), _AT_ONCE)]


def _fragments(outlines: Outlines, chosen: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return surface, sample number and closeness of every sample inside the chosen polygons."""
    surface, row, first, last = _spans(outlines, chosen, width)
    lengths = last - first + 1
    plane = outlines.closeness.index_select(0, surface)
    at_start = plane[:, 0] * first + plane[:, 1] * row + plane[:, 2]
    # Short numbers, and index_select rather than brackets: a picture has millions of fragments.
    span = torch.repeat_interleave(lengths)
    starts = (torch.cumsum(lengths, 0) - lengths).to(torch.int32)
    along = torch.arange(len(span), dtype=torch.int32, device=span.device) - starts.index_select(0, span)
    slope, rest = plane[:, 0].to(torch.float32), at_start.to(torch.float32)
    closeness = rest.index_select(0, span) + slope.index_select(0, span) * along.to(torch.float32)
    place = (row * width + first).to(torch.int32).index_select(0, span) + along
    return surface.to(torch.int32).index_select(0, span), place, torch.clamp(closeness, min=1e-6)


def _spans(
    outlines: Outlines, chosen: torch.Tensor, width: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return surface, row, first and last column of every row of the chosen polygons that is not empty."""
    extent = outlines.rows[chosen]
    counts = torch.clamp(extent[:, 1] - extent[:, 0] + 1, min=0)
    which = torch.repeat_interleave(counts)
    starts = torch.cumsum(counts, 0) - counts
    row = torch.arange(len(which), device=which.device) - starts[which] + extent[which, 0]
    surface = chosen[which]
    low = torch.zeros(len(which), dtype=torch.float64, device=which.device)
    high = torch.full_like(low, width - 1.0)
    for edge in range(outlines.edges.shape[1]):
        line = outlines.edges[:, edge].index_select(0, surface)
        slope, rest = line[:, 0], line[:, 1] * row + line[:, 2]
        crossing = -rest / torch.where(slope == 0, torch.ones_like(slope), slope)
        low = torch.where(slope > 0, torch.maximum(low, crossing), low)
        high = torch.where(slope < 0, torch.minimum(high, crossing), high)
        high = torch.where((slope == 0) & (rest < 0), torch.full_like(high, -1.0), high)
    first = torch.ceil(torch.clamp(low, max=float(width)) - 1e-6).to(torch.int64)
    last = torch.floor(torch.clamp(high, min=-1.0) + 1e-6).to(torch.int64)
    kept = torch.nonzero(last >= first)[:, 0]
    return surface[kept], row[kept], first[kept], last[kept]
