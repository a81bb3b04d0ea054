# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixed cameras by day and by night: pairs of two times, with the corners that every light shows.

A camera is a folder of frames of one size. The part of a name before the first "_" is its light: `day_0001.jpg`,
`night_0412.jpg`, `dusk_0007.jpg`. Frames of lights that are not in `lights` are shown, but do not vote for corners.
Stability classes are measured too (`teachers.moved`): what moves is unstable, and what is still around a corner that
lasts is stable. Segmentation networks for dash cameras fail in these views from masts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - the name that every reader of torch code expects

from sfd2_lab.training.data.geometry import choose, companion, cut, pixel_grid, uniform
from sfd2_lab.training.data.pairs import Flow, Pair, View
from sfd2_lab.training.teachers.lasting import lasting_corners
from sfd2_lab.training.teachers.moved import median_image, moved_and_still
from sfd2_ros.core.errors import SceneError
from sfd2_ros.features.images import list_images, read_image
from sfd2_ros.features.semantics import NOT_LABELLED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sfd2_lab.training.data.geometry import WarpConfig
    from sfd2_lab.training.data.source_config import SourceConfig

AGAIN_PX = 2.0
"""A corner within this distance in another frame is the same; a camera on a mast sways by less."""
AROUND_PX = 6
"""Descriptors are compared within this distance of lasting corners: what lies between may have moved."""
_RADIUS_PX = 3
"""The extractor suppresses keypoints within 3 to 4 px, so nearer corners could not both be found."""
_OTHER_LIGHT = 0.75  # of the pairs are of two lights
_UNSTABLE, _STABLE = 0, 2  # classes of the stability head


@dataclass(frozen=True, eq=False)
class _Shared:
    """What all frames of a camera have in common.

    Attributes:
        corners: (N, 3) x, y and reliability of those that last.
        near: (h, w) bool, around them.
        ignored: (h, w) bool, or None.
        medians: (h, w) grey image of each light.
    """

    corners: torch.Tensor
    near: torch.Tensor
    ignored: torch.Tensor | None
    medians: dict[str, torch.Tensor]


