# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map as one folder: `manifest.json`, a COLMAP model, and arrays that are mapped into memory. No pickle."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from sfd2_ros.core.errors import CameraError, MapError
from sfd2_ros.core.files import atomic_folder, sha256_of_file
from sfd2_ros.core.types import Camera
from sfd2_ros.mapping.colmap_io import PosedImage
from sfd2_ros.mapping.landmarks import Landmarks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT_VERSION = 2
MANIFEST = "manifest.json"
MARKER = "landmark_*.npy"
"""What a folder must hold to be replaced as a map; other programs have a manifest.json too."""
COLMAP_FOLDER = "colmap"
UNITS = ("metres", "arbitrary")


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
        images: names, intrinsics and cam_from_map.
        landmarks: triangulated points.
        aggregates: (I, G) float16 global descriptors of the images.
        centres: (K, D) float32 centres of the aggregates.
        size_bytes: of all files together.
    """

    folder: Path
    map_id: str
    weights_id: str
    extraction: dict[str, Any]
    frame_id: str
    units: str
    images: tuple[PosedImage, ...]
    landmarks: Landmarks
    aggregates: NDArray[np.float16]
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
        units: one of `UNITS`.
        provenance: how it was made; kept in the manifest.
        overwrite: replace an existing map.

    Raises:
        OutputError: `path` exists and is no map or `overwrite` is false, or cannot be written.
    """
    with atomic_folder(path, overwrite=overwrite, marker=MARKER) as folder:
        (folder / COLMAP_FOLDER).mkdir()
        reconstruction.write_binary(str(folder / COLMAP_FOLDER))
        for field in dataclasses.fields(Landmarks):
            np.save(folder / f"landmark_{field.name}.npy", getattr(landmarks, field.name), allow_pickle=False)
        np.save(folder / "retrieval_aggregates.npy", aggregates.astype(np.float16), allow_pickle=False)
        np.save(folder / "retrieval_centres.npy", centres, allow_pickle=False)
        np.save(folder / "image_poses.npy", np.array([one.cam_from_world for one in images]), allow_pickle=False)
        (folder / "images.json").write_text(json.dumps(_image_table(images), indent=1), encoding="utf-8")
        files = sorted(one for one in folder.rglob("*") if one.is_file())
        checksums = {one.relative_to(folder).as_posix(): sha256_of_file(one) for one in files}
        manifest = {
            "format": "sfd2_ros map",
            "format_version": FORMAT_VERSION,
            "frame_id": "map",
            "units": units,
            "weights_id": weights_id,
            "extraction": extraction,
            "counts": {
                "images": len(images),
                "landmarks": len(landmarks),
                "observations": len(landmarks.image_landmarks),
                "descriptor_dimension": int(landmarks.descriptors.shape[1]),
            },
            "provenance": provenance,
            "files": checksums,
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a map's manifest and check that this version can read the map.

    Raises:
        MapError: no such map, no manifest, a damaged one, or another format version.
    """
    if not path.is_dir():
        raise MapError(f"map {str(path)!r} does not exist; make one with `sfd2 map build SOURCE -o {path}`")
    try:
        manifest: Any = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise MapError(
            f"{str(path)!r} is no map: it has no {MANIFEST}; name a folder made by `sfd2 map build`"
        ) from err
    except (OSError, ValueError) as err:
        raise MapError(f"map {str(path)!r} is damaged: {MANIFEST} cannot be read: {err}; build it again") from err
    if not isinstance(manifest, dict) or manifest.get("format") != "sfd2_ros map":
        raise MapError(f"{str(path / MANIFEST)!r} is no manifest of an sfd2_ros map; build the map again")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise MapError(
            f"map {str(path)!r} has format version {version!r}, this program reads {FORMAT_VERSION}; build it again"
        )
    return manifest


def damaged_files(path: Path, manifest: dict[str, Any]) -> list[str]:
    """Return what is wrong with a map's files: missing ones and those whose checksum differs."""
    problems = []
    files = manifest.get("files")
    if not isinstance(files, dict) or not files:
        return [f"{MANIFEST} lists no files"]
    for name, checksum in files.items():
        if not (path / name).is_file():
            problems.append(f"{name} is missing")
        elif sha256_of_file(path / name) != checksum:
            problems.append(f"{name} has changed")
    return problems


def load_map(path: Path | str, *, verify: bool = True) -> Map:
    """Open a map.

    Args:
        path: folder made by `save_map`.
        verify: compare all checksums first (about a second for a gigabyte).

    Raises:
        MapError: no such map, another version, missing or damaged files; the message names them all.
    """
    from pathlib import Path  # noqa: PLC0415  (a str is welcome here, and only here)

    folder = Path(path)
    manifest = read_manifest(folder)
    problems = damaged_files(folder, manifest) if verify else []
    if problems:
        raise MapError(f"map {str(folder)!r} is damaged: {'; '.join(problems)}; build it again or copy it anew")
    try:
        return _open(folder, manifest)
    except (KeyError, TypeError, ValueError, OSError, CameraError) as err:
        raise MapError(f"map {str(folder)!r} is damaged: {err!r}; build it again") from err


def _open(folder: Path, manifest: dict[str, Any]) -> Map:
    names = [field.name for field in dataclasses.fields(Landmarks)]
    landmarks = Landmarks(**{name: _mapped(folder / f"landmark_{name}.npy") for name in names})
    table: ImageTable = json.loads((folder / "images.json").read_text(encoding="utf-8"))
    cameras = [Camera(**{**one, "distortion": tuple(one["distortion"])}) for one in table["cameras"]]
    poses = np.load(folder / "image_poses.npy", allow_pickle=False)
    images = tuple(
        PosedImage(one["name"], cameras[one["camera"]], pose) for one, pose in zip(table["images"], poses, strict=True)
    )
    if manifest["counts"]["landmarks"] != len(landmarks) or manifest["counts"]["images"] != len(images):
        raise ValueError("the counts of the manifest differ from the arrays")
    return Map(
        folder=folder,
        map_id=sha256_of_file(folder / MANIFEST)[:12],
        weights_id=manifest["weights_id"],
        extraction=manifest["extraction"],
        frame_id=manifest["frame_id"],
        units=manifest["units"],
        images=images,
        landmarks=landmarks,
        aggregates=_mapped(folder / "retrieval_aggregates.npy"),
        centres=np.load(folder / "retrieval_centres.npy", allow_pickle=False),
        size_bytes=sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()),
    )


def _mapped(path: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _image_table(images: Sequence[PosedImage]) -> ImageTable:
    cameras: dict[Camera, int] = {}
    rows = [{"name": one.name, "camera": cameras.setdefault(one.camera, len(cameras))} for one in images]
    return {"cameras": [dataclasses.asdict(camera) for camera in cameras], "images": rows}
