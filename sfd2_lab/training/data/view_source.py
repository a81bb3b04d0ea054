# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of posed views that see the same place, across conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.training.data.geometry import WarpConfig, choose, cut, map_points, similarity, uniform
from sfd2_lab.training.data.pairs import Pair
from sfd2_lab.training.data.photographs import Photograph, PhotographSource
from sfd2_lab.training.data.posed_views import flow_between, read_depth, read_view_index
from sfd2_lab.training.teachers.repeatability import repeated_corners
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.transforms import inverse, rotation_angle_rad

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.training.data.pairs import Flow, View
    from sfd2_lab.training.data.posed_views import PosedView

_FARTHEST_M = 8.0
_WIDEST_RAD = 0.6
_LEAST_VISIBLE = 0.15
_ATTEMPTS = 8
_AGAIN_PX = 3.0  # two detections of one corner are about this far apart


class ViewSource:
    """Pairs of views of one place, each within some metres and degrees of the other.

    Args:
        folder: of `posed_views.write_views`.
        classes_of_label: (L,) uint8 stability class of each label number.
        corners_of: returns the corners (N, 3) of an image (3, h, w) uint8.
        warp: scale of the crops, how far the second moves and turns.
        sessions: most views under another condition that corners are looked for again in; 0 leaves them as they are.
        describe: returns a teacher's descriptors of an image, see `View.described`; None without a teacher.

    Raises:
        SceneError: the folder is no folder of views, or no two of them are near each other.
    """

    def __init__(
        self,
        folder: Path,
        classes_of_label: NDArray[np.uint8],
        corners_of: Callable[[torch.Tensor], torch.Tensor],
        warp: WarpConfig,
        sessions: int = 0,
        *,
        describe: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        self.folder, self._warp, self._sessions = folder, warp, sessions
        self._repeated: dict[int, View] = {}
        self.views = read_view_index(folder)
        photographs = [
            Photograph(folder / "images" / f"{view.name}.png", folder / "labels" / f"{view.name}.png")
            for view in self.views
        ]
        self.pictures = PhotographSource(photographs, classes_of_label, corners_of, warp, describe=describe)
        self.neighbours = _neighbours(self.views)
        if not self.neighbours:
            raise SceneError(f"no two views of {str(folder)!r} are within {_FARTHEST_M} m; render longer drives")

    def pair(self, generator: torch.Generator, crop_px: int) -> Pair:
        """Return crops of two views; the second crop is around what the first one's middle shows."""
        for _ in range(_ATTEMPTS):
            first, second = self.neighbours[choose(generator, len(self.neighbours))]
            flow = self.flow(first, second)
            height, width = flow.visible.shape
            place = cut(generator, (height, width), crop_px, self._warp)
            middle = _seen_middle(place, flow, crop_px)
            if middle is not None:
                break
        else:
            middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
        return Pair(
            (self.view(first), self.view(second)), (place, self._second_crop(generator, place, middle, crop_px)), flow
        )

    def view(self, index: int) -> View:
        """Return view i; where it was asked for, its corners are as reliable as other sessions say."""
        plain = self.pictures.view(index)
        if self._sessions == 0:
            return plain
        if index not in self._repeated:
            one, others = self.views[index], self._elsewhen(index)
            seen = (
                (self.views[i], read_depth(self.folder, self.views[i]), self.pictures.view(i).corners) for i in others
            )
            depth = read_depth(self.folder, one)
            corners = repeated_corners(plain.corners, one, depth, seen, tolerance_px=_AGAIN_PX)
            self._repeated[index] = replace(plain, corners=corners)
        return self._repeated[index]

    def _elsewhen(self, index: int) -> list[int]:
        """Return neighbours of a view under other conditions, evenly chosen, not more than asked for."""
        condition = self.views[index].condition
        found = [j for i, j in self.neighbours if i == index and self.views[j].condition != condition]
        return found[:: max(1, -(-len(found) // self._sessions))]

    def flow(self, first: int, second: int) -> Flow:
        """Return the true correspondence from view to view, by index."""
        one, other = self.views[first], self.views[second]
        return flow_between(one, read_depth(self.folder, one), other, read_depth(self.folder, other))

    def _second_crop(
        self, generator: torch.Generator, first: torch.Tensor, middle: torch.Tensor, crop_px: int
    ) -> torch.Tensor:
        half = (crop_px - 1) / 2
        angle = np.radians(uniform(generator, -self._warp.rotation_deg, self._warp.rotation_deg))
        factor = float(first[0, 0]) * uniform(generator, 0.8, 1.25)
        shift = [uniform(generator, -self._warp.shift, self._warp.shift) * crop_px * factor for _ in range(2)]
        target = (float(middle[0]) + shift[0], float(middle[1]) + shift[1])
        return similarity(factor, float(angle), (half, half), target)


def _seen_middle(place: torch.Tensor, flow: Flow, crop_px: int) -> torch.Tensor | None:
    """Return the mean place in the second view of what a crop of the first shows, or None if that is too little."""
    ends = map_points(place, torch.tensor([[0.0, 0.0], [crop_px - 1.0, crop_px - 1.0]], dtype=torch.float64))
    (left, top), (right, bottom) = ends.round().long().clamp(min=0).tolist()
    visible = flow.visible[top : bottom + 1, left : right + 1]
    if not visible.any() or float(visible.float().mean()) < _LEAST_VISIBLE:
        return None
    return flow.target[top : bottom + 1, left : right + 1][visible].median(dim=0).values


def _neighbours(views: list[PosedView]) -> list[tuple[int, int]]:
    """Return ordered pairs of views of one place that look at the same."""
    found = []
    for i, one in enumerate(views):
        for j, other in enumerate(views):
            if i == j or one.place != other.place:
                continue
            apart = inverse(one.map_from_cam) @ other.map_from_cam
            if np.linalg.norm(apart[:3, 3]) <= _FARTHEST_M and rotation_angle_rad(apart) <= _WIDEST_RAD:
                found.append((i, j))
    return found
