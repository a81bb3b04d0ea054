# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map`: build, inspect and check maps; merge, view and export have files of their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfd2_ros.core.errors import MapError, SceneError
from sfd2_ros.core.files import claimed_folder, refuse_existing_folder
from sfd2_ros.tools import map_export, map_merge, map_view
from sfd2_ros.tools.map_from_bag import build_drive, build_trusting_poses, build_with_trajectory
from sfd2_ros.tools.options import (
    device_option,
    is_given,
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
    from sfd2_ros.mapping import MapBuilder, MapReport


_OF_EXTRACTION = {"max_keypoints": "--max-keypoints", "rotate_deg": "--rotate"}


@click.group("map")
def command() -> None:
    """Build, inspect, view, check, merge and export maps."""


command.add_command(map_export.command)
command.add_command(map_merge.command)
command.add_command(map_view.command)


@command.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the new map.")
@click.option(
    "--list", "list_name", help="File of image names, one a line. Default: map.txt if it exists, otherwise all images."
)
@click.option(
    "--camera", help="Image folder: intrinsics, from a scene, a map, a calibration file or as MODEL,w,h,params."
)
@click.option(
    "--max-keypoints", type=int, default=2048, show_default=True, help="Maximum number of keypoints of an image."
)
@click.option(
    "--features", "features_path", type=click.Path(path_type=Path), help="Scene: features to use, of sfd2 extract."
)
@click.option("--matches", "matches_path", type=click.Path(path_type=Path), help="Scene: their matches, as of hloc.")
@click.option("--refine-poses", is_flag=True, help="Scene: refine the given poses together with the landmarks.")
@click.option(
    "--image-topic",
    "image_topics",
    multiple=True,
    help="Bag: image topic to map; may be repeated. Default: one topic of each camera that has camera_info.",
)
@click.option("--frame", help="Bag: TF frame of the poses. [default: odom]")
@click.option("--pose-topic", help="Bag: topic with Odometry or stamped poses of base_link, used instead of TF.")
@click.option("--gnss-topic", help="Bag: topic of NavSatFix; none: ignore GNSS. [default: the topic, if only one]")
@click.option("--trajectory", type=click.Path(path_type=Path), help="Image folder: its TUM poses. Needs --camera.")
@click.option("--trust-poses", is_flag=True, help="Bag: keep the poses of odometry; loops are not closed.")
@click.option("--every-m", type=float, help="Bag, --trajectory: metres between two keyframes. [default: 0.5]")
@click.option("--colmap", is_flag=True, help="Not for a bag: write the COLMAP model too; `map export` can do it later.")
@rotate_option
@weights_option
@model_option
@device_option
@json_option
@overwrite_option
@click.pass_context
def build(
    context: click.Context,
    /,
    *,
    source: Path,
    output: Path,
    list_name: str | None,
    camera: str | None,
    max_keypoints: int,
    features_path: Path | None,
    matches_path: Path | None,
    refine_poses: bool,
    trajectory: Path | None,
    trust_poses: bool,
    colmap: bool,
    rotate_deg: int,
    weights: Path | None,
    model: str,
    device: str,
    json_path: Path | None,
    overwrite: bool,
    **bag_options: Any,
) -> None:
    """Build a map from SOURCE.

    Bag: SOURCE is a rosbag2 with images, camera_info and odometry on TF. A keyframe of all cameras is taken every half
    metre, loops are closed, recorded GNSS is used, and a report is written beside the map.

    Scene: SOURCE has images/ and poses in metres: a COLMAP model in sparse/, or those of nerfstudio, OpenSfM or
    kapture. Landmarks are triangulated under these poses.

    Image folder: SOURCE has images of one camera. With --trajectory the map is built as from a bag; without it, by
    structure from motion, with arbitrary scale and frame.
    """
    from sfd2_ros.bags.reader import is_bag  # noqa: PLC0415
    from sfd2_ros.features import ExtractorConfig  # noqa: PLC0415
    from sfd2_ros.mapping import MapBuilder, MapConfig  # noqa: PLC0415
    from sfd2_ros.mapping.map_store import MARKER  # noqa: PLC0415

    quiet_colmap()
    from_bag = is_bag(source)
    bag_options = {name: value for name, value in bag_options.items() if value}
    given = _given_files(context, features_path, matches_path, from_bag=from_bag)
    _refuse_colmap(colmap=colmap, is_drive=from_bag or trajectory is not None)
    if from_bag:
        _refuse_for_a_bag(camera, list_name, trajectory, refine_poses=refine_poses and not trust_poses)
    else:
        options = [name for name in bag_options if name != "every_m" or trajectory is None]
        _refuse_for_a_folder(source, [*options, *(["trust_poses"] if trust_poses else [])])
    refuse_existing_folder(output, overwrite=overwrite, marker=MARKER)
    refuse_same_path(output, json_path)
    settings = ExtractorConfig(max_keypoints=max_keypoints, rotate_deg=rotate_deg)
    extractor = ready_extractor(weights, device, settings, model=model)
    config = MapConfig(refine_poses=refine_poses)
    more: dict[str, Any] = {}
    with progress_bar() as progress, claimed_folder(output, overwrite=overwrite, marker=MARKER):
        builder = MapBuilder(extractor, config, progress, colmap=colmap)
        mapping = (extractor, config, progress)
        if trajectory is not None:
            given_by = (trajectory, camera, list_name, bag_options.get("every_m"))
            report, more = build_with_trajectory(mapping, source, output, given_by, overwrite=overwrite)
        elif not from_bag:
            report = _build(builder, source, output, list_name, camera, given=given, overwrite=overwrite)
        elif trust_poses:
            report = build_trusting_poses(builder, source, output, bag_options, progress, overwrite=overwrite)
        else:
            report, more = build_drive(mapping, source, output, bag_options, overwrite=overwrite)
    figures = {**dataclasses.asdict(report), "weights_id": extractor.weights_id, **more}
    write_json(json_path, figures)
    click.echo(
        f"{output}: {report.images} of {report.images_given} images, {report.landmarks} landmarks, "
        f"{report.reprojection_error_px:.2f} px mean reprojection error"
    )


def _refuse_colmap(*, colmap: bool, is_drive: bool) -> None:
    if colmap and is_drive:
        raise click.UsageError(
            "--colmap is for a scene or images; of a drive's map, `sfd2 map export` writes the model"
        )


def _given_files(
    context: click.Context, features: Path | None, matches: Path | None, *, from_bag: bool
) -> tuple[Path, Path] | None:
    if (features is None) != (matches is None):
        raise click.UsageError("--features and --matches belong together; name both")
    if features is None or matches is None:
        return None
    if from_bag:
        raise click.UsageError("--features and --matches are for a scene folder; the source is a bag")
    if extra := [option for name, option in _OF_EXTRACTION.items() if is_given(context, name)]:
        raise click.UsageError(f"{extra[0]} is for the extraction; with --features give it to sfd2 extract")
    return features, matches


def _refuse_for_a_bag(
    camera: str | None, list_name: str | None, trajectory: Path | None, *, refine_poses: bool
) -> None:
    if trajectory is not None:
        raise click.UsageError("--trajectory is for a folder of images; a bag has odometry on TF, or --pose-topic")
    if camera is not None or list_name is not None:
        raise click.UsageError("--camera and --list are for folders; a bag has camera_info and --image-topic")
    if refine_poses:
        raise click.UsageError("--refine-poses is for given poses; those of a bag are optimised without --trust-poses")


def _refuse_for_a_folder(source: Path, bag_options: list[str]) -> None:
    if not source.is_dir():
        raise SceneError(f"source {str(source)!r} is no folder and no bag; name a scene, a folder of images or a bag")
    if bag_options:
        raise click.UsageError(f"--{bag_options[0].replace('_', '-')} is for a bag; {source} is a folder")


def _build(
    builder: MapBuilder,
    source: Path,
    output: Path,
    list_name: str | None,
    camera: str | None,
    *,
    given: tuple[Path, Path] | None,
    overwrite: bool,
) -> MapReport:
    from sfd2_ros.features.images import list_images  # noqa: PLC0415
    from sfd2_ros.mapping.camera_source import given_cameras  # noqa: PLC0415
    from sfd2_ros.mapping.hloc_files import read_given  # noqa: PLC0415
    from sfd2_ros.mapping.image_list import ImageList, read_query_list  # noqa: PLC0415
    from sfd2_ros.mapping.model_places import is_scene, what_is_not_there  # noqa: PLC0415
    from sfd2_ros.mapping.scene import check_image_files, find_list, load_scene  # noqa: PLC0415

    chosen = "map.txt" if list_name is None and (source / "map.txt").is_file() else list_name
    if is_scene(source):
        if camera is not None:
            raise click.UsageError("--camera is for a plain folder of images; a scene has its intrinsics in sparse/")
        scene = load_scene(source)
        images = list(scene.images.values()) if chosen is None else scene.select(chosen)
        check_image_files(scene.image_folder, [image.name for image in images])
        matches = None if given is None else read_given(*given, images, weights_id=builder.weights_id)
        return builder.from_poses(images, scene.image_folder, output, given=matches, overwrite=overwrite)
    if given is not None:
        raise click.UsageError("--features and --matches are for a scene folder with poses; this one has no model")
    folder = source / "images" if (source / "images").is_dir() else source
    listed = ImageList(list_images(folder), {}) if chosen is None else read_query_list(find_list(source, chosen))
    check_image_files(folder, listed.names)
    click.echo(what_is_not_there(source), err=True)
    camera_of = given_cameras(camera, listed)
    known = None if camera_of is None else list(map(camera_of, listed.names))
    return builder.from_images(listed.names, folder, output, cameras=known, overwrite=overwrite)


@command.command()
@click.argument("path", metavar="MAP", type=click.Path(path_type=Path))
@click.option("--plan", type=click.Path(path_type=Path), help="Draw landmarks and cameras from above into a PNG file.")
@json_option
def info(path: Path, plan: Path | None, json_path: Path | None) -> None:
    """Print content and size of a MAP."""
    from sfd2_ros.mapping import load_map  # noqa: PLC0415
    from sfd2_ros.mapping.manifest import made_by, read_manifest  # noqa: PLC0415

    if plan is not None:
        map_view.check_plan_path(plan, json_path)
    manifest = read_manifest(path)
    loaded = load_map(path, verify=False)
    figures = {
        **manifest["counts"],
        "descriptor_dimension": loaded.landmarks.descriptors.dimension,
        "descriptor_bits": loaded.landmarks.descriptors.bits,
        "bytes_per_landmark": round(loaded.size_bytes / max(len(loaded.landmarks), 1)),
        "format_version": manifest["format_version"],
        "bytes": loaded.size_bytes,
        "bytes_per_image": round(loaded.size_bytes / len(loaded.images)),
        "units": loaded.units,
        "reference_pose_nees": None if loaded.reference_pose_nees is None else round(loaded.reference_pose_nees, 2),
        "frame_id": loaded.frame_id,
        "weights_id": loaded.weights_id,
        "map_id": loaded.map_id,
        **made_by(manifest["provenance"]),
    }
    write_json(json_path, figures)
    if plan is not None:
        map_view.write_plan(loaded, plan)
    for key, value in figures.items():
        click.echo(f"{key:>22}  {value}")


@command.command()
@click.argument("path", metavar="MAP", type=click.Path(path_type=Path))
def check(path: Path) -> None:
    """Verify a MAP: checksums, arrays, and agreement with its COLMAP model where it has one."""
    from sfd2_ros.mapping.map_check import map_problems  # noqa: PLC0415

    quiet_colmap()
    problems = map_problems(path)
    if problems:
        raise MapError(f"map {str(path)!r} is damaged: {'; '.join(problems)}; build or copy it again")
    click.echo(f"{path}: valid")
