# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 localize`: offline, through the same code as the node."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from sfd2_ros.core.errors import CameraError, ImageError
from sfd2_ros.core.files import refuse_existing
from sfd2_ros.core.types import Status
from sfd2_ros.tools.options import (
    device_option,
    json_option,
    overwrite_option,
    progress_bar,
    quiet_colmap,
    refuse_same_path,
    rotate_option,
    weights_option,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_ros.core.types import Camera, PoseEstimate
    from sfd2_ros.mapping import Map


@click.command("localize")
@click.argument("map_path", metavar="MAP", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Pose file to write.")
@click.option(
    "--list",
    "list_path",
    help="Image names, one a line, with or without intrinsics as hloc has them; looked for in IMAGES first.",
)
@click.option(
    "--camera", help="Intrinsics: a scene, a calibration file or MODEL,w,h,params. Default: the list's or the scene's."
)
@rotate_option
@weights_option
@device_option
@json_option
@overwrite_option
def command(
    *,
    map_path: Path,
    images: Path,
    output: Path,
    list_path: str | None,
    camera: str | None,
    rotate_deg: int,
    weights: Path | None,
    device: str,
    json_path: Path | None,
    overwrite: bool,
) -> None:
    """Localize IMAGES in MAP.

    IMAGES is a scene folder, a folder of images or one image. Poses of localized images are written as
    `name qw qx qy qz tx ty tz` (cam_from_map); statuses, inliers and covariances go beside them as JSON. What is
    refused has no pose, and its reason stands in the JSON. An image that cannot be read is refused as bad_image; the
    others are localized and written, and the exit code is 1.
    """
    from sfd2_ros.evaluation.batch import localize_images  # noqa: PLC0415
    from sfd2_ros.evaluation.poses_file import check_names, details_path, write_poses  # noqa: PLC0415
    from sfd2_ros.localization import Localizer  # noqa: PLC0415
    from sfd2_ros.mapping import load_map  # noqa: PLC0415

    quiet_colmap()
    details = details_path(output)
    for path in (output, details):
        refuse_existing(path, overwrite=overwrite)
        refuse_same_path(path, json_path)
    map_ = load_map(map_path)
    names, folder, camera_of = _queries(images, list_path, camera)
    check_names(names)
    extractor = extractor_for(map_, weights, device, rotate_deg=rotate_deg)
    localizer = Localizer(map_, device=str(extractor.device))
    estimates: dict[str, PoseEstimate] = {}
    with progress_bar() as progress:
        stream = localize_images(localizer, extractor, names, image_folder=folder, camera_of=camera_of)
        for done, (name, estimate) in enumerate(stream, start=1):
            estimates[name] = estimate
            progress("localize", done, len(names))
    write_poses(output, estimates)
    figures = _figures(map_, estimates)
    write_json(json_path, figures)
    click.echo(f"{output}: {figures['localized']} of {len(estimates)} localized; details in {details}")
    for reason, count in figures["reasons"].items():
        click.echo(f"  refused {count:5d}  {reason}")
    _fail_on_bad_images(estimates)


def _fail_on_bad_images(estimates: dict[str, PoseEstimate]) -> None:
    """Let the exit code say that images could not be read, after the poses of the others are written."""
    bad = [one.reason for one in estimates.values() if one.status is Status.BAD_IMAGE]
    if bad:
        raise ImageError(
            f"{len(bad)} of {len(estimates)} images cannot be read and are refused as bad_image, the others are done; "
            f"the first: {bad[0]}"
        )


def _queries(
    images: Path, list_path: str | None, camera: str | None
) -> tuple[list[str], Path, Callable[[str], Camera]]:
    """Return names, the folder that they are relative to, and where their intrinsics come from."""
    from sfd2_ros.features.images import list_images  # noqa: PLC0415
    from sfd2_ros.mapping.camera_source import given_cameras  # noqa: PLC0415
    from sfd2_ros.mapping.image_list import ImageList, read_query_list  # noqa: PLC0415
    from sfd2_ros.mapping.scene import (  # noqa: PLC0415
        check_image_files,
        find_list,
        is_scene,
        load_scene,
    )

    if images.is_file():
        if list_path is not None:
            raise click.UsageError("--list is for a folder of images, IMAGES is one file")
        listed, folder, scene = ImageList([images.name], {}), images.parent, None
    elif images.is_dir():
        scene = load_scene(images) if is_scene(images) else None
        folder = images / "images" if (images / "images").is_dir() else images
        listed = (
            ImageList(list_images(folder), {}) if list_path is None else read_query_list(find_list(images, list_path))
        )
    else:
        raise ImageError(f"images {str(images)!r} do not exist; name a scene, a folder of images or an image")
    check_image_files(folder, listed.names)
    camera_of = given_cameras(camera, listed) or (scene.camera_of if scene is not None else None)
    if camera_of is not None:
        return listed.names, folder, camera_of
    raise CameraError(
        f"{str(images)!r} has no model with intrinsics; name them with --camera: a scene folder, a camera_info YAML, "
        "or MODEL,w,h,params such as PINHOLE,640,480,500,500,320,240"
    )


def extractor_for(map_: Map, weights: Path | None, device: str, *, rotate_deg: int = 0) -> Any:
    """Return an extractor with the settings of the map; refuse weights that the map was not made with.

    How images are turned is a matter of the camera and not of the map: `rotate_deg` is of the queries.
    """
    from sfd2_ros.core.config import config_from_mapping  # noqa: PLC0415
    from sfd2_ros.core.errors import ConfigError, MapError  # noqa: PLC0415
    from sfd2_ros.features.extractor import ExtractorConfig, load_extractor  # noqa: PLC0415

    try:
        config = config_from_mapping(ExtractorConfig, {**map_.extraction, "rotate_deg": rotate_deg})
    except ConfigError as err:
        raise MapError(f"map {str(map_.folder)!r} was made by another version: {err}; build it again") from err
    extractor = load_extractor(weights, device, config=config)
    if extractor.weights_id != map_.weights_id:
        raise MapError(
            f"map {str(map_.folder)!r} was made with weights {map_.weights_id!r}, these are {extractor.weights_id!r}; "
            "name the map's weights with --weights, or build the map again"
        )
    return extractor


def _figures(map_: Map, estimates: dict[str, PoseEstimate]) -> dict[str, Any]:
    refused = Counter(one.status.value for one in estimates.values() if not one.is_localized)
    inliers = [one.evidence.num_inliers for one in estimates.values() if one.is_localized]
    return {
        "queries": len(estimates),
        "localized": len(inliers),
        "refused": len(estimates) - len(inliers),
        "reasons": dict(refused.most_common()),
        "median_inliers": float(np.median(inliers)) if inliers else None,
        "map_id": map_.map_id,
        "weights_id": map_.weights_id,
    }
