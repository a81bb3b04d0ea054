# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a scene asks to be localized, and what it wants rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import PoseFileError, SceneError
from sfd2_ros.mapping.image_list import read_image_list
from sfd2_ros.mapping.scene import load_scene

if TYPE_CHECKING:
    from collections.abc import Mapping
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
        list_name: of the queries, in the folder or elsewhere; None for query.txt, or without one all images of the
            model that are not foreign.

    Raises:
        SceneError: a part is missing or unreadable, a query has no reference pose, or is foreign at the same time.
    """
    scene = load_scene(folder)
    default = "query.txt" if (folder / "query.txt").is_file() else None
    chosen = default if list_name is None else list_name
    foreign = read_image_list(folder / "foreign.txt") if (folder / "foreign.txt").is_file() else []
    if chosen is None:
        images = [image for image in scene.images.values() if image.name not in set(foreign)]
    else:
        images = scene.select(chosen)
    both = sorted({image.name for image in images} & set(foreign))
    if both:
        raise SceneError(
            f"{chosen} and foreign.txt of {str(folder)!r} both name {both[0]!r}; an image is one or the other"
        )
    return Queries({image.name: image.cam_from_world for image in images}, tuple(foreign))


def refuse_strangers(estimated: Mapping[str, object], queries: Queries, source: str) -> None:
    """Reject poses of which none is of a query: they would score as if nothing had been localized.

    Args:
        estimated: poses by image name.
        queries: that they are scored against.
        source: of the poses, for the error.

    Raises:
        PoseFileError: there are poses, and none of them belongs to a query or a foreign image.
    """
    known = queries.reference.keys() | set(queries.foreign)
    if estimated and not known & estimated.keys():
        raise PoseFileError(
            f"none of {len(estimated)} poses in {source!r} is of a query: they are named like "
            f"{next(iter(estimated))!r}, the queries like {next(iter(queries.reference))!r}; score them against their "
            "own scene"
        )
