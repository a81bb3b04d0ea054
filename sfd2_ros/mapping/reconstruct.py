# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Three-dimensional points from matches, by COLMAP: triangulation under known poses, or structure from motion."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap

from sfd2_ros.core.errors import MapBuildError
from sfd2_ros.geometry.colmap_types import colmap_points
from sfd2_ros.mapping.colmap_io import reconstruction_from_poses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features, PosedImage

LOGGER = logging.getLogger(__name__)
_SEED = 0
MAX_ERROR_PX = 4.0
"""Largest reprojection error of an observation under poses that are exact; COLMAP's default."""


def triangulate(
    images: Sequence[PosedImage],
    features: Sequence[Features],
    matches: Mapping[tuple[int, int], NDArray[np.uint32]],
    *,
    image_folder: Path,
    work_folder: Path,
    refine_poses: bool = False,
    max_error_px: float = MAX_ERROR_PX,
    colours: bool = True,
) -> Any:
    """Triangulate landmarks under known poses.

    Args:
        images: poses and intrinsics, metres.
        features: of each image, in the same order.
        matches: (M, 2) uint32 keypoint indices by image pair (i, j), already verified.
        image_folder: for the colours of points.
        work_folder: an existing folder for COLMAP's database.
        refine_poses: adjust the poses together with the points afterwards, and move the result back onto the given
            poses by a rigid motion and scale.
        max_error_px: largest reprojection error of an observation; larger than the usual one for poses that are near
            but not exact.
        colours: give points the colours of the images, which are read for this.

    Returns:
        pycolmap.Reconstruction; its image ids are the indices of `images` plus one.
    """
    pycolmap.set_random_seed(_SEED)
    reconstruction = reconstruction_from_poses(images)
    database_path = work_folder / "database.db"
    _write_database(database_path, reconstruction, features, matches, verified=True)
    options = pycolmap.IncrementalPipelineOptions()
    # Drives give long thin triangles and few views: two-view tracks and small angles are kept, and judged by error.
    options.triangulation.ignore_two_view_tracks = False
    options.mapper.filter_max_reproj_error = max_error_px
    looser = max_error_px / MAX_ERROR_PX
    options.triangulation.merge_max_reproj_error *= looser
    options.triangulation.complete_max_reproj_error *= looser
    options.triangulation.create_max_angle_error *= looser
    options.triangulation.continue_max_angle_error *= looser
    options.extract_colors = colours
    options.random_seed = _SEED
    result = pycolmap.triangulate_points(
        reconstruction, database_path, image_folder, work_folder, clear_points=True, options=options
    )
    return _refine(result, images) if refine_poses else result


def structure_from_motion(
    image_names: Sequence[str],
    cameras: Sequence[Any],
    features: Sequence[Features],
    matches: Mapping[tuple[int, int], NDArray[np.uint32]],
    *,
    image_folder: Path,
    work_folder: Path,
    refine_intrinsics: bool,
) -> Any:
    """Recover poses and landmarks from matches alone.

    Args:
        image_names: below `image_folder`.
        cameras: a pycolmap.Camera for each image; equal `camera_id` means one physical camera.
        features: of each image.
        matches: (M, 2) uint32 keypoint indices by image pair (i, j), not yet verified.
        image_folder: for the colours of points.
        work_folder: an existing folder for COLMAP's database.
        refine_intrinsics: adjust focal length and distortion too.

    Returns:
        The pycolmap.Reconstruction with the most images; ids are indices plus one. Its scale is arbitrary.

    Raises:
        MapBuildError: the images do not connect.
    """
    pycolmap.set_random_seed(_SEED)
    database_path = work_folder / "database.db"
    # COLMAP's list of pairs knows no names with spaces: images are called by their numbers meanwhile.
    numbers = [str(number) for number in range(len(image_names))]
    _write_database(database_path, _unposed(numbers, cameras), features, matches, verified=False)
    pairs_path = work_folder / "pairs.txt"
    pairs_path.write_text("".join(f"{first} {second}\n" for first, second in matches), encoding="utf-8")
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = _SEED
    pycolmap.verify_matches(database_path, pairs_path, verification)
    options = pycolmap.IncrementalPipelineOptions()
    options.random_seed = _SEED
    # Threads finish in any order, and the pair that a map starts from depends on it.
    options.num_threads = 1
    options.min_model_size = 3
    options.extract_colors = False
    # For an image of another place that fallback tries half a minute before it fails.
    options.structure_less_registration_fallback = False
    options.ba_refine_focal_length = options.ba_refine_extra_params = refine_intrinsics
    options.mapper.abs_pose_refine_focal_length = options.mapper.abs_pose_refine_extra_params = refine_intrinsics
    models = pycolmap.incremental_mapping(database_path, image_folder, work_folder, options)
    if not models:
        raise MapBuildError(
            f"structure from motion found no place that three of {len(image_names)} images show from different spots; "
            "take more images with more overlap, moving sideways between them"
        )
    largest = max(models.values(), key=lambda model: model.num_reg_images())
    for image in largest.images.values():
        image.name = image_names[int(image.name)]
    largest.extract_colors_for_all_images(image_folder)
    return largest


def _unposed(image_names: Sequence[str], cameras: Sequence[Any]) -> Any:
    """Return a reconstruction that only serves to list cameras and images for the database."""
    listed = pycolmap.Reconstruction()
    for image_id, (name, camera) in enumerate(zip(image_names, cameras, strict=True), start=1):
        if not listed.exists_camera(camera.camera_id):
            listed.add_camera_with_trivial_rig(camera)
        image = pycolmap.Image(name=name, camera_id=camera.camera_id, image_id=image_id)
        listed.add_image_with_trivial_frame(image, pycolmap.Rigid3d())
    return listed


def _write_database(
    path: Path,
    listed: Any,
    features: Sequence[Features],
    matches: Mapping[tuple[int, int], NDArray[np.uint32]],
    *,
    verified: bool,
) -> None:
    database = pycolmap.Database.open(path)
    try:
        for camera in listed.cameras.values():
            database.write_camera(camera, use_camera_id=True)
        for rig in listed.rigs.values():
            database.write_rig(rig, use_rig_id=True)
        for frame in listed.frames.values():
            database.write_frame(frame, use_frame_id=True)
        for image_id, image in sorted(listed.images.items()):
            database.write_image(image, use_image_id=True)
            points = colmap_points(features[image_id - 1].keypoints).astype(np.float32)
            database.write_keypoints(image_id, points.reshape(-1, 2))
        for (first, second), pair in matches.items():
            database.write_matches(first + 1, second + 1, pair)
            if verified:
                geometry = pycolmap.TwoViewGeometry()
                geometry.config = pycolmap.TwoViewGeometryConfiguration.CALIBRATED
                geometry.inlier_matches = pair
                database.write_two_view_geometry(first + 1, second + 1, geometry)
    finally:
        database.close()


def _refine(reconstruction: Any, images: Sequence[PosedImage]) -> Any:
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_focal_length = options.refine_extra_params = options.print_summary = False
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in reconstruction.reg_image_ids():
        config.add_image(image_id)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    # pycolmap.bundle_adjustment does the same, and turns COLMAP's log on.
    pycolmap.create_default_bundle_adjuster(options, config, reconstruction).solve()
    reference = reconstruction_from_poses(images)
    moved = pycolmap.align_reconstructions_via_proj_centers(reconstruction, reference, 1e6)
    if moved is None:
        raise MapBuildError("refined poses cannot be laid back onto the given ones; build with poses fixed")
    reconstruction.transform(moved)
    return reconstruction
