# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a scene's folder may hold its COLMAP model, and where the images of that model lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.core.errors import SceneError
from sfd2_ros.mapping.colmap_io import holds_model
from sfd2_ros.mapping.pose_formats import FORMATS, pose_format_of

if TYPE_CHECKING:
    from pathlib import Path

PLACES = ("sparse", "colmap/sparse", "dense/sparse", "dense/0/sparse")
"""Where COLMAP, hloc and nerfstudio put a model; each of them also with numbered folders, and the folder itself."""


def is_scene(folder: Path) -> bool:
    """Return whether a folder looks like a scene: it has poses in a usual place, or a `sparse/` to hold them.

    Raises:
        SceneError: it has poses of several programs.
    """
    return (folder / "sparse").is_dir() or has_model(folder) or pose_format_of(folder) is not None


def has_model(folder: Path) -> bool:
    """Return whether a folder has a COLMAP model in a usual place."""
    return bool(_models(folder))


def model_folder(folder: Path) -> Path:
    """Return the folder of a scene's model; `sparse/` where there is none.

    A model in `sparse/` goes before those in other places: `dense/` holds the same one for undistorted images.

    Raises:
        SceneError: there are several.
    """
    found = _models(folder)
    found = [one for one in found if one.is_relative_to(folder / "sparse")] or found
    if len(found) > 1 and found[0] != folder / "sparse":
        names = ", ".join(one.relative_to(folder).as_posix() for one in found)
        raise SceneError(
            f"scene {str(folder)!r} has {len(found)} COLMAP models: {names}; each has a frame of its own; copy the one "
            "that is meant to sparse/"
        )
    return found[0] if found else folder / "sparse"


def image_folder_of(model: Path, scene: Path) -> Path:
    """Return the folder that a model's image names are relative to: `images/` beside the model, else of the scene.

    Raises:
        SceneError: there is none.
    """
    above = model if model == scene else model.parents[1] if model.name.isdigit() else model.parent
    for folder in (above / "images", scene / "images"):
        if folder.is_dir():
            return folder
    raise SceneError(f"scene {str(scene)!r} has no folder images/; put the images there")


def what_is_not_there(source: Path) -> str:
    """Return a sentence for a folder without a model: what that means, and a model close by that is not used."""
    above = source.absolute().parent
    near = f"; the model of {str(above)!r} is not used: name that folder for its poses" if is_scene(above) else ""
    return (
        f"{source}: no COLMAP model in {', '.join(PLACES)}, and no {', '.join(one.file for one in FORMATS)}: structure "
        f"from motion, scale and frame are arbitrary{near}"
    )


def _models(folder: Path) -> list[Path]:
    """Return the folders with a model in the usual places, numbered ones too."""
    found = []
    for place in PLACES:
        numbered = sorted((folder / place).glob("[0-9]*"), key=lambda one: (len(one.name), one.name))
        found += [one for one in (folder / place, *numbered) if holds_model(one)]
    return [*found, *([folder] if holds_model(folder) else [])]
