# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the network's outputs to keypoints: pure functions of tensors, the same on every device.

Images are (B, H, W) maps with pixel centres at integers. The descriptor map has one cell for every 4x4 pixels: cell i
covers the pixels 4i to 4i + 3, its centre is at 4i + 1.5, so pixel x lies at cell coordinate (x + 0.5) / 4 - 0.5.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_ros.features.network import CELL_PX, DESCRIPTOR_STRIDE_PX

if TYPE_CHECKING:
    from collections.abc import Sequence

_SMOOTHING_PX = 1.0
"""Standard deviation of the smoothing before the parabola. Measured: 0.7 to 1.3 are alike, 0 is worse."""
_SMOOTHING_REACH_PX = 3
"""Three standard deviations of the smoothing."""
REACH_OF_CONTRAST_PX = 4
"""Half a cell of the detector: what a keypoint shows lies within it. Not tuned."""
LEAST_CONTRAST = 1.5 / 255
"""More than the rounding of one grey level makes. Not tuned."""
DUSTBIN_EPSILON = 1e-5  # the published network was trained with exp(l) / (sum(exp(l)) + 1e-5)


def detection_probability(logits: torch.Tensor) -> torch.Tensor:
    """Turn cell logits into a probability per pixel.

    Args:
        logits: (B, 65, h, w), any float dtype and any magnitude.

    Returns:
        (B, 8h, 8w) float32 in [0, 1].
    """
    values = logits.float()
    # The constant of the denominator is one more logit, log(1e-5): the same numbers, and no exponential can overflow.
    total = torch.logsumexp(values, dim=1, keepdim=True)
    total = torch.logaddexp(total, total.new_tensor(math.log(DUSTBIN_EPSILON)))
    return F.pixel_shuffle((values[:, :-1] - total).exp(), CELL_PX)[:, 0]


def stability_value(logits: torch.Tensor, values: Sequence[float]) -> torch.Tensor:
    """Turn stability logits into the stability of the likeliest class at each pixel.

    Args:
        logits: (B, 3, h, w), any float dtype.
        values: stability of each of the classes (see `semantics`).

    Returns:
        (B, 4h, 4w) float32, each one of `values`.
    """
    fine = upsample_stability(logits)
    return fine.new_tensor(values)[fine.argmax(dim=1)]


def upsample_stability(logits: torch.Tensor) -> torch.Tensor:
    """Interpolate (B, 3, h, w) stability logits to pixels: (B, 3, 4h, 4w) float32."""
    return F.interpolate(logits.float(), scale_factor=DESCRIPTOR_STRIDE_PX, mode="bilinear", align_corners=False)


def local_maxima(scores: torch.Tensor, *, threshold: float, radius_px: int) -> torch.Tensor:
    """Mark the pixels above a threshold that no pixel of the (2 radius + 1)-wide square around them exceeds.

    Of equal maxima within a square the first in raster order stays, so two marked pixels are never within the radius
    along both axes.

    Args:
        scores: (B, H, W) float32.
        threshold: pixels at or below it are not marked.
        radius_px: half width of the square.

    Returns:
        (B, H, W) bool.
    """
    peaks = (scores == _square_maximum(scores, radius_px)) & (scores > threshold)
    values = scores[peaks]
    if radius_px == 0 or len(torch.unique(values)) == len(values):
        return peaks
    # float64 holds every index exactly; earlier pixels rank higher.
    rank = torch.arange(scores[0].numel(), 0, -1, device=scores.device, dtype=torch.float64).view_as(scores[0])
    rank = torch.where(peaks, rank, torch.zeros_like(rank))
    return peaks & (rank == _square_maximum(rank, radius_px))


def select_keypoints(
    scores: torch.Tensor, *, threshold: float, radius_px: int, border_px: int, maximum: int
) -> list[torch.Tensor]:
    """Choose the keypoints of each image.

    Args:
        scores: (B, H, W) float32, detection probability times stability.
        threshold: pixels at or below it are none.
        radius_px: radius of the non-maximum suppression.
        border_px: keypoints closer than this to the image's edge are dropped.
        maximum: the highest that are kept, at most; of equal scores the first in raster order.

    Returns:
        For each image (N, 2) int64, x and y, by descending score.
    """
    mask = local_maxima(scores, threshold=threshold, radius_px=radius_px)
    if border_px > 0:
        inside = torch.zeros_like(mask)
        inside[:, border_px:-border_px, border_px:-border_px] = True
        mask &= inside
    return [
        _strongest(image_scores, image_mask, maximum) for image_scores, image_mask in zip(scores, mask, strict=True)
    ]


