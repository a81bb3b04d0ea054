# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The arrays of a map's folder: landmarks tile by tile, and how each number is encoded."""

from __future__ import annotations

from tokenize import TokenError
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from sfd2_ros.core.files import write_array
from sfd2_ros.mapping.landmarks import Landmarks
from sfd2_ros.mapping.pixel_rows import PixelRows
from sfd2_ros.mapping.quantised_rows import QuantisedRows
from sfd2_ros.mapping.tile_cache import StoredArray, TileCache, TiledArray
from sfd2_ros.mapping.tiles import Tiles
from sfd2_ros.mapping.unit_rows import UnitRows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LANDMARK_ARRAYS = (
    "positions",
    "information",
    "descriptors",
    "stability",
    "normals",
    "sessions_seen",
    "sessions_expected",
    "image_offsets",
    "image_landmarks",
    "image_keypoints",
)
TILE_ARRAYS = ("offsets", "origins", "of_image")
_STABILITY_STEPS = 255
"""Stabilities have a byte."""


def save_landmarks(folder: Path, landmarks: Landmarks, tiles: Tiles) -> None:
    """Write landmarks that are ordered by tile, and the tiles."""
    arrays = {name: landmarks.encoded(name) for name in LANDMARK_ARRAYS}
    origins = np.repeat(tiles.origins, np.diff(tiles.offsets), axis=0)
    arrays["positions"] = (landmarks.positions - origins).astype(np.float32)
    arrays["stability"] = np.rint(landmarks.stability * _STABILITY_STEPS).astype(np.uint8)
    for name, array in arrays.items():
        write_array(folder / f"landmark_{name}.npy", array)
    for name in TILE_ARRAYS:
        write_array(folder / f"tile_{name}.npy", getattr(tiles, name))


def open_landmarks(
    folder: Path, encoding: dict[str, Any], *, mapped: bool, max_bytes: int | None = None
) -> tuple[Landmarks, Tiles]:
    """Open what `save_landmarks` wrote.

    Args:
        folder: of the map.
        encoding: from `encoding_of`, as the manifest has it.
        mapped: map the encoded arrays into memory; positions are read in any case.
        max_bytes: of landmarks in memory. A map with more is read tile by tile; None: all landmarks are in memory.

    Raises:
        ValueError: a file holds no array, or the arrays do not belong together.
        TypeError: a file holds an archive, or the encoding is none.
    """
    tiles = Tiles(**{name: open_array(folder / f"tile_{name}.npy", mapped=False) for name in TILE_ARRAYS})
    paths = {name: folder / f"landmark_{name}.npy" for name in LANDMARK_ARRAYS}
    in_tiles = max_bytes is not None and sum(path.stat().st_size for path in paths.values()) > max_bytes
    arrays: dict[str, Any] = {
        name: StoredArray(path) if in_tiles else open_array(path, mapped=mapped) for name, path in paths.items()
    }
    for name, dtype in (("positions", np.float32), ("stability", np.uint8)):
        if arrays[name].dtype != dtype:
            raise ValueError(f"landmark {name} are of {arrays[name].dtype}, {np.dtype(dtype)} is needed")
    if arrays["positions"].shape != (int(tiles.offsets[-1]), 3):
        raise ValueError(f"landmark positions have shape {arrays['positions'].shape}, the tiles {tiles.offsets[-1]}")
    if in_tiles:
        arrays.update(_tiled(arrays, tiles, int(max_bytes or 0)))
        arrays["image_offsets"] = np.asarray(arrays["image_offsets"])
    else:
        arrays["positions"] = arrays["positions"] + np.repeat(tiles.origins, np.diff(tiles.offsets), axis=0)
        arrays["stability"] = _decoded_stability(arrays["stability"])
    arrays["descriptors"] = QuantisedRows(arrays["descriptors"], int(encoding["descriptor_dimension"]))
    arrays["normals"] = UnitRows(arrays["normals"])
    low, step = (float(encoding[name]) for name in ("keypoint_low_px", "keypoint_step_px"))
    if not (np.isfinite(low) and np.isfinite(step) and step > 0):
        raise ValueError(f"keypoints from {low!r} in steps of {step!r} pixels; both must be finite, the step positive")
    arrays["image_keypoints"] = PixelRows(arrays["image_keypoints"], low, step)
    return Landmarks(**arrays), tiles


def _tiled(arrays: dict[str, Any], tiles: Tiles, max_bytes: int) -> dict[str, Any]:
    """Return the arrays of landmarks that lie in tiles, read where they are looked up."""
    stored = {name: arrays[name] for name in arrays if not name.startswith("image_")}
    for name, array in stored.items():
        if len(array) != tiles.offsets[-1]:
            raise ValueError(f"landmark {name} have shape {array.shape}, the tiles {tiles.offsets[-1]}")
    decode = {
        "positions": lambda tile, rows: rows + tiles.origins[tile],
        "stability": lambda _, rows: _decoded_stability(rows),
    }
    cache = TileCache(tiles, stored, decode, max_bytes)
    types = {"positions": np.float64, "stability": np.float32}
    return {name: TiledArray(cache, name, one.shape, types.get(name, one.dtype)) for name, one in stored.items()}


def _decoded_stability(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    return codes.astype(np.float32) / np.float32(_STABILITY_STEPS)


def encoding_of(landmarks: Landmarks) -> dict[str, Any]:
    """Return what a map's manifest has of the encodings."""
    return {
        "descriptor_dimension": landmarks.descriptors.dimension,
        "descriptor_bits": landmarks.descriptors.bits,
        "keypoint_low_px": landmarks.image_keypoints.low_px,
        "keypoint_step_px": landmarks.image_keypoints.step_px,
    }


def open_array(path: Path, *, mapped: bool) -> NDArray[Any]:
    """Open an array of any shape, (N, ...), mapped into memory or read.

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
