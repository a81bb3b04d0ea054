# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pose files in the benchmarks' format: `name qw qx qy qz tx ty tz` (cam_from_map), a line a localized image.

Rejected images have no line; their reasons stand in the JSON beside it.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from sfd2_ros.core.errors import PoseFileError
from sfd2_ros.core.files import atomic_file, is_utf8
from sfd2_ros.core.transforms import inverse
from sfd2_ros.localization.results import Localized
from sfd2_ros.mapping.colmap_io import pose_from_wxyz, wxyz_from_pose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import GateValue
    from sfd2_ros.localization.results import Result

_FIELDS = 8
_MAX_LENGTH_ERROR = 0.01
"""Of a quaternion: more than rounding explains, less than columns in another order make."""


def write_poses(path: Path, estimates: Mapping[str, Result]) -> None:
    """Write the poses of localized images, and beside them all statuses, inliers and covariances as JSON.

    Args:
        path: of the pose file; the JSON beside it gets the suffix `.details.json` in place of its own.
        estimates: by image name.

    Raises:
        OutputError: the folder cannot be written.
        PoseFileError: a name cannot stand in a pose file.
    """
    check_names(estimates)
    lines = []
    for name, estimate in estimates.items():
        if isinstance(estimate, Localized):
            numbers = wxyz_from_pose(inverse(estimate.map_from_cam))
            lines.append(" ".join([name, *(f"{number:.12g}" for number in numbers)]) + "\n")
    details = {name: describe_estimate(estimate) for name, estimate in estimates.items()}
    with atomic_file(details_path(path)) as temporary:
        temporary.write_text(json.dumps(details, indent=1) + "\n", encoding="utf-8")
    with atomic_file(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def check_names(names: Iterable[str]) -> None:
    """Reject names that a line of a pose file or of an image list cannot hold.

    Raises:
        PoseFileError: a name is empty, begins or ends with a space, begins with #, breaks the line, or is not UTF-8.
    """
    for name in names:
        if not is_utf8(name):
            raise PoseFileError(f"image name {name!r} is not UTF-8 and cannot stand in a pose file; rename the image")
        if not name or name != name.strip() or name.startswith("#") or "\n" in name or "\r" in name:
            raise PoseFileError(
                f"image name {name!r} cannot stand in a pose file; rename the image: no line breaks, no # in front, "
                "no spaces around"
            )


def details_path(path: Path) -> Path:
    """Return where the statuses of a pose file stand."""
    return path.parent / f"{path.stem}.details.json"


def describe_estimate(estimate: Result) -> dict[str, Any]:
    """Return status, reason, evidence, gates and covariance of a result as plain values for JSON."""
    evidence = estimate.evidence
    return {
        "status": estimate.status.value,
        "reason": estimate.reason,
        "keypoints": evidence.num_keypoints,
        "matches": evidence.num_matches,
        "guided": evidence.num_guided,
        "inliers": evidence.num_inliers,
        "reprojection_error_px": _finite(evidence.reprojection_error_px),
        "spread": _finite(evidence.spread),
        "log10_false_alarms": _finite(evidence.log10_false_alarms),
        "mean_log_likelihood_ratio": _finite(evidence.mean_log_likelihood_ratio),
        "gates": {gate.name: _described(gate) for gate in evidence.gates},
        "candidates": list(evidence.candidates),
        "seconds": {step: round(duration, 4) for step, duration in evidence.seconds.items()},
        "covariance": estimate.covariance.tolist() if isinstance(estimate, Localized) else None,
    }


def _described(gate: GateValue) -> dict[str, Any]:
    """Return the value of a gate, None where it was not measured, beside its limit."""
    return {"value": _finite(gate.value), "at_least" if gate.at_least else "at_most": gate.limit, "unit": gate.unit}


def read_poses(path: Path) -> dict[str, NDArray[np.float64]]:
    """Read a pose file.

    Returns:
        cam_from_map (4, 4) by image name.

    Raises:
        PoseFileError: the file is missing, a line is malformed, or a name comes twice; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise PoseFileError(f"pose file {str(path)!r} cannot be read: {reason}; name a file of poses") from err
    poses: dict[str, NDArray[np.float64]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, pose = _parse(line, f"{path}:{number}")
        if name in poses:
            raise PoseFileError(f"{path}:{number}: image {name!r} has a pose already; one line an image is allowed")
        poses[name] = pose
    return poses


def _parse(line: str, where: str) -> tuple[str, NDArray[np.float64]]:
    problem = f"{where}: {line!r} is no line `name qw qx qy qz tx ty tz` with seven finite numbers"
    name, *numbers = line.rsplit(maxsplit=_FIELDS - 1)
    try:
        values = [float(number) for number in numbers]
        pose = pose_from_wxyz(values)
    except ValueError as err:
        raise PoseFileError(f"{problem}: {err}") from err
    if not all(math.isfinite(value) for value in values):
        raise PoseFileError(problem)
    length = math.hypot(*values[:4])
    if abs(length - 1) > _MAX_LENGTH_ERROR:
        raise PoseFileError(f"{problem}: qw qx qy qz have length {length:.4g}, 1 is needed; is the order another?")
    return name.strip(), pose


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
