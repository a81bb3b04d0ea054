# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map's `manifest.json`: what the map is, what it holds, and checksums of every file and of itself."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sfd2_ros.core.errors import MapError
from sfd2_ros.core.files import sha256_of_file

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "sfd2_ros map"
FORMAT_VERSION = 7
MANIFEST = "manifest.json"
UNITS = ("metres", "arbitrary")
_CHECKSUM = "checksum"
_NEES = "reference_pose_nees"
_TYPES: dict[str, type] = {
    "frame_id": str,
    "units": str,
    "weights_id": str,
    "extraction": dict,
    "encoding": dict,
    "counts": dict,
    "provenance": dict,
    "files": dict,
}


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Write the manifest of a map whose other files stand already.

    Args:
        folder: of the map.
        content: all but the format, the checksums and `files`.
    """
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    checksums = {one.relative_to(folder).as_posix(): sha256_of_file(one) for one in files}
    manifest = {"format": FORMAT, "format_version": FORMAT_VERSION, **content, "files": checksums}
    manifest[_CHECKSUM] = _checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a map's manifest and check that this version can read the map.

    Raises:
        MapError: no such map, no manifest, a damaged one, or another format version.
    """
    try:
        is_folder = path.is_dir()
    except OSError as err:  # a folder above that may not be entered, a name that is too long
        reason = err.strerror or str(err)
        raise MapError(f"map {str(path)!r} cannot be looked at: {reason}; name a folder that can be read") from err
    if not is_folder:
        raise MapError(f"map {str(path)!r} does not exist; make one with `sfd2 map build SOURCE -o {path}`")
    if (path / MANIFEST).exists() and not (path / MANIFEST).is_file():  # a pipe would be waited for
        raise MapError(f"map {str(path)!r} is damaged: {MANIFEST} is no regular file; build it again")
    try:
        manifest: Any = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise MapError(
            f"{str(path)!r} is no map: it has no {MANIFEST}; name a folder made by `sfd2 map build`"
        ) from err
    except (OSError, ValueError, RecursionError) as err:
        raise MapError(f"map {str(path)!r} is damaged: {MANIFEST} cannot be read: {err}; build it again") from err
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise MapError(f"{str(path / MANIFEST)!r} is no manifest of an sfd2_ros map; build the map again")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise MapError(
            f"map {str(path)!r} has format version {version!r}, this program reads {FORMAT_VERSION}; build it again"
        )
    problem = _problem(manifest)
    if problem:
        raise MapError(f"map {str(path)!r} is damaged: {MANIFEST} {problem}; build or copy it again")
    return manifest


def map_id(manifest: dict[str, Any]) -> str:
    """Return the identity of a map's content, 12 hexadecimal digits."""
    return str(manifest[_CHECKSUM])[:12]


def made_by(provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the program that made a map and the mean reprojection error of its landmarks; None where not written."""
    report = provenance.get("report")
    error_px = report.get("reprojection_error_px") if isinstance(report, dict) else None
    return {"reprojection_error_px": error_px, "program": provenance.get("program")}


def damaged_files(path: Path, manifest: dict[str, Any]) -> list[str]:
    """Return what is wrong with a map's files: missing ones and those whose checksum differs."""
    found = (_damage(path / name, checksum) for name, checksum in manifest["files"].items())
    return [f"{name} {damage}" for name, damage in zip(manifest["files"], found, strict=True) if damage]


def _damage(path: Path, checksum: str) -> str | None:
    try:
        if not path.is_file():
            return "is missing"
        return None if sha256_of_file(path) == checksum else "has changed"
    except OSError as err:
        return f"cannot be read ({err.strerror or err})"


def _problem(manifest: dict[str, Any]) -> str | None:
    if manifest.get(_CHECKSUM) != _checksum(manifest):
        return "has changed since it was written"
    for name, expected in _TYPES.items():
        if not isinstance(manifest.get(name), expected):
            return f"has {name} {manifest.get(name)!r}, a {expected.__name__} is needed"
    ratio = manifest.get(_NEES, "")
    if not (ratio is None or (isinstance(ratio, float) and ratio >= 0)):
        return f"has {_NEES} {ratio!r}, a number of at least 0 or null is needed"
    if manifest["units"] not in UNITS:
        return f"has units {manifest['units']!r}, allowed: {', '.join(UNITS)}"
    return None if manifest["files"] else "lists no files"


def _checksum(manifest: dict[str, Any]) -> str:
    """Return the SHA-256 of everything else in the manifest, whatever its layout."""
    rest = {key: value for key, value in manifest.items() if key != _CHECKSUM}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
