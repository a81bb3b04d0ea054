# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where structure from motion starts its intrinsics: a given camera, EXIF, or a usual focal length to be refined."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pycolmap

from sfd2_ros.features.images import read_image
from sfd2_ros.geometry.colmap_types import colmap_camera

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_ros.core.types import Camera

LOGGER = logging.getLogger(__name__)

PLAUSIBLE_FOCAL_LENGTHS = (0.15, 40.0)
"""In longer sides of the image: from lenses that see half a sphere (5.4 mm on 35 mm film) to 1400 mm."""

_FEW_IMAGES = 0.5
"""Fraction of the images below which a map is doubted. Not tuned."""
_STRONG_DISTORTION = 1.0
"""Coefficient above which refined intrinsics are doubted; those of usual lenses stay below 0.5. Not tuned."""

_USUAL_FOCAL_LENGTH = 1.2
"""In longer sides of the image, COLMAP's habit."""


def starting_cameras(names: Sequence[str], image_folder: Path, cameras: Sequence[Camera] | None) -> list[Any]:
    """Return a pycolmap.Camera for each image; images of one size and focal length share one camera.

    Args:
        names: of the images.
        image_folder: what the names are relative to.
        cameras: intrinsics of each image, or None to read EXIF and otherwise start from 1.2 times the longer side
            (COLMAP's habit); such a start is refined, never used as it is. A focal length that no camera has is passed
            over with a warning.

    Raises:
        ImageError: an image cannot be read.
    """
    if cameras is not None:
        known: dict[Camera, Any] = {}
        for one in cameras:
            if one not in known:
                known[one] = colmap_camera(one)
                known[one].camera_id = len(known)
        return [known[one] for one in cameras]
    found: dict[tuple[int, int, float], Any] = {}
    unusable: list[str] = []
    shared = [_shared_camera(image_folder / name, found, unusable) for name in names]
    if unusable:
        LOGGER.warning(
            "EXIF's focal length of %d images is no camera's and is not used; the first: %s", len(unusable), unusable[0]
        )
    return shared


def warn_of_doubts(reconstruction: Any, given: int) -> None:
    """Log why a map may be wrong, see `doubts`."""
    for doubt in doubts(reconstruction, given):
        LOGGER.warning("%s; take more images with more overlap, or give the intrinsics", doubt)


def doubts(reconstruction: Any, given: int) -> list[str]:
    """Return why a map that was made by structure from motion may be wrong, one phrase each.

    Args:
        reconstruction: pycolmap.Reconstruction.
        given: number of images that were offered.
    """
    mapped = reconstruction.num_reg_images()
    found = [f"only {mapped} of {given} images could be mapped"] if mapped < _FEW_IMAGES * given else []
    for camera in reconstruction.cameras.values():
        strongest = max((abs(camera.params[place]) for place in camera.extra_params_idxs()), default=0.0)
        focal_length = camera.mean_focal_length() / max(camera.width, camera.height)
        if (
            strongest > _STRONG_DISTORTION
            or not PLAUSIBLE_FOCAL_LENGTHS[0] <= focal_length <= PLAUSIBLE_FOCAL_LENGTHS[1]
        ):
            found.append(f"the refined intrinsics are those of no usual camera ({camera.params_to_string()})")
    return found


def _shared_camera(path: Path, found: dict[tuple[int, int, float], Any], unusable: list[str]) -> Any:
    try:
        camera = pycolmap.infer_camera_from_image(path)
    except (ValueError, RuntimeError):
        # COLMAP reads fewer formats than we do.
        height, width = read_image(path).shape[:2]
        camera = _usual_camera(width, height)
    longer = max(camera.width, camera.height)
    if not PLAUSIBLE_FOCAL_LENGTHS[0] <= camera.params[0] / longer <= PLAUSIBLE_FOCAL_LENGTHS[1]:
        unusable.append(f"{str(path)!r}, {camera.params[0]:.6g} px for {camera.width}x{camera.height} pixels")
        camera = _usual_camera(camera.width, camera.height)
    key = (camera.width, camera.height, round(float(camera.params[0]), 1))
    if key not in found:
        camera.camera_id = len(found) + 1
        found[key] = camera
    return found[key]


def _usual_camera(width: int, height: int) -> Any:
    focal_px = _USUAL_FOCAL_LENGTH * max(width, height)
    return pycolmap.Camera.create_from_model_name(1, "SIMPLE_RADIAL", focal_px, width, height)
