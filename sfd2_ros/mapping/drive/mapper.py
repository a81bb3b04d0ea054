# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Build the map of a drive: features, consistent poses, then landmarks as for any posed images."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.config import check_config
from sfd2_ros.features.images import read_image
from sfd2_ros.geometry.ideal import ideal_camera, needs_ideal
from sfd2_ros.mapping.builder import MapBuilder
from sfd2_ros.mapping.drive.adjustment import ceres
from sfd2_ros.mapping.drive.config import DriveConfig
from sfd2_ros.mapping.drive.matcher import pair_matcher
from sfd2_ros.mapping.drive.optimise import optimise_drive
from sfd2_ros.mapping.drive.report import figures
from sfd2_ros.mapping.drive.rig_model import posed_images
from sfd2_ros.mapping.feature_cache import CachedExtractor
from sfd2_ros.mapping.hloc_files import GivenMatches
from sfd2_ros.mapping.map_config import MapConfig
from sfd2_ros.mapping.match_images import extract_images, silent
from sfd2_ros.mapping.pose_check import require_explained, verified_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_ros.core.drive import Drive
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.builder import MapReport
    from sfd2_ros.mapping.drive.optimise import OptimisedDrive
    from sfd2_ros.mapping.match_images import FeatureExtractor, Progress

FEATURES_FOLDER = "features"


class DriveMapper:
    """Builds maps of drives with one extractor and one set of settings.

    Args:
        extractor: of features.
        work: folder of what a build that was killed need not do again; made when missing.
        map_config: settings of the map.
        drive_config: settings of the optimisation.
        progress: called with step, done, total.

    Raises:
        ConfigError: a setting is not allowed.
        DependencyError: pyceres is not installed.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        work: Path,
        map_config: MapConfig | None = None,
        drive_config: DriveConfig | None = None,
        progress: Progress = silent,
    ) -> None:
        self._extractor = CachedExtractor(extractor, work / FEATURES_FOLDER)
        self._map_config, self._drive_config = map_config or MapConfig(), drive_config or DriveConfig()
        # Poses are checked before they are optimised, not after.
        unchecked = replace(self._map_config, check_poses=False)
        self._builder = MapBuilder(self._extractor, unchecked, progress)
        self._progress = progress
        check_config(self._drive_config)
        ceres()

    def _check_calibration(self, drive: Drive, features: Sequence[Features]) -> None:
        """Compare odometry, mounts and intrinsics with images that follow each other, where odometry is exact enough.

        Raises:
            MapBuildError: they contradict the images; names the likely mistake.
        """
        if not self._map_config.check_poses:
            return
        images = posed_images(drive, [one.odom_from_base for one in drive.keyframes])
        of_camera: dict[int, list[int]] = {}
        for index, (_, camera, _) in enumerate(drive.images):
            of_camera.setdefault(camera, []).append(index)
        pairs = [pair for some in of_camera.values() for pair in itertools.pairwise(some)]
        nothing = np.empty((0, 0), np.float32)
        require_explained(
            images, verified_pairs(images, features, nothing, self._map_config.min_similarity, pairs=pairs)
        )

    def build(
        self, drive: Drive, image_folder: Path, output: Path, *, overwrite: bool = False
    ) -> tuple[MapReport, OptimisedDrive]:
        """Build a map of a drive.

        Args:
            drive: cameras, keyframes and fixes.
            image_folder: what the names of images are relative to.
            output: folder of the map.
            overwrite: replace an existing map.

        Raises:
            OutputError: `output` exists and may not be replaced, or cannot be written.
            ImageError: an image cannot be read.
            MapBuildError: images that do not fit odometry, or nothing can be triangulated.
        """
        names = [name for _, _, name in drive.images]
        cameras = [drive.cameras[camera].camera for _, camera, _ in drive.images]
        features = extract_images(names, image_folder, cameras, self._extractor, self._progress)
        # Keypoints of such a lens are not where the image shows them.
        is_refined = not any(needs_ideal(one.camera) for one in drive.cameras)
        mounted = tuple(replace(one, camera=ideal_camera(one.camera)) for one in drive.cameras)
        drive = replace(drive, cameras=mounted)
        _, aggregates = self._builder.index(features)
        self._check_calibration(drive, features)
        match = pair_matcher(features, self._map_config, self._progress)
        found = optimise_drive(
            drive,
            features,
            aggregates,
            match,
            config=self._drive_config,
            progress=self._progress,
            image=(lambda index: read_image(image_folder / names[index])) if is_refined else None,
        )
        images = posed_images(drive, found.poses)
        report = self._builder.from_poses(
            images,
            image_folder,
            output,
            given=GivenMatches(features, found.matches),
            overwrite=overwrite,
            provenance={"drive": {"settings": dataclasses.asdict(self._drive_config), **figures(drive, found)}},
        )
        return report, found
