# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sorts frames of Singapore's traffic cameras into a folder per camera, by light, with the overlay over them.

Names of the two public collections are read: `2702-2021_03_20_074318.jpg`, and `camera_4713_2026-01-23_09-01-56.jpg` or
`camera_4713_09-09-35.jpg`. The light follows from the clock: Singapore lies near the equator, where the sun rises and
sets within half an hour of 7:00 and 19:00 all year.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.datasets.overlay import find_overlay
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.features.images import list_images, read_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.mapping.match_images import Progress

OVERLAY = "overlay.png"
_NAMES = (
    re.compile(r"(?P<camera>\d+)-\d{4}_\d\d_\d\d_(?P<hour>\d\d)(?P<minute>\d\d)\d\d"),
    re.compile(r"camera_(?P<camera>\d+)_(?:\d{4}-\d\d-\d\d_)?(?P<hour>\d\d)-(?P<minute>\d\d)-\d\d"),
)
_DAY_H, _NIGHT_H = (7.67, 18.5), (6.0, 20.0)  # by day within the first two; by night outside the last two
_WIDEST_PX = 960  # frames of 1080p are reduced: their detail is that of the JPEG
_JPEG_QUALITY = 92
"""Higher than that of the frames as published, so that their noise stays as it is."""


@dataclass(frozen=True)
class TrafficFrame:
    """One frame as its name describes it.

    Attributes:
        path: of the image.
        camera: number of the camera, in words.
        light: "day", "dusk" or "night".
    """

    path: Path
    camera: str
    light: str


def read_name(path: Path) -> TrafficFrame | None:
    """Return the frame of a file with such a name, or None for another file."""
    for pattern in _NAMES:
        found = pattern.fullmatch(path.stem)
        if found:
            hour = int(found["hour"]) + int(found["minute"]) / 60
            return TrafficFrame(path, found["camera"], light_of(hour))
    return None


def light_of(hour: float) -> str:
    """Return the light at an hour of the day in Singapore: "day", "dusk" (or dawn) or "night"."""
    if _DAY_H[0] <= hour < _DAY_H[1]:
        return "day"
    return "night" if hour < _NIGHT_H[0] or hour >= _NIGHT_H[1] else "dusk"


def sort_frames(
    folders: Sequence[Path], output: Path, progress: Progress, *, most: int = 14
) -> dict[str, Counter[str]]:
    """Write a folder per camera with frames `LIGHT_NAME.jpg` and `overlay.png`.

    Args:
        folders: with frames, at any depth.
        output: where cameras go.
        progress: called with step, done, total.
        most: frames of each light and camera, evenly over the clock.

    Returns:
        The number of frames of each light, by camera; cameras without day or without night are left out.

    Raises:
        SceneError: no frame has a name of the two collections.
        ImageError: a folder or a frame cannot be read.
        OutputError: the output cannot be written.
    """
    cameras: dict[str, list[TrafficFrame]] = defaultdict(list)
    for folder in folders:
        for name in list_images(folder):
            frame = read_name(folder / name)
            if frame is not None:
                cameras[frame.camera].append(frame)
    if not cameras:
        raise SceneError(f"no frames of traffic cameras in {', '.join(map(str, folders))}; see docs/training_images.md")
    written = {}
    for done, (camera, frames) in enumerate(sorted(cameras.items())):
        progress(f"camera {camera}", done, len(cameras))
        if {"day", "night"} <= {frame.light for frame in frames}:
            written[camera] = _write_camera(frames, output / camera, most)
    return written


def _write_camera(frames: Sequence[TrafficFrame], folder: Path, most: int) -> Counter[str]:
    """Write the frames of one camera that have its commonest size, and the overlay; return their number by light."""
    images = list(_chosen(frames, most))
    size = Counter(image.shape for _, image in images).most_common(1)[0][0]
    images = [(frame, image) for frame, image in images if image.shape == size]
    by_light = {light: [image for frame, image in images if frame.light == light] for light in ("day", "night")}
    for frame, image in images:
        with atomic_file(folder / f"{frame.light}_{frame.path.stem}.jpg") as temporary:
            temporary.write_bytes(_encoded(image, ".jpg"))
    overlay = find_overlay(by_light["day"], by_light["night"]).astype(np.uint8) * 255
    with atomic_file(folder / OVERLAY) as temporary:
        temporary.write_bytes(_encoded(overlay, ".png"))
    return Counter(frame.light for frame, _ in images)


def _chosen(frames: Sequence[TrafficFrame], most: int) -> Iterator[tuple[TrafficFrame, NDArray[np.uint8]]]:
    for light in ("day", "dusk", "night"):
        lit = sorted((frame for frame in frames if frame.light == light), key=lambda frame: frame.path.name)
        for index in np.unique(np.linspace(0, len(lit) - 1, min(most, len(lit))).round().astype(int)):
            yield lit[index], _reduced(read_image(lit[index].path))


def _reduced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    if width <= _WIDEST_PX:
        return image
    size = (_WIDEST_PX, round(height * _WIDEST_PX / width))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _encoded(image: NDArray[np.uint8], suffix: str) -> bytes:
    pixels = image[:, :, ::-1] if image.ndim == 3 else image
    _, encoded = cv2.imencode(suffix, pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if suffix == ".jpg" else [])
    return encoded.tobytes()