def shows_something(image: torch.Tensor, keypoints: torch.Tensor) -> torch.Tensor:
    """Return which keypoints do not lie on one even colour, such as the black rim of an undistorted image.

    Args:
        image: (C, H, W) float in [0, 1].
        keypoints: (N, 2) int64, x and y.

    Returns:
        (N,) bool: some colour of the 9x9 pixels around differs by two levels of 255 or more.
    """
    reach = torch.arange(-REACH_OF_CONTRAST_PX, REACH_OF_CONTRAST_PX + 1, device=image.device)
    x, y = keypoints.unbind(dim=1)
    rows, columns = (y[:, None] + reach).clamp(0, image.shape[1] - 1), (x[:, None] + reach).clamp(0, image.shape[2] - 1)
    around = image[:, rows[:, :, None], columns[:, None, :]].flatten(2)
    lowest, highest = around.aminmax(dim=2)
    return ((highest - lowest) > LEAST_CONTRAST).any(dim=0)


def refine_keypoints(scores: torch.Tensor, keypoints: torch.Tensor) -> torch.Tensor:
    """Move keypoints to the peak of a parabola through the smoothed score, along x and along y.

    The smoothing (Gaussian, one pixel) evens the seams between the detector's cells, each of which has a softmax of its
    own; without it the keypoints are less exact (docs/features.md).

    Args:
        scores: (H, W) float32 of one image; it continues beyond its edge as it is at the edge.
        keypoints: (N, 2) int64, x and y, local maxima.

    Returns:
        (N, 2) float32, each moved by at most half a pixel.
    """
    reach = _SMOOTHING_REACH_PX + 1
    padded = F.pad(scores[None, None], (reach, reach, reach, reach), mode="replicate")[0, 0]
    around = torch.arange(2 * reach + 1, device=scores.device)
    x, y = keypoints.unbind(dim=1)
    patches = padded[(y[:, None] + around)[:, :, None], (x[:, None] + around)[:, None, :]]
    smoothing = _smoothing_matrix(scores)
    smooth = smoothing @ patches @ smoothing.T
    offset_x = _parabola_peak(smooth[:, 1, 0], smooth[:, 1, 1], smooth[:, 1, 2])
    offset_y = _parabola_peak(smooth[:, 0, 1], smooth[:, 1, 1], smooth[:, 2, 1])
    return keypoints.float() + torch.stack([offset_x, offset_y], dim=1)


def sample_descriptors(descriptors: torch.Tensor, keypoints: torch.Tensor) -> torch.Tensor:
    """Interpolate the descriptor map at keypoints, bilinearly; beyond the outer cell centres the outer cell counts.

    Args:
        descriptors: (D, h, w) of one image.
        keypoints: (N, 2) float32, x and y in pixels.

    Returns:
        (N, D) float32 of length one.
    """
    height, width = descriptors.shape[-2:]
    x, y = keypoints.unbind(dim=1)
    # Sizes are used as they are, not as a new tensor: an exported network takes images of any size.
    across, down = (2 * x + 1) / (width * DESCRIPTOR_STRIDE_PX) - 1, (2 * y + 1) / (height * DESCRIPTOR_STRIDE_PX) - 1
    grid = torch.stack([across, down], dim=1)[None, None]
    values = F.grid_sample(descriptors[None].float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return F.normalize(values[0, :, 0].T, dim=1)


def _square_maximum(values: torch.Tensor, radius: int) -> torch.Tensor:
    """Maximum of the square window around each pixel of (B, H, W), one axis after the other."""
    padded = F.pad(values, (radius, radius, radius, radius), value=-math.inf)
    return _window_maximum(_window_maximum(padded, 2 * radius + 1, 1), 2 * radius + 1, 2)


def _window_maximum(values: torch.Tensor, size: int, dim: int) -> torch.Tensor:
    """Maximum of every `size` neighbours along one axis, by doubling: ten times faster than pooling on a CPU."""
    span = 1
    while span < size:
        step = min(span, size - span)
        length = values.shape[dim] - step
        values = torch.maximum(values.narrow(dim, 0, length), values.narrow(dim, step, length))
        span += step
    return values


def _strongest(scores: torch.Tensor, mask: torch.Tensor, maximum: int) -> torch.Tensor:
    y, x = torch.nonzero(mask, as_tuple=True)
    order = torch.sort(scores[y, x], descending=True, stable=True).indices[:maximum]
    return torch.stack([x[order], y[order]], dim=1)


def _smoothing_matrix(like: torch.Tensor) -> torch.Tensor:
    """Return (3, 2 reach + 3): rows that give the smoothed values before, at and after the middle of a patch."""
    distance = torch.arange(-_SMOOTHING_REACH_PX, _SMOOTHING_REACH_PX + 1, dtype=torch.float32, device=like.device)
    weights = torch.exp(-(distance**2) / (2 * _SMOOTHING_PX**2))
    weights = weights / weights.sum()
    return torch.stack([F.pad(weights, (shift, 2 - shift)) for shift in range(3)])


def _parabola_peak(before: torch.Tensor, centre: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Return the position of the peak relative to the middle sample, in [-0.5, 0.5]; 0 where there is no peak."""
    curvature = before - 2 * centre + after
    peak = 0.5 * (before - after) / torch.where(curvature < 0, curvature, torch.ones_like(curvature))
    return torch.where(curvature < 0, peak, torch.zeros_like(peak)).clamp(-0.5, 0.5)
