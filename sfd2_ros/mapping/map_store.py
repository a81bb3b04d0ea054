# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map as one folder: `manifest.json`, a COLMAP model, and arrays that are mapped into memory. No pickle."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, TypedDict
from zipfile import BadZipFile

import numpy as np

from sfd2_ros.core.errors import CameraError, MapError
from sfd2_ros.core.files import atomic_folder
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.mapping.colmap_io import write_model
from sfd2_ros.mapping.landmarks import Landmarks
from sfd2_ros.mapping.manifest import damaged_files, map_id, read_manifest, write_manifest
from sfd2_ros.mapping.unit_rows import UnitRows, encode_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MARKER = "landmark_*.npy"
"""What a folder must hold to be replaced as a map; other programs have a manifest.json too."""
COLMAP_FOLDER = "colmap"


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
        landmarks: triangulated points.
        aggregates: (I, G) global descriptors of the images, of length one; int8 in the file, float32 where looked up.
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
    aggregates: UnitRows
    centres: NDArray[np.float32]
    size_bytes: int


def save_map(
    path: Path,
    *,
    images: Sequence[PosedImage],
    landmarks: Landmarks,
    aggregates: NDArray[np.float32],
    centres: NDArray[np.float32],
    reconstruction: Any,
    weights_id: str,
    extraction: dict[str, Any],
    units: str,
    reference_pose_nees: float | None,
    provenance: dict[str, Any],
    overwrite: bool = False,
) -> None:
    """Write a map whole or not at all.

    Args:
        path: folder to make.
        images: of the map, in the order of `landmarks` and `aggregates`.
        landmarks: of the map.
        aggregates: (I, G) global descriptors.
        centres: (K, D) their centres.
        reconstruction: pycolmap.Reconstruction, written for COLMAP's own tools.
        weights_id: of the features.
        extraction: settings of the extractor.
        units: one of `manifest.UNITS`.
        reference_pose_nees: from `mapping.reference_pose_nees`.
        provenance: how it was made; kept in the manifest.
        overwrite: replace an existing map.

    Raises:
        OutputError: `path` exists and is no map or `overwrite` is false, or cannot be written.
    """
    with atomic_folder(path, overwrite=overwrite, marker=MARKER) as folder:
        (folder / COLMAP_FOLDER).mkdir()
        write_model(reconstruction, folder / COLMAP_FOLDER)
        for field in dataclasses.fields(Landmarks):
            np.save(folder / f"landmark_{field.name}.npy", landmarks.stored(field.name), allow_pickle=False)
        np.save(folder / "retrieval_aggregates.npy", encode_rows(aggregates).codes, allow_pickle=False)
        np.save(folder / "retrieval_centres.npy", centres, allow_pickle=False)
        np.save(folder / "image_poses.npy", np.array([one.cam_from_world for one in images]), allow_pickle=False)
        (folder / "images.json").write_text(json.dumps(_image_table(images), indent=1), encoding="utf-8")
        content = {
            "frame_id": "map",
            "units": units,
            "reference_pose_nees": reference_pose_nees,
            "weights_id": weights_id,
            "extraction": extraction,
            "counts": {
                "images": len(images),
                "landmarks": len(landmarks),
                "observations": len(landmarks.image_landmarks),
                "descriptor_dimension": int(landmarks.descriptors.shape[1]),
            },
            "provenance": provenance,
        }
        write_manifest(folder, content)


def load_map(path: Path | str, *, verify: bool = True, mapped: bool = True) -> Map:
    """Open a map.

    Args:
        path: folder made by `save_map`.
        verify: compare all checksums first (about a second for a gigabyte).
        mapped: map the large arrays into memory; False reads them, so that a map whose files are written over while it
            is in use ends no process (SIGBUS).

    Raises:
        MapError: no such map, another version, missing or damaged files; the message names them all.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    problems = damaged_files(folder, manifest) if verify else []
    if problems:
        raise MapError(f"map {str(folder)!r} is damaged: {'; '.join(problems)}; build or copy it again")
    try:
        return _open(folder, manifest, mapped=mapped)
    except (LookupError, TypeError, ValueError, OSError, RecursionError, CameraError) as err:
        raise MapError(f"map {str(folder)!r} is damaged: {type(err).__name__}: {err}; build it again") from err


def _open(folder: Path, manifest: dict[str, Any], *, mapped: bool) -> Map:
    names = [field.name for field in dataclasses.fields(Landmarks)]
    arrays: dict[str, Any] = {name: _array(folder / f"landmark_{name}.npy", mapped=mapped) for name in names}
    landmarks = Landmarks(**{**arrays, **{name: UnitRows(arrays[name]) for name in ("descriptors", "normals")}})
    table: ImageTable = json.loads((folder / "images.json").read_text(encoding="utf-8"))
    cameras = [Camera(**{**one, "distortion": tuple(one["distortion"])}) for one in table["cameras"]]
    poses = _array(folder / "image_poses.npy", mapped=False)
    if poses.shape[1:] != (4, 4) or not np.all(np.isfinite(poses)):
        raise ValueError(f"image_poses.npy of shape {poses.shape} holds no poses")
    images = tuple(
        PosedImage(one["name"], cameras[one["camera"]], pose) for one, pose in zip(table["images"], poses, strict=True)
    )
    if manifest["counts"]["landmarks"] != len(landmarks) or manifest["counts"]["images"] != len(images):
        raise ValueError("the counts of the manifest differ from the arrays")
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
        aggregates=UnitRows(_array(folder / "retrieval_aggregates.npy", mapped=mapped)),
        centres=_array(folder / "retrieval_centres.npy", mapped=False),
        size_bytes=sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()),
    )
    _check_index(opened)
    return opened


def _check_index(opened: Map) -> None:
    """Check that images, observations and retrieval belong together."""
    images, centres = len(opened.images), opened.centres
    if not images or len(opened.landmarks.image_offsets) != images + 1:
        raise ValueError(f"observations of {len(opened.landmarks.image_offsets) - 1} images, the map has {images}")
    if centres.ndim != 2 or centres.shape[1] != opened.landmarks.descriptors.shape[1]:
        raise ValueError(f"retrieval centres of shape {centres.shape} do not fit the descriptors")
    codes = opened.aggregates.codes
    if codes.shape != (images, centres.size) or codes.dtype != np.int8:
        needed = f"({images}, {centres.size}) of int8"
        raise ValueError(f"aggregates of shape {codes.shape} of {codes.dtype}, {needed} is needed")


def _array(path: Path, *, mapped: bool) -> NDArray[Any]:
    """Open an array, mapped into memory or read.

    Raises:
        ValueError: names the file; numpy has many ways to fail on a damaged one.
        TypeError: the file holds an archive.
    """
    try:
        array: Any = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (ValueError, SyntaxError, TokenError, EOFError, OSError, MemoryError, OverflowError, BadZipFile) as err:
        raise ValueError(f"{path.name} holds no array: {' '.join(str(err).split())}") from err
    if not isinstance(array, np.ndarray):  # numpy opens whatever begins like a zip file as an archive of arrays
        raise TypeError(f"{path.name} holds an archive where one array is needed")
    return array


def _image_table(images: Sequence[PosedImage]) -> ImageTable:
    cameras: dict[Camera, int] = {}
    rows = [{"name": one.name, "camera": cameras.setdefault(one.camera, len(cameras))} for one in images]
    return {"cameras": [dataclasses.asdict(camera) for camera in cameras], "images": rows}