class FixedCamera:
    """The frames of one camera; each is read once and kept.

    Args:
        folder: of the frames.
        config: `lights`, `overlay` and `lasting` of a source.
        corners_of: returns the corners (N, 3) of an image (3, h, w) uint8.
        describe: returns a teacher's descriptors of an image, see `View.described`; None without a teacher.

    Raises:
        ImageError: the folder has no images.
        SceneError: a light has no frames.
    """

    def __init__(
        self,
        folder: Path,
        config: SourceConfig,
        corners_of: Callable[[torch.Tensor], torch.Tensor],
        describe: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        self.folder, self._config, self._corners_of, self._describe = folder, config, corners_of, describe
        self.names = [name for name in list_images(folder) if name != config.overlay]
        self.lights = [name.partition("_")[0] for name in self.names]
        for light in config.lights:
            if light not in self.lights:
                raise SceneError(
                    f"camera {str(folder)!r} has no frames {light}_*; its lights: {sorted({*self.lights})}"
                )
        self._views: dict[int, View] = {}
        self._common: _Shared | None = None

    def image(self, index: int) -> torch.Tensor:
        """Return frame i, (3, h, w) uint8."""
        return torch.from_numpy(read_image(self.folder / self.names[index])).permute(2, 0, 1).contiguous()

    def view(self, index: int) -> View:
        """Return frame i with the corners that last, and what is measured to move or to stay.

        Raises:
            SceneError: the frame or the overlay has another size than the first frame.
        """
        if index not in self._views:
            image, shared = self.image(index), self.shared()
            size = (int(image.shape[1]), int(image.shape[2]))
            if size != tuple(shared.near.shape):
                raise SceneError(
                    f"frame {self.names[index]!r} of {str(self.folder)!r} is {size} (h, w), "
                    f"others are {tuple(shared.near.shape)}"
                )
            classes = torch.full(size, NOT_LABELLED, dtype=torch.uint8)
            unknown = classes.clone()
            median = shared.medians.get(self.lights[index])
            if median is not None:
                moved, still = moved_and_still(image, median)
                classes[still & shared.near] = _STABLE
                classes[moved] = _UNSTABLE
            described = None if self._describe is None else self._describe(image)
            self._views[index] = View(image, unknown, classes, shared.corners, shared.ignored, described)
        return self._views[index]

    def flow(self, first: int, second: int) -> Flow:
        """Return the identity, seen around lasting corners where neither frame shows what moves."""
        near = self.shared().near
        still = [self.view(index).classes != _UNSTABLE for index in (first, second)]
        height, width = near.shape
        return Flow(pixel_grid(height, width).float(), near & still[0] & still[1])

    def shared(self) -> _Shared:
        """Return what all frames have in common, found once."""
        if self._common is None:
            frames = {
                wanted: [self.image(i) for i, light in enumerate(self.lights) if light == wanted]
                for wanted in self._config.lights
            }
            self._check_sizes([frame for light in frames.values() for frame in light])
            size = (int(self.image(0).shape[1]), int(self.image(0).shape[2]))
            ignored, corners = self._overlay(size), self._lasting(list(frames.values()), size)
            x, y = corners[:, 0].round().long(), corners[:, 1].round().long()
            if ignored is not None:
                kept = ~ignored[y, x]
                corners, x, y = corners[kept], x[kept], y[kept]
            marks = torch.zeros(1, 1, *size)
            marks[0, 0, y, x] = 1
            near = F.max_pool2d(marks, 2 * AROUND_PX + 1, 1, AROUND_PX)[0, 0] > 0
            medians = {light: median_image(torch.stack(images)) for light, images in frames.items()}
            self._common = _Shared(corners, near, ignored, medians)
        return self._common

    def _check_sizes(self, images: Sequence[torch.Tensor]) -> None:
        sizes = {tuple(image.shape[1:]) for image in images}
        if len(sizes) > 1:
            raise SceneError(
                f"frames of camera {str(self.folder)!r} have sizes {sorted(sizes)}; a fixed camera has one"
            )

    def _lasting(self, lights: Sequence[Sequence[torch.Tensor]], size: tuple[int, int]) -> torch.Tensor:
        """Return the corners that some frames of each light agree on."""
        voters = [images[:: -(-len(images) // self._config.voters)] for images in lights]
        found = [[self._corners_of(image) for image in images] for images in voters]
        return lasting_corners(found, size, tolerance_px=AGAIN_PX, smallest=self._config.lasting, radius_px=_RADIUS_PX)

    def _overlay(self, size: tuple[int, int]) -> torch.Tensor | None:
        path = self.folder / self._config.overlay
        if not self._config.overlay or not path.is_file():
            return None
        overlay = torch.from_numpy(np.ascontiguousarray(read_image(path)[:, :, 0])) > 0
        if tuple(overlay.shape) != size:
            raise SceneError(f"overlay {str(path)!r} is {tuple(overlay.shape)} (h, w), the frames are {size}")
        return overlay


class FixedCameraSource:
    """Pairs of two times of one camera, mostly of two lights.

    Args:
        cameras: at least one.
        warp: how far crops are apart.
    """

    def __init__(self, cameras: Sequence[FixedCamera], warp: WarpConfig) -> None:
        self.cameras, self._warp = list(cameras), warp

    def pair(self, generator: torch.Generator, crop_px: int) -> Pair:
        """Return crops of two frames of one camera."""
        camera = self.cameras[choose(generator, len(self.cameras))]
        first = choose(generator, len(camera.names))
        across = uniform(generator, 0, 1) < _OTHER_LIGHT
        others = [i for i, light in enumerate(camera.lights) if (light != camera.lights[first]) == across]
        second = others[choose(generator, len(others))]
        views = camera.view(first), camera.view(second)
        height, width = views[0].labels.shape
        place = cut(generator, (height, width), crop_px, self._warp)
        crops = place, place @ companion(generator, crop_px, self._warp)
        return Pair(views, crops, camera.flow(first, second), is_fixed=True)
