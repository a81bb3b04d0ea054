# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What became of each image that was offered: its error, or why it has no pose."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfd2_ros.core.errors import PoseFileError
from sfd2_ros.core.types import Status
from sfd2_ros.evaluation.metrics import pose_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.evaluation.queries import Queries
    from sfd2_ros.evaluation.scene_truth import SceneTruth

NOT_SAID = "not_said"
"""Status of an image without a pose whose reason is not known: it stands in no details file."""


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes:
        name: of the image.
        condition: under which it was taken.
        is_foreign: whether it shows another place and should have been rejected.
        status: "localized", the reason of a rejection, or `NOT_SAID`.
        inliers: matches that agree with the pose; None where not known.
        position_m: error; None without a pose, and for foreign images.
        rotation_deg: error; likewise.
        stamp_ns: time of the image; None where not known.
    """

    name: str
    condition: str
    is_foreign: bool
    status: str
    inliers: int | None = None
    position_m: float | None = None
    rotation_deg: float | None = None
    stamp_ns: int | None = None

    @property
    def has_pose(self) -> bool:
        """Whether there is a pose for it."""
        return self.status == Status.LOCALIZED.value


def outcomes_of(
    estimated: Mapping[str, NDArray[np.float64]],
    queries: Queries,
    details: Mapping[str, Mapping[str, Any]],
    truth: SceneTruth,
) -> list[Outcome]:
    """Say of every query and every foreign image what became of it.

    Args:
        estimated: cam_from_map by image name; rejected images are absent.
        queries: with their reference poses, and the foreign images.
        details: status and inliers by image name, from `read_details`; may be empty.
        truth: conditions and times.

    Returns:
        Queries in the order of their list, then the foreign images.
    """
    return [
        _outcome(name, estimated.get(name), reference, details.get(name, {}), truth)
        for name, reference in [*queries.reference.items(), *((name, None) for name in queries.foreign)]
    ]


def _outcome(
    name: str,
    pose: NDArray[np.float64] | None,
    reference: NDArray[np.float64] | None,
    said: Mapping[str, Any],
    truth: SceneTruth,
) -> Outcome:
    position_m = rotation_deg = None
    if pose is not None and reference is not None:
        position_m, rotation_deg = pose_error(pose, reference)
    status = str(said.get("status", NOT_SAID))
    if pose is not None:
        status = Status.LOCALIZED.value
    elif status == Status.LOCALIZED.value:  # of another run than the poses
        status = NOT_SAID
    return Outcome(
        name=name,
        condition=truth.condition_of(name, is_foreign=reference is None),
        is_foreign=reference is None,
        status=status,
        inliers=said.get("inliers"),
        position_m=position_m,
        rotation_deg=rotation_deg,
        stamp_ns=truth.stamps_ns.get(name),
    )


def read_details(path: Path) -> dict[str, dict[str, Any]]:
    """Read the statuses beside a pose file; without such a file there are none.

    Raises:
        PoseFileError: the file is there and is damaged.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise PoseFileError(f"details {str(path)!r} cannot be read: {err}; remove it, or localize again") from err
    if not isinstance(content, dict) or not all(isinstance(one, dict) for one in content.values()):
        raise PoseFileError(f"details {str(path)!r} do not name images with their status; remove it, or localize again")
    return content
