# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a scene asks to be localized, and what it wants refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_ros.mapping.scene import load_scene, read_image_list

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Queries:
    """Queries of a scene.

    Attributes:
        reference: cam_from_map (4, 4) by image name.
        foreign: names of images that show another place.
    """

    reference: dict[str, NDArray[np.float64]]
    foreign: tuple[str, ...]


def load_queries(folder: Path, list_name: str | None = None) -> Queries:
    """Read the queries of a scene folder.

    Args:
        folder: with images/, sparse/, and where they are there query.txt and foreign.txt.
        list_name: of the queries, in the folder; None for query.txt, or all images of the model without one.

    Raises:
        SceneError: a part is missing or unreadable, or a query has no reference pose.
    """
    scene = load_scene(folder)
    default = "query.txt" if (folder / "query.txt").is_file() else None
    chosen = list_name or default
    images = scene.select(chosen) if chosen else list(scene.images.values())
    foreign = read_image_list(folder / "foreign.txt") if (folder / "foreign.txt").is_file() else []
    return Queries({image.name: image.cam_from_world for image in images}, tuple(foreign))
