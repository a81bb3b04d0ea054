# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 extract`: features of images into an HDF5 file."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfd2_ros.core.errors import ImageError, OutputError
from sfd2_ros.tools.options import (
    device_option,
    json_option,
    model_option,
    overwrite_option,
    progress_bar,
    refuse_same_path,
    rotate_option,
    weights_option,
    write_json,
)
from sfd2_ros.tools.ready_extractor import ready_extractor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.features import Extractor


@click.command("extract")
@click.argument("images", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="HDF5 file to write (feats.h5).")
@click.option("--overlay", type=click.Path(path_type=Path), help="Folder for images with drawn keypoints.")
@click.option(
    "--max-keypoints", type=int, default=2048, show_default=True, help="Maximum number of keypoints of an image."
)
@click.option(
    "--max-side",
    type=int,
    default=1600,
    show_default=True,
    help="Reduce images whose longer side exceeds this, pixels.",
)
@rotate_option
@weights_option
@model_option
@device_option
@json_option
@overwrite_option
def command(
    *,
    images: Path,
    output: Path,
    overlay: Path | None,
    max_keypoints: int,
    max_side: int,
    rotate_deg: int,
    weights: Path | None,
    model: str,
    device: str,
    json_path: Path | None,
    overwrite: bool,
) -> None:
    """Extract features of IMAGES: an image, a folder of images, or a scene folder with images/.

    The file has hloc's layout: one group per image with keypoints, scores, descriptors, image_size and stability.
    Overlays show long-term keypoints in blue, short-term in amber, unstable in red. Images that cannot be read are
    listed with the reason and left out; the exit code is then 1.
    """
    from sfd2_ros.features import ExtractorConfig  # noqa: PLC0415
    from sfd2_ros.features.feature_file import write_features  # noqa: PLC0415

    folder, names = _find_images(images)
    _refuse_existing(output, overlay, overwrite=overwrite)
    refuse_same_path(output, json_path)
    config = ExtractorConfig(max_keypoints=max_keypoints, max_side_px=max_side, rotate_deg=rotate_deg)
    extractor = ready_extractor(weights, device, config, model=model)
    run = _Run(extractor, folder, overlay)
    with progress_bar() as progress:
        extraction = dataclasses.asdict(config)
        write_features(output, run.features_of(names, progress), overwrite=overwrite, extraction=extraction)
    write_json(json_path, run.figures())
    click.echo(f"{output}: {run.keypoints} keypoints in {run.images} images, {run.milliseconds_an_image():.0f} ms each")
    for reason in run.unreadable.values():
        click.echo(f"  left out  {reason}", err=True)
    if run.unreadable:
        raise ImageError(
            f"{len(run.unreadable)} of {len(names)} images cannot be read and are not in {str(output)!r}, the others "
            "are; repair or remove them"
        )


class _Run:
    """Extracts image by image and keeps count."""

    def __init__(self, extractor: Extractor, folder: Path, overlay: Path | None) -> None:
        self._extractor = extractor
        self._folder = folder
        self._overlay = overlay
        self.images = 0
        self.keypoints = 0
        self.unreadable: dict[str, str] = {}
        self._seconds = 0.0

    def features_of(
        self, names: list[str], progress: Callable[[str, int, int], None]
    ) -> Iterator[tuple[str, Features]]:
        """Yield name and features of each image that can be read.

        Raises:
            ImageError: none can, so that no file is written.
        """
        from sfd2_ros.features.images import read_image  # noqa: PLC0415

        for done, name in enumerate(names, start=1):
            try:
                image = read_image(self._folder / name)
            except ImageError as err:
                self.unreadable[name] = str(err)
            else:
                yield name, self._features(name, image)
            progress("extracting", done, len(names))
        if self.images == 0:
            first = next(iter(self.unreadable.values()))
            raise ImageError(
                first if len(names) == 1 else f"none of {len(names)} images can be read; the first: {first}"
            )

    def _features(self, name: str, image: NDArray[np.uint8]) -> Features:
        """Extract and count; draw if an overlay folder is given."""
        start = time.perf_counter()
        features = self._extractor(image)
        self._seconds += time.perf_counter() - start
        self.images += 1
        self.keypoints += len(features)
        if self._overlay is not None:
            from sfd2_ros.features.overlay import draw_features, write_png  # noqa: PLC0415

            write_png(self._overlay / f"{name}.png", draw_features(image, features))
        return features

    def milliseconds_an_image(self) -> float:
        """Return the mean time of the extraction alone."""
        return 1000 * self._seconds / self.images

    def figures(self) -> dict[str, object]:
        """Return what `--json` writes."""
        return {
            "images": self.images,
            "keypoints": self.keypoints,
            "unreadable": self.unreadable,
            "milliseconds_an_image": round(self.milliseconds_an_image(), 1),
            "device": str(self._extractor.device),
            "precision": str(self._extractor.precision.dtype).removeprefix("torch."),
            "weights_id": self._extractor.weights_id,
        }


def _find_images(images: Path) -> tuple[Path, list[str]]:
    """Return the folder that names are relative to, and the names."""
    from sfd2_ros.core.files import is_utf8  # noqa: PLC0415
    from sfd2_ros.features.images import list_images  # noqa: PLC0415

    if not images.exists():
        raise ImageError(f"no image or folder at {str(images)!r}; name an image, a folder of images or a scene folder")
    if images.is_file():
        if not is_utf8(images.name):
            raise ImageError(f"the name of image {str(images)!r} is not UTF-8; rename the image")
        return images.parent, [images.name]
    folder = images / "images" if (images / "images").is_dir() else images
    return folder, list_images(folder)


def _refuse_existing(output: Path, overlay: Path | None, *, overwrite: bool) -> None:
    from sfd2_ros.core.files import refuse_existing  # noqa: PLC0415

    refuse_existing(output, overwrite=overwrite)
    if overlay is not None and overlay.exists() and not overlay.is_dir():
        raise OutputError(f"overlay {str(overlay)!r} is a file; a folder is needed; give another path")
    if overlay is not None and overlay.is_dir() and any(overlay.iterdir()):
        refuse_existing(overlay, overwrite=overwrite)
