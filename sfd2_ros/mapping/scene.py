# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scene folders: what COLMAP users have. `images/`, `sparse/` with poses, lists of names such as `map.txt`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import CameraError, SceneError
from sfd2_ros.mapping.colmap_io import posed_images, read_model
from sfd2_ros.mapping.image_list import read_image_list, some
from sfd2_ros.mapping.model_places import has_model, image_folder_of, model_folder
from sfd2_ros.mapping.pose_formats import pose_format_of, read_posed_images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfd2_ros.core.types import Camera, PosedImage


@dataclass(frozen=True)
class Scene:
    """Photographs of a place with reference poses.

    Attributes:
        folder: where it lies.
        image_folder: what image names are relative to.
        images: images of the model by name: intrinsics and cam_from_world.
    """

    folder: Path
    image_folder: Path
    images: dict[str, PosedImage] = field(repr=False)

    def camera_of(self, name: str) -> Camera:
        """Return the intrinsics of an image of the model, or those of the model's only camera.

        Raises:
            CameraError: the model has several cameras and does not name this image.
        """
        return camera_among(self.images, name, str(self.folder))

    def select(self, list_name: str) -> list[PosedImage]:
        """Return the images that a list names, in its order.

        Args:
            list_name: of a file in the scene's folder, or the path of another.

        Raises:
            SceneError: there is no such list, it is empty, or it names images that are not in the model.
        """
        path = find_list(self.folder, list_name)
        names = read_image_list(path)
        missing = [name for name in names if name not in self.images]
        if missing:
            raise SceneError(
                f"{str(path)!r} names {len(missing)} images that the model has no pose for: {some(missing)}"
            )
        return [self.images[name] for name in names]


def camera_among(images: Mapping[str, PosedImage], name: str, source: str) -> Camera:
    """Return the intrinsics of the image of that name, or those of the only camera of all images.

    Raises:
        CameraError: there are several cameras, and no image of that name.
    """
    if name in images:
        return images[name].camera
    cameras = {image.camera for image in images.values()}
    if len(cameras) == 1:
        return next(iter(cameras))
    raise CameraError(
        f"image {name!r} is not among those of {source!r}, which have {len(cameras)} cameras; "
        "name one with --camera MODEL,w,h,params"
    )


def find_list(folder: Path, list_name: str) -> Path:
    """Return the path of a list of names: in a folder, or else as it stands."""
    inside = folder / list_name
    return inside if inside.is_file() else Path(list_name)


def load_scene(folder: Path) -> Scene:
    """Read a scene folder.

    Args:
        folder: has `images/` and `sparse/` (or another of `model_places.PLACES`) with a COLMAP model, text or binary;
            or, without one, the file of another program (`pose_formats.FORMATS`).

    Raises:
        SceneError: a part is missing or unreadable, there are several models, or the model has no images with poses.
        CameraError: a camera model that is not supported.
    """
    if not folder.is_dir():
        raise SceneError(f"scene {str(folder)!r} is no folder; name one with images/ and sparse/")
    form = None if has_model(folder) else pose_format_of(folder)
    if form is not None:
        return Scene(folder, folder / form.image_folder, read_posed_images(folder, form))
    model = model_folder(folder)
    image_folder = image_folder_of(model, folder)
    images = posed_images(read_model(model))
    if not images:
        raise SceneError(f"the model in {str(model)!r} has no image with a pose; nothing can be mapped or scored")
    return Scene(folder, image_folder, {image.name: image for image in images})


def check_image_files(image_folder: Path, names: list[str]) -> None:
    """Check that every image file is there before work begins.

    Raises:
        SceneError: names the missing files, all at once.
    """
    missing = [name for name in names if not (image_folder / name).is_file()]
    if missing:
        raise SceneError(f"{len(missing)} images are missing in {str(image_folder)!r}: {some(missing)}")
