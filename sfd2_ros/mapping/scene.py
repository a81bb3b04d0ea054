# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scene folders: what COLMAP users have. `images/`, `sparse/` with poses, lists of names such as `map.txt`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import CameraError, SceneError
from sfd2_ros.mapping.colmap_io import PosedImage, posed_images, read_model

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_ros.core.types import Camera

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}


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
        if name in self.images:
            return self.images[name].camera
        cameras = {image.camera for image in self.images.values()}
        if len(cameras) == 1:
            return next(iter(cameras))
        raise CameraError(
            f"image {name!r} is not in the model of {str(self.folder)!r}, which has {len(cameras)} cameras; "
            "name one with --camera MODEL,w,h,params"
        )

    def select(self, list_name: str) -> list[PosedImage]:
        """Return the images that a list of the scene names, in its order.

        Raises:
            SceneError: there is no such list, it is empty, or it names images that are not in the model.
        """
        path = self.folder / list_name
        names = read_image_list(path)
        missing = [name for name in names if name not in self.images]
        if missing:
            raise SceneError(
                f"{str(path)!r} names {len(missing)} images that the model has no pose for: {_some(missing)}"
            )
        return [self.images[name] for name in names]


def is_scene(folder: Path) -> bool:
    """Return whether a folder looks like a scene: it has `images/` and a `sparse/` model."""
    return (folder / "images").is_dir() and (folder / "sparse").is_dir()


def load_scene(folder: Path) -> Scene:
    """Read a scene folder.

    Args:
        folder: has `images/` and `sparse/` (or `sparse/0/`) with a COLMAP model, text or binary.

    Raises:
        SceneError: a part is missing or unreadable, the model has no images with poses, or image files are missing.
        CameraError: a camera model that is not supported.
    """
    if not folder.is_dir():
        raise SceneError(f"scene {str(folder)!r} is no folder; name one with images/ and sparse/")
    image_folder = folder / "images"
    if not image_folder.is_dir():
        raise SceneError(f"scene {str(folder)!r} has no folder images/; put the photographs there")
    model = folder / "sparse"
    if not any((model / f"cameras.{kind}").is_file() for kind in ("bin", "txt")) and (model / "0").is_dir():
        model = model / "0"
    images = posed_images(read_model(model))
    if not images:
        raise SceneError(f"the model in {str(model)!r} has no image with a pose; nothing can be mapped or scored")
    return Scene(folder, image_folder, {image.name: image for image in images})


def read_image_list(path: Path) -> list[str]:
    """Read image names, one a line; empty lines and lines that begin with # are passed over.

    Raises:
        SceneError: the file is missing, names nothing, or names an image twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise SceneError(f"image list {str(path)!r} cannot be read: {err}") from err
    names = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not names:
        raise SceneError(f"image list {str(path)!r} names no image; one name a line is needed")
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise SceneError(f"image list {str(path)!r} names images more than once: {_some(repeated)}")
    return names


def check_image_files(image_folder: Path, names: list[str]) -> None:
    """Check that every image file is there before work begins.

    Raises:
        SceneError: names the missing files, all at once.
    """
    missing = [name for name in names if not (image_folder / name).is_file()]
    if missing:
        raise SceneError(f"{len(missing)} images are missing in {str(image_folder)!r}: {_some(missing)}")


def list_image_files(folder: Path) -> list[str]:
    """Return the names of all images below a folder, sorted, with forward slashes.

    Raises:
        SceneError: the folder is missing or holds no image.
    """
    if not folder.is_dir():
        raise SceneError(f"{str(folder)!r} is no folder; name a folder of images")
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in _IMAGE_SUFFIXES and path.is_file()
    )
    if not names:
        kinds = " ".join(sorted(_IMAGE_SUFFIXES))
        raise SceneError(f"{str(folder)!r} holds no images; files ending in {kinds} are looked for")
    return names


def _some(names: list[str], count: int = 5) -> str:
    shown = ", ".join(names[:count])
    return shown if len(names) <= count else f"{shown}, ... and {len(names) - count} more"
