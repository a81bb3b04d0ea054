# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rendered or measured views with depth and pose: pairs are two views of one place under any two conditions.

A folder of views has `views.json`, and per view an image, labels and depth:

    {"views": [{"name": "0000", "place": "town 7", "condition": "night", "intrinsics": [fx, fy, cx, cy],
                "map_from_cam": [16 numbers, row by row]}, ...]}
    images/0000.png  labels/0000.png  depth/0000.npy (float16 metres along the optical axis, infinite in the sky)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sfd2_lab.training.data.pairs import Flow
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.files import atomic_folder, write_array
from sfd2_ros.features.images import write_image

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

_INDEX = "views.json"
DEPTH_TOLERANCE = 0.03
"""Depths that differ by less than this share are of one thing: float16 leaves 0.0005, slanted surfaces the rest."""
_NEAREST_M = 0.1


@dataclass(frozen=True, eq=False)
class PosedView:
    """One view.

    Attributes:
        name: of its files.
        place: views of one place share a map frame.
        condition: light and weather, in a word.
        intrinsics: fx, fy, cx, cy in pixels, the centre of the top-left pixel at 0.
        map_from_cam: (4, 4) of the optical frame, metres.
    """

    name: str
    place: str
    condition: str
    intrinsics: tuple[float, float, float, float]
    map_from_cam: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ViewPixels:
    """What one view shows: (h, w, 3) uint8 RGB, (h, w) uint8 labels, (h, w) float32 depth in metres."""

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    depth_m: NDArray[np.float32]


def write_views(folder: Path, views: Iterable[tuple[PosedView, ViewPixels]]) -> int:
    """Write a folder of views, whole or not at all, and return how many.

    Raises:
        OutputError: the folder exists or cannot be written.
    """
    entries: list[dict[str, Any]] = []
    with atomic_folder(folder) as temporary:
        for kind in ("images", "labels", "depth"):
            (temporary / kind).mkdir()
        for view, pixels in views:
            write_image(temporary / "images" / f"{view.name}.png", pixels.image[..., ::-1])
            write_image(temporary / "labels" / f"{view.name}.png", pixels.labels)
            write_array(temporary / "depth" / f"{view.name}.npy", pixels.depth_m.astype(np.float16))
            entries.append(
                {
                    "name": view.name,
                    "place": view.place,
                    "condition": view.condition,
                    "intrinsics": list(view.intrinsics),
                    "map_from_cam": view.map_from_cam.ravel().tolist(),
                }
            )
        (temporary / _INDEX).write_text(json.dumps({"views": entries}, indent=1) + "\n", encoding="utf-8")
    return len(entries)


def read_view_index(folder: Path) -> list[PosedView]:
    """Read what views a folder has.

    Raises:
        SceneError: the index is missing or malformed.
    """
    path = folder / _INDEX
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["views"]
        return [_view_of(entry) for entry in entries]
    except OSError as err:
        raise SceneError(
            f"no views at {str(folder)!r}: {err.strerror}; render them with `sfd2 train CONFIG --render`"
        ) from err
    except (ValueError, KeyError, TypeError) as err:
        raise SceneError(f"index of views {str(path)!r} is malformed: {err!r}; render the views again") from err


def read_depth(folder: Path, view: PosedView) -> torch.Tensor:
    """Read the depth of a view, (h, w) float32 metres.

    Raises:
        SceneError: it is missing or damaged.
    """
    path = folder / "depth" / f"{view.name}.npy"
    try:
        return torch.from_numpy(np.load(path, allow_pickle=False).astype(np.float32))
    except (OSError, ValueError) as err:
        raise SceneError(f"depth {str(path)!r} cannot be read: {err}; render the views again") from err


@dataclass(frozen=True, eq=False)
class Projection:
    """Where the pixels of one view are in another, whether or not they are seen there.

    Attributes:
        target: (h, w, 2) float32, x and y in the other view's pixels.
        depth_m: (h, w) float32, their depth there.
        there_m: (h, w) float32, the depth of what is seen at that pixel of the other view.
        inside: (h, w) bool, known in the first view and inside the second, before the camera.
    """

    target: torch.Tensor
    depth_m: torch.Tensor
    there_m: torch.Tensor
    inside: torch.Tensor


def project_between(
    first: PosedView, first_depth: torch.Tensor, second: PosedView, second_depth: torch.Tensor
) -> Projection:
    """Project the pixels of one view into another.

    Args:
        first: the one.
        first_depth: (h, w) metres, infinite in the sky, which has no place.
        second: the other.
        second_depth: (g, f) metres.
    """
    height, width = first_depth.shape
    fx, fy, cx, cy = first.intrinsics
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    ray = torch.stack([(x - cx) / fx, (y - cy) / fy, torch.ones_like(first_depth)], dim=-1)
    known = torch.isfinite(first_depth)
    depth = torch.where(known, first_depth, torch.ones_like(first_depth))
    second_from_first = torch.from_numpy(np.linalg.inv(second.map_from_cam) @ first.map_from_cam).float()
    point = (ray * depth[..., None]) @ second_from_first[:3, :3].T + second_from_first[:3, 3]
    fx, fy, cx, cy = second.intrinsics
    ahead = point[..., 2].clamp(min=1e-3)
    target = torch.stack([fx * point[..., 0] / ahead + cx, fy * point[..., 1] / ahead + cy], dim=-1)
    column, row = target.round().long().unbind(-1)
    inside = (column >= 0) & (column < second_depth.shape[1]) & (row >= 0) & (row < second_depth.shape[0])
    there = second_depth[row.clamp(0, second_depth.shape[0] - 1), column.clamp(0, second_depth.shape[1] - 1)]
    return Projection(target, ahead, there, known & inside & (point[..., 2] > _NEAREST_M))


def flow_between(first: PosedView, first_depth: torch.Tensor, second: PosedView, second_depth: torch.Tensor) -> Flow:
    """Return where the pixels of one view are in another, and whether they are seen there; see `project_between`."""
    found = project_between(first, first_depth, second, second_depth)
    unhidden = (found.there_m - found.depth_m).abs() <= DEPTH_TOLERANCE * found.depth_m
    return Flow(found.target, found.inside & unhidden)


def _view_of(entry: dict[str, Any]) -> PosedView:
    fx, fy, cx, cy = (float(value) for value in entry["intrinsics"])
    pose = np.array(entry["map_from_cam"], dtype=np.float64).reshape(4, 4)
    return PosedView(str(entry["name"]), str(entry["place"]), str(entry["condition"]), (fx, fy, cx, cy), pose)
