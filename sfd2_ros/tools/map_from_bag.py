# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map build BAG`: a map of a robot's own drive."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sfd2_ros.core.drive import Drive
    from sfd2_ros.mapping import MapBuilder, MapConfig, MapReport
    from sfd2_ros.mapping.drive.mapper import DriveMapper
    from sfd2_ros.mapping.match_images import FeatureExtractor, Progress

    Mapping = tuple[FeatureExtractor, MapConfig, Progress]


def build_trusting_poses(
    builder: MapBuilder, source: Path, output: Path, options: dict[str, Any], progress: Progress, *, overwrite: bool
) -> MapReport:
    """Build the map of a bag under the poses of odometry."""
    from sfd2_ros.bags.bag_scene import BagSceneConfig, extract_bag_scene  # noqa: PLC0415
    from sfd2_ros.bags.reader import BagReader  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="sfd2_bag_") as work:
        with BagReader(source) as bag:
            scene = extract_bag_scene(bag, Path(work), BagSceneConfig(**options), progress)
        _echo_counts(source, scene, len(scene.images))
        cameras = [one.name.partition("/")[0] for one in scene.images]
        # Images of a camera follow each other; farther apart odometry drifts and proves nothing.
        follow = [(i, i + 1) for i in range(len(cameras) - 1) if cameras[i] == cameras[i + 1]]
        return builder.from_poses(scene.images, Path(work), output, neighbours=follow, overwrite=overwrite)


def build_drive(
    mapping: Mapping,
    source: Path,
    output: Path,
    options: dict[str, Any],
    *,
    overwrite: bool,
) -> tuple[MapReport, dict[str, Any]]:
    """Build the map of a bag with consistent poses; return its report and the figures of the drive.

    Images and features lie in a folder beside the map until it is there: a build that was killed goes on with them.
    """
    from sfd2_ros.bags.bag_drive import extract_bag_drive  # noqa: PLC0415
    from sfd2_ros.bags.bag_scene import BagSceneConfig  # noqa: PLC0415
    from sfd2_ros.bags.reader import BagReader  # noqa: PLC0415
    from sfd2_ros.mapping.drive.mapper import DriveMapper  # noqa: PLC0415

    extractor, config, progress = mapping
    work = work_folder(output)
    mapper = DriveMapper(extractor, work, config, progress=progress)
    images = work / "images"
    images.mkdir(parents=True, exist_ok=True)
    with BagReader(source) as bag:
        taken = extract_bag_drive(bag, images, BagSceneConfig(**options), progress)
    _echo_counts(source, taken, taken.images)
    return _build(mapper, taken.drive, images, output, overwrite=overwrite)


def build_with_trajectory(
    mapping: Mapping,
    source: Path,
    output: Path,
    given_by: tuple[Path, str | None, str | None, float | None],
    *,
    overwrite: bool,
) -> tuple[MapReport, dict[str, Any]]:
    """Build the map of a folder of images that are named by their time, with a TUM trajectory for odometry.

    Args:
        mapping: extractor, settings, progress.
        source: folder of images.
        output: folder of the map.
        given_by: the trajectory, the source of intrinsics, the list of images, the metres between keyframes.
        overwrite: replace an existing map.
    """
    from sfd2_ros.bags.bag_drive import sharpness_of  # noqa: PLC0415
    from sfd2_ros.bags.bag_scene import BagSceneConfig  # noqa: PLC0415
    from sfd2_ros.bags.image_drive import drive_of_images  # noqa: PLC0415
    from sfd2_ros.core.transforms import inverse  # noqa: PLC0415
    from sfd2_ros.evaluation.trajectory_file import check_stamps, read_tum  # noqa: PLC0415
    from sfd2_ros.features.images import list_images, read_image  # noqa: PLC0415
    from sfd2_ros.mapping.camera_source import camera_source  # noqa: PLC0415
    from sfd2_ros.mapping.drive.mapper import DriveMapper  # noqa: PLC0415
    from sfd2_ros.mapping.image_list import read_query_list  # noqa: PLC0415
    from sfd2_ros.mapping.scene import check_image_files, find_list  # noqa: PLC0415

    extractor, config, progress = mapping
    trajectory, camera, list_name, every_m = given_by
    if camera is None:
        raise click.UsageError("--trajectory needs the intrinsics of the images: --camera")
    mapper = DriveMapper(extractor, work_folder(output), config, progress=progress)
    names = list_images(source) if list_name is None else read_query_list(find_list(source, list_name)).names
    check_image_files(source, names)
    stamps = check_stamps(names)
    settings = BagSceneConfig() if every_m is None else BagSceneConfig(every_m=every_m)
    drive = drive_of_images(
        stamps,
        camera_source(camera)(names[0]),
        {stamp: inverse(pose) for stamp, pose in read_tum(trajectory).items()},
        lambda name: sharpness_of(read_image(source / name)),
        every_m=settings.every_m,
        every_deg=settings.every_deg,
    )
    return _build(mapper, drive, source, output, overwrite=overwrite)


def _build(
    mapper: DriveMapper, drive: Drive, images: Path, output: Path, *, overwrite: bool
) -> tuple[MapReport, dict[str, Any]]:
    """Build map and report of a drive; what a killed build would need again is removed."""
    from sfd2_ros.mapping.drive.report import figures, write_report  # noqa: PLC0415

    folder = report_folder(output)
    report, found = mapper.build(drive, images, output, overwrite=overwrite)
    write_report(folder, drive, found, report)
    shutil.rmtree(work_folder(output), ignore_errors=True)
    said = figures(drive, found)
    click.echo(
        f"{said['keyframes']} keyframes on {said['way_m']:.0f} m, {said['loops']} loops closed, "
        f"{said['loops_rejected']} rejected; report in {folder}"
    )
    for note in found.notes:
        click.echo(f"  {note}")
    return report, {"drive": said}


def work_folder(output: Path) -> Path:
    """Return the folder of what a build that was killed need not do again."""
    return output.with_name(f".{output.name}.work")


def report_folder(output: Path) -> Path:
    """Return the folder of the report of a map."""
    return output.with_name(f"{output.name}_report")


def _echo_counts(source: Path, counts: Any, taken: int) -> None:
    click.echo(
        f"{source}: {taken} of {counts.offered} images taken, {counts.without_pose} had no pose, "
        f"{counts.without_camera} no fitting camera_info, {counts.unreadable} could not be read"
    )
    for note in counts.notes:
        click.echo(f"  {note}")
