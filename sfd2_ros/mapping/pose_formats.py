# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders with poses of other programs than COLMAP, each known by one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sfd2_ros.core.errors import SceneError
from sfd2_ros.mapping import kapture, nerfstudio, opensfm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sfd2_ros.core.types import PosedImage


class PoseFormat(NamedTuple):
    """A format: its file, the folder that names of images are relative to, and what reads it."""

    file: str
    image_folder: str
    read: Callable[[Path], list[PosedImage]]


FORMATS = (
    PoseFormat(nerfstudio.FILE, ".", nerfstudio.read_nerfstudio),
    PoseFormat(opensfm.FILE, "images", opensfm.read_opensfm),
    PoseFormat(kapture.FILE, kapture.IMAGES, kapture.read_kapture),
)


def pose_format_of(folder: Path) -> PoseFormat | None:
    """Return the format of a folder, or None.

    Raises:
        SceneError: there are files of several formats.
    """
    found = [one for one in FORMATS if (folder / one.file).is_file()]
    if len(found) > 1:
        names = ", ".join(one.file for one in found)
        raise SceneError(f"scene {str(folder)!r} has poses in {names}; keep the file that is meant")
    return found[0] if found else None


def read_posed_images(folder: Path, form: PoseFormat) -> dict[str, PosedImage]:
    """Read the images of a folder by name.

    Raises:
        SceneError: the file is malformed, has no image with a pose, or one image twice.
        CameraError: intrinsics that are not valid or not supported.
    """
    images = form.read(folder)
    by_name = {image.name: image for image in images}
    if not images or len(by_name) < len(images):
        problem = "names an image twice" if images else "has no image with a pose"
        raise SceneError(f"{str(folder / form.file)!r} {problem}; nothing can be mapped or scored with it")
    return by_name
