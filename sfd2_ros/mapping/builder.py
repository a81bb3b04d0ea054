# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Build a map: extract, pair, match, verify, triangulate, gather, store."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

import sfd2_ros
from sfd2_ros.core.config import check_config
from sfd2_ros.core.errors import MapBuildError
from sfd2_ros.core.files import refuse_existing_folder
from sfd2_ros.geometry.ideal import ideal_camera
from sfd2_ros.mapping.colmap_io import posed_images
from sfd2_ros.mapping.compact import drop_poor_points
from sfd2_ros.mapping.gather import gather_landmarks
from sfd2_ros.mapping.intrinsics import starting_cameras, warn_of_doubts
from sfd2_ros.mapping.map_config import MapConfig
from sfd2_ros.mapping.map_store import MARKER, quantise_aggregates, save_map
from sfd2_ros.mapping.match_images import choose_pairs, extract_images, match_pairs, silent, verify_given
from sfd2_ros.mapping.pose_check import require_explained, require_plausible_scale, verified_pairs
from sfd2_ros.mapping.reconstruct import structure_from_motion, triangulate
from sfd2_ros.mapping.reference_pose_nees import reference_pose_nees
from sfd2_ros.mapping.retrieval import aggregate, learn_centres
from sfd2_ros.mapping.work_folder import work_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features, PosedImage
    from sfd2_ros.mapping.hloc_files import GivenMatches
    from sfd2_ros.mapping.match_images import FeatureExtractor, Progress

MIN_POSED_IMAGES = 2
MIN_UNPOSED_IMAGES = 3


@dataclass(frozen=True)
class MapReport:
    """What a build made.

    Attributes:
        images: in the map.
        images_given: offered.
        pairs: of images with enough matches.
        landmarks: triangulated points.
        observations: of landmarks in images.
        reprojection_error_px: mean over the landmarks.
    """

    images: int
    images_given: int
    pairs: int
    landmarks: int
    observations: int
    reprojection_error_px: float


