# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Localize image files, through the same `Localizer` as the live node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.core.errors import ImageError
from sfd2_ros.core.types import Evidence, PoseEstimate, Status
from sfd2_ros.features.images import read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sfd2_ros.core.types import Camera
    from sfd2_ros.localization.localizer import Localizer
    from sfd2_ros.mapping.match_images import FeatureExtractor


def localize_images(
    localizer: Localizer,
    extractor: FeatureExtractor,
    names: Sequence[str],
    *,
    image_folder: Path,
    camera_of: Callable[[str], Camera],
) -> Iterator[tuple[str, PoseEstimate]]:
    """Localize images one by one.

    Args:
        localizer: of the map.
        extractor: with the weights of the map.
        names: of the images, below `image_folder`.
        image_folder: what the names are relative to.
        camera_of: intrinsics of an image by its name; asked for all images before the first is read.

    Yields:
        Name and estimate, in order. An image that cannot be read is rejected as BAD_IMAGE, the others go on.

    Raises:
        CameraError: an image has no intrinsics.
    """
    cameras = [camera_of(name) for name in names]
    for name, camera in zip(names, cameras, strict=True):
        yield name, _localize(localizer, extractor, image_folder / name, camera)


def _localize(localizer: Localizer, extractor: FeatureExtractor, path: Path, camera: Camera) -> PoseEstimate:
    try:
        image = read_image(path)
    except ImageError as err:
        return PoseEstimate(Status.BAD_IMAGE, str(err), None, None, Evidence())
    return localizer.localize(extractor(image), camera)
