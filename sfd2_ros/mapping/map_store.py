# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map as one folder: `manifest.json` and arrays that are mapped into memory. No pickle."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from sfd2_ros.core.errors import CameraError, MapError
from sfd2_ros.core.files import atomic_folder, write_array
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.mapping.colmap_io import write_model
from sfd2_ros.mapping.manifest import damaged_files, map_id, read_manifest, write_manifest
from sfd2_ros.mapping.map_arrays import encoding_of, open_array, open_landmarks, save_landmarks
from sfd2_ros.mapping.map_model import model_of
from sfd2_ros.mapping.quantised_rows import QuantisedRows, quantise_rows
from sfd2_ros.mapping.tiles import in_tiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.mapping.landmarks import Landmarks
    from sfd2_ros.mapping.tiles import Tiles

MARKER = "landmark_*.npy"
"""What a folder must hold to be replaced as a map; other programs have a manifest.json too."""
COLMAP_FOLDER = "colmap"
AGGREGATE_BITS = 2
"""Of 8,192 components: of the ten most similar images, 97 % stay among the ten (95 % with one bit)."""


class ImageTable(TypedDict):
    """The file images.json: cameras once, and for each image its name and camera."""

    cameras: list[dict[str, Any]]
    images: list[dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Map:
    """A place as landmarks, the images that saw them, and an index of how these images look.

    Attributes:
        folder: where it lies.
        map_id: identity of the content, 12 hexadecimal digits.
        weights_id: features must come from these weights.
        extraction: settings with which the features of the map were extracted.
        frame_id: the frame of positions and poses, axes by REP-103 where the source had them so.
        units: "metres", or "arbitrary" for structure from motion without a scale.
        reference_pose_nees: how far the poses of its images disagree with its landmarks, as a factor of variance (see
            `mapping.reference_pose_nees`); 1: as exact as its keypoints; None: too few landmarks to tell.
        images: names, intrinsics and cam_from_map.
        landmarks: triangulated points, ordered by tile.
        tiles: which landmarks and images lie near each other.
        aggregates: (I, G) global descriptors of the images, of length one; two bits a component in the file.
        centres: (K, D) float32 centres of the aggregates.
        size_bytes: of all files together.
    """

    folder: Path
    map_id: str
    weights_id: str
    extraction: dict[str, Any]
    frame_id: str
    units: str
    reference_pose_nees: float | None
    images: tuple[PosedImage, ...]
    landmarks: Landmarks
    tiles: Tiles
    aggregates: QuantisedRows
    centres: NDArray[np.float32]
    size_bytes: int


def quantise_aggregates(aggregates: Sequence[NDArray[np.float32]]) -> QuantisedRows:
    """Encode global descriptors (G,) of images as a map keeps them."""
    return quantise_rows(np.array(aggregates), AGGREGATE_BITS)


def save_map(
    path: Path,
    *,
    images: Sequence[PosedImage],
    landmarks: Landmarks,
    aggregates: QuantisedRows,
    centres: NDArray[np.float32],
    weights_id: str,
    extraction: dict[str, Any],
    units: str,
    reference_pose_nees: float | None,
    provenance: dict[str, Any],
    colmap: bool = False,
    overwrite: bool = False,
) -> None:
    """Write a map whole or not at all.

    Args:
        path: folder to make.
        images: of the map, in the order of `landmarks` and `aggregates`.
        landmarks: of the map, in any order; the map has them tile by tile.
        aggregates: (I, G) global descriptors, encoded by `quantise_aggregates`.
        centres: (K, D) their centres.
        weights_id: of the features.
        extraction: settings of the extractor.
        units: one of `manifest.UNITS`.
        reference_pose_nees: from `mapping.reference_pose_nees`.
        provenance: how it was made; kept in the manifest.
        colmap: write the COLMAP model of the map too, for COLMAP's own tools.
        overwrite: replace an existing map.

    Raises:
        OutputError: `path` exists and is no map or `overwrite` is false, or cannot be written.
    """
    with atomic_folder(path, overwrite=overwrite, marker=MARKER) as folder:
        ordered, tiles = in_tiles(images, landmarks)
        save_landmarks(folder, ordered, tiles)
        if colmap:
            (folder / COLMAP_FOLDER).mkdir()
            stored, _ = open_landmarks(folder, encoding_of(ordered), mapped=False)  # rounded as they will be read
            write_model(model_of(images, stored), folder / COLMAP_FOLDER)
        write_array(folder / "retrieval_aggregates.npy", aggregates.codes)
        write_array(folder / "retrieval_centres.npy", centres.astype(np.float16))
        write_array(folder / "image_poses.npy", np.array([one.cam_from_world for one in images]))
        (folder / "images.json").write_text(json.dumps(_image_table(images)), encoding="utf-8")
        content = {
            "frame_id": "map",
            "units": units,
            "reference_pose_nees": reference_pose_nees,
            "weights_id": weights_id,
            "extraction": extraction,
            "encoding": encoding_of(ordered),
            "counts": {
                "images": len(images),
                "landmarks": len(landmarks),
                "observations": len(landmarks.image_landmarks),
                "tiles": len(tiles),
            },
            "provenance": provenance,
        }
        write_manifest(folder, content)


def load_map(path: Path | str, *, verify: bool = True, mapped: bool = True, max_memory_mb: float | None = None) -> Map:
    """Open a map.

    Args:
        path: folder made by `save_map`.
        verify: compare all checksums first (about a second for a gigabyte).
        mapped: map the large arrays into memory; False reads them, so that a map whose files are written over while it
            is in use ends no process (SIGBUS).
        max_memory_mb: megabytes of landmarks in memory. Of a map with more, the tiles that are looked up are read, and
            the least recently used ones are dropped. None: the landmarks of the whole map.

    Raises:
        MapError: no such map, another version, missing or damaged files; the message names them all.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    problems = damaged_files(folder, manifest) if verify else []
    if problems:
        raise MapError(f"map {str(folder)!r} is damaged: {'; '.join(problems)}; build or copy it again")
    try:
        max_bytes = None if max_memory_mb is None else int(max_memory_mb * 1e6)
        return _open(folder, manifest, mapped=mapped, max_bytes=max_bytes)
    except (LookupError, TypeError, ValueError, OSError, RecursionError, CameraError) as err:
        raise MapError(f"map {str(folder)!r} is damaged: {type(err).__name__}: {err}; build it again") from err


def _open(folder: Path, manifest: dict[str, Any], *, mapped: bool, max_bytes: int | None) -> Map:
    landmarks, tiles = open_landmarks(folder, manifest["encoding"], mapped=mapped, max_bytes=max_bytes)
    table: ImageTable = json.loads((folder / "images.json").read_text(encoding="utf-8"))
    cameras = [Camera(**{**one, "distortion": tuple(one["distortion"])}) for one in table["cameras"]]
    poses = open_array(folder / "image_poses.npy", mapped=False)
    if poses.shape[1:] != (4, 4) or not np.all(np.isfinite(poses)):
        raise ValueError(f"image_poses.npy of shape {poses.shape} holds no poses")
    images = tuple(
        PosedImage(one["name"], cameras[one["camera"]], pose) for one, pose in zip(table["images"], poses, strict=True)
    )
    if manifest["counts"]["landmarks"] != len(landmarks) or manifest["counts"]["images"] != len(images):
        raise ValueError("the counts of the manifest differ from the arrays")
    centres = open_array(folder / "retrieval_centres.npy", mapped=False).astype(np.float32)
    opened = Map(
        folder=folder,
        map_id=map_id(manifest),
        weights_id=manifest["weights_id"],
        extraction=manifest["extraction"],
        frame_id=manifest["frame_id"],
        units=manifest["units"],
        reference_pose_nees=manifest["reference_pose_nees"],
        images=images,
        landmarks=landmarks,
        tiles=tiles,
        aggregates=QuantisedRows(open_array(folder / "retrieval_aggregates.npy", mapped=mapped), centres.size),
        centres=centres,
        size_bytes=sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()),
    )
    _check_index(opened)
    return opened


def _check_index(opened: Map) -> None:
    """Check that images, observations and retrieval belong together."""
    images, centres = len(opened.images), opened.centres
    if len(opened.tiles.of_image) != images:
        raise ValueError(f"tiles of {len(opened.tiles.of_image)} images, the map has {images}")
    if not images or len(opened.landmarks.image_offsets) != images + 1:
        raise ValueError(f"observations of {len(opened.landmarks.image_offsets) - 1} images, the map has {images}")
    if centres.ndim != 2 or centres.shape[1] != opened.landmarks.descriptors.shape[1]:
        raise ValueError(f"retrieval centres of shape {centres.shape} do not fit the descriptors")
    codes = opened.aggregates.codes
    if len(codes) != images or codes.dtype != np.uint8 or opened.aggregates.bits != AGGREGATE_BITS:
        needed = f"{images} of uint8, {AGGREGATE_BITS} bits for each of {centres.size} components"
        raise ValueError(f"aggregates of shape {codes.shape} of {codes.dtype}, {needed} is needed")


def _image_table(images: Sequence[PosedImage]) -> ImageTable:
    cameras: dict[Camera, int] = {}
    rows = [{"name": one.name, "camera": cameras.setdefault(one.camera, len(cameras))} for one in images]
    return {"cameras": [dataclasses.asdict(camera) for camera in cameras], "images": rows}