class MapBuilder:
    """Builds maps with one extractor and one set of settings."""

    def __init__(
        self,
        extractor: FeatureExtractor,
        config: MapConfig | None = None,
        progress: Progress = silent,
        *,
        colmap: bool = False,
    ) -> None:
        """Keep the extractor and the settings.

        Args:
            extractor: of features.
            config: None for the defaults.
            progress: called with step, done, total.
            colmap: write the COLMAP model of a map into its folder too.

        Raises:
            ConfigError: a setting is not allowed.
        """
        self._colmap = colmap
        self._extractor = extractor
        self._config = config or MapConfig()
        self._progress = progress
        check_config(self._config)

    @property
    def weights_id(self) -> str:
        """Identity of the weights that the maps are made with."""
        return self._extractor.weights_id

    def from_poses(
        self,
        images: Sequence[PosedImage],
        image_folder: Path,
        output: Path,
        *,
        given: GivenMatches | None = None,
        overwrite: bool = False,
        neighbours: Sequence[tuple[int, int]] | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> MapReport:
        """Build a map from photographs whose poses are known, in metres.

        Args:
            images: names, intrinsics and cam_from_world.
            image_folder: what the names are relative to.
            output: folder of the map.
            given: features and matches of these images; None to extract and match.
            overwrite: replace an existing map.
            neighbours: pairs (i, j) of images by which the poses are checked; None for images that look alike.
            provenance: what the manifest is to keep beside the settings and the report.

        Raises:
            OutputError: `output` exists and may not be replaced, or cannot be written.
            ImageError: an image cannot be read.
            CameraError: an image has another size than its camera.
            MapBuildError: too few images, poses or intrinsics that do not explain them, or nothing can be triangulated.
        """
        _check_start(len(images), MIN_POSED_IMAGES, output, overwrite=overwrite)
        names, cameras = [one.name for one in images], [one.camera for one in images]
        if given is None:
            features = extract_images(names, image_folder, cameras, self._extractor, self._progress)
        else:
            features = given.features
        images = [dataclasses.replace(one, camera=ideal_camera(one.camera)) for one in images]
        centres, aggregates = self.index(features)
        if self._config.check_poses:
            self._progress("check poses", 0, 1)
            checked = verified_pairs(images, features, aggregates, self._config.min_similarity, pairs=neighbours)
            require_explained(images, checked)
            self._progress("check poses", 1, 1)
        if given is None:
            pairs = choose_pairs(aggregates, self._config, [one.cam_from_world for one in images])
            matches = match_pairs(pairs, features, self._config, self._progress, images=images)
        else:
            matches = verify_given(given.matches, features, images, self._config)
        self._progress("triangulate", 0, 1)
        with work_folder() as folder:
            reconstruction = triangulate(
                images,
                features,
                matches,
                image_folder=image_folder,
                work_folder=folder,
                refine_poses=self._config.refine_poses,
            )
        self._progress("triangulate", 1, 1)
        more = {} if provenance is None else provenance
        extraction = {} if given is None else given.extraction
        return self._store(
            reconstruction, features, centres, output, overwrite,
            units="metres", pairs=len(matches), more=more, extraction=extraction,
        )  # fmt: skip

    def from_images(
        self,
        names: Sequence[str],
        image_folder: Path,
        output: Path,
        *,
        cameras: Sequence[Camera] | None = None,
        overwrite: bool = False,
    ) -> MapReport:
        """Build a map from photographs alone, by structure from motion; its scale and frame are arbitrary.

        Args:
            names: of the images.
            image_folder: what the names are relative to.
            output: folder of the map.
            cameras: intrinsics of each image; None to start from EXIF, or from a usual focal length, and refine.
            overwrite: replace an existing map.

        Raises:
            OutputError: `output` exists and may not be replaced, or cannot be written.
            ImageError: an image cannot be read.
            CameraError: an image has another size than its camera.
            MapBuildError: too few images, or they do not connect.
        """
        _check_start(len(names), MIN_UNPOSED_IMAGES, output, overwrite=overwrite)
        features = extract_images(names, image_folder, cameras or [None] * len(names), self._extractor, self._progress)
        cameras = None if cameras is None else list(map(ideal_camera, cameras))
        centres, aggregates = self.index(features)
        pairs = choose_pairs(aggregates, self._config, None)
        matches = match_pairs(pairs, features, self._config, self._progress)
        self._progress("reconstruct", 0, 1)
        with work_folder() as folder:
            reconstruction = structure_from_motion(
                names,
                starting_cameras(names, image_folder, cameras),
                features,
                matches,
                image_folder=image_folder,
                work_folder=folder,
                refine_intrinsics=cameras is None,
            )
        self._progress("reconstruct", 1, 1)
        warn_of_doubts(reconstruction, len(names))
        return self._store(reconstruction, features, centres, output, overwrite, units="arbitrary", pairs=len(matches))

    def index(self, features: Sequence[Features]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return centres (K, D) of the descriptors of images, and the images' global descriptors (I, G).

        Raises:
            MapBuildError: no image has a feature.
        """
        if sum(map(len, features)) == 0:
            raise MapBuildError(f"none of {len(features)} images has a feature; are they black or blank?")
        centres = learn_centres(features, self._config.retrieval_centres)
        return centres, np.array([aggregate(one, centres) for one in features])

    def _store(
        self,
        reconstruction: Any,
        features: Sequence[Features],
        centres: NDArray[np.float32],
        output: Path,
        overwrite: bool,  # noqa: FBT001
        *,
        units: str,
        pairs: int,
        more: Mapping[str, Any] = MappingProxyType({}),
        extraction: Mapping[str, Any] = MappingProxyType({}),
    ) -> MapReport:
        drop_poor_points(reconstruction, self._config.max_landmark_error_px)
        if reconstruction.num_points3D() == 0:
            raise MapBuildError("no landmark could be triangulated; are poses and intrinsics right, and in metres?")
        if units == "metres":
            require_plausible_scale(reconstruction, self._config.max_median_depth_m)
        images = posed_images(reconstruction)
        image_ids = [reconstruction.find_image_with_name(one.name).image_id for one in images]
        by_id = {image_id: features[image_id - 1] for image_id in image_ids}
        landmarks = gather_landmarks(reconstruction, image_ids, by_id, bits=self._config.descriptor_bits)
        report = MapReport(
            images=len(images),
            images_given=len(features),
            pairs=pairs,
            landmarks=len(landmarks),
            observations=len(landmarks.image_landmarks),
            reprojection_error_px=round(float(reconstruction.compute_mean_reprojection_error()), 4),
        )
        save_map(
            output,
            images=images,
            landmarks=landmarks,
            aggregates=quantise_aggregates([aggregate(by_id[image_id], centres) for image_id in image_ids]),
            centres=centres,
            weights_id=self._extractor.weights_id,
            extraction={**dataclasses.asdict(self._extractor.config), **extraction},
            units=units,
            reference_pose_nees=reference_pose_nees(reconstruction, image_ids),
            provenance={
                "program": f"sfd2_ros {sfd2_ros.__version__}",
                "settings": dataclasses.asdict(self._config),
                "report": dataclasses.asdict(report),
                **more,
            },
            colmap=self._colmap,
            overwrite=overwrite,
        )
        return report


def _check_start(count: int, needed: int, output: Path, *, overwrite: bool) -> None:
    """Refuse before hours of work what would be refused after."""
    refuse_existing_folder(output, overwrite=overwrite, marker=MARKER)
    if count < needed:
        raise MapBuildError(f"a map needs at least {needed} images of a place from different spots, got {count}")
