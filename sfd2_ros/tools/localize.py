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
from sfd2_ros.core.files import claimed_file
from sfd2_ros.core.types import Status
from sfd2_ros.tools.options import (
    device_option,
    json_option,
    model_option,
    overwrite_option,
    progress_bar,
    quiet_colmap,
    refuse_same_path,
    rotate_option,
    weights_option,
    write_json,
)
from sfd2_ros.tools.ready_extractor import ready_extractor

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_ros.core.types import Camera
    from sfd2_ros.localization import Result
    from sfd2_ros.mapping import Map


@click.command("localize")
@click.argument("map_path", metavar="MAP", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Pose file to write.")
@click.option("--tum", type=click.Path(path_type=Path), help="Write a TUM trajectory too; image names are time stamps.")
@click.option(
    "--kitti", type=click.Path(path_type=Path), help="Write a KITTI trajectory too; only if all images are localized."
)
@click.option(
    "--list",
    "list_path",
    help="File with image names, one a line, with or without intrinsics as in hloc's lists; first searched in IMAGES. "
    "Default: all images.",
)
@click.option(
    "--camera", help="Intrinsics: a scene, a calibration file or MODEL,w,h,params. Default: the list's or the scene's."
)
@rotate_option
@weights_option
@model_option
@device_option
@json_option
@overwrite_option
def command(
    *,
    map_path: Path,
    images: Path,
    output: Path,
    tum: Path | None,
    kitti: Path | None,
    list_path: str | None,
    camera: str | None,
    rotate_deg: int,
    weights: Path | None,
    model: str,
    device: str,
    json_path: Path | None,
    overwrite: bool,
) -> None:
    """Localize IMAGES in MAP.

    IMAGES is a scene folder, a folder of images or one image. The output has one line `name qw qx qy qz tx ty tz`
    (cam_from_map) for each localized image; a rejected image has no line. Statuses, reasons, inliers and covariances
    are written beside it as JSON.

    Without --weights and --model, the shipped weights that the map was built with are used.

    An image that cannot be read is rejected as bad_image. The others are localized, and the exit code is 1.
    """
    from sfd2_ros.evaluation.batch import localize_images  # noqa: PLC0415
    from sfd2_ros.evaluation.poses_file import check_names, details_path, write_poses  # noqa: PLC0415
    from sfd2_ros.evaluation.trajectory_file import check_stamps, write_kitti, write_tum  # noqa: PLC0415
    from sfd2_ros.localization import Localizer  # noqa: PLC0415
    from sfd2_ros.mapping import load_map  # noqa: PLC0415

    quiet_colmap()
    details = details_path(output)
    trajectories = [path for path in (tum, kitti) if path is not None]
    for path in (output, details, *trajectories):
        refuse_same_path(path, json_path)
        click.get_current_context().with_resource(claimed_file(path, overwrite=overwrite))
    _refuse_same_outputs([output, details, *trajectories])
    map_ = load_map(map_path)
    names, folder, camera_of = _queries(images, list_path, camera)
    check_names(names)
    if tum is not None:
        check_stamps(names)
    extractor = extractor_for(map_, weights, device, rotate_deg=rotate_deg, model=model)
    localizer = Localizer(map_, device=str(extractor.device))
    estimates: dict[str, Result] = {}
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
        click.echo(f"  rejected {count:5d}  {reason}")
    if tum is not None:
        write_tum(tum, estimates)
    if kitti is not None:
        write_kitti(kitti, estimates)
    _fail_on_bad_images(estimates)


def _refuse_same_outputs(paths: list[Path]) -> None:
    """Reject one path for two outputs: the later would replace the earlier."""
    for path, count in Counter(path.resolve() for path in paths).items():
        if count > 1:
            raise click.UsageError(f"{str(path)!r} is named for two outputs; name another file")


def _fail_on_bad_images(estimates: dict[str, Result]) -> None:
    """Fail when images could not be read, after the poses of the others are written."""
    bad = [estimate.reason for estimate in estimates.values() if estimate.status is Status.BAD_IMAGE]
    if bad:
        raise ImageError(
            f"{len(bad)} of {len(estimates)} images cannot be read and are rejected as bad_image; the others are "
            f"written; the first: {bad[0]}"
        )


def _queries(
    images: Path, list_path: str | None, camera: str | None
) -> tuple[list[str], Path, Callable[[str], Camera]]:
    """Return names, the folder that they are relative to, and where their intrinsics come from."""
    from sfd2_ros.features.images import list_images  # noqa: PLC0415
    from sfd2_ros.mapping.camera_source import given_cameras  # noqa: PLC0415
    from sfd2_ros.mapping.image_list import ImageList, read_query_list  # noqa: PLC0415
    from sfd2_ros.mapping.model_places import is_scene  # noqa: PLC0415
    from sfd2_ros.mapping.scene import check_image_files, find_list, load_scene  # noqa: PLC0415

    if images.is_file():
        if list_path is not None:
            raise click.UsageError("--list is for a folder of images, IMAGES is one file")
        listed, folder, scene = ImageList([images.name], {}), images.parent, None
    elif images.is_dir():
        scene = load_scene(images) if is_scene(images) else None
        plain = images / "images" if (images / "images").is_dir() else images
        folder = plain if scene is None else scene.image_folder
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


def extractor_for(map_: Map, weights: Path | None, device: str, *, rotate_deg: int = 0, model: str = "") -> Any:
    """Return an extractor with the settings of the map; reject weights that the map was not made with.

    Without weights and model, the shipped file that the map names is taken.

    `rotate_deg` is a property of the camera that took the queries, not of the map.
    """
    from sfd2_ros.core.config import config_from_mapping  # noqa: PLC0415
    from sfd2_ros.core.errors import ConfigError, MapError  # noqa: PLC0415
    from sfd2_ros.features import ExtractorConfig  # noqa: PLC0415
    from sfd2_ros.features.models import shipped_file_of  # noqa: PLC0415

    try:
        config = config_from_mapping(ExtractorConfig, {**map_.extraction, "rotate_deg": rotate_deg})
    except ConfigError as err:
        raise MapError(f"map {str(map_.folder)!r} was made by another version: {err}; build it again") from err
    if weights is None and not model:
        weights = shipped_file_of(map_.weights_id)
    extractor = ready_extractor(weights, device, config, model=model)
    if extractor.weights_id != map_.weights_id:
        raise MapError(
            f"map {str(map_.folder)!r} was made with weights {map_.weights_id!r}, these are {extractor.weights_id!r}; "
            "name the map's weights with --weights, or build the map again"
        )
    return extractor


def _figures(map_: Map, estimates: dict[str, Result]) -> dict[str, Any]:
    localized = [estimate for estimate in estimates.values() if estimate.status is Status.LOCALIZED]
    refused = Counter(e.status.value for e in estimates.values() if e.status is not Status.LOCALIZED)
    inliers = [estimate.evidence.num_inliers for estimate in localized]
    return {
        "queries": len(estimates),
        "localized": len(inliers),
        "refused": len(estimates) - len(inliers),
        "reasons": dict(refused.most_common()),
        "median_inliers": float(np.median(inliers)) if inliers else None,
        "map_id": map_.map_id,
        "weights_id": map_.weights_id,
    }
