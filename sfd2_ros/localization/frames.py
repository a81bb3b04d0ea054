# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the pose of a camera to the frames a robot needs (REP 105): map to base_link, and map to odom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_ros.core.transforms import inverse, move_covariance
from sfd2_ros.core.types import PoseEstimate, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Evidence


@dataclass(frozen=True, eq=False)
class BasePose:
    """Where the robot is: the measured pose of a camera, moved to the robot's base.

    Attributes:
        map_from_base: (4, 4) pose of the base in the map, metres.
        covariance: (6, 6) of that pose, order (x, y, z, rotX, rotY, rotZ), metres and radians about the map's axes.
    """

    map_from_base: NDArray[np.float64]
    covariance: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RigEstimate:
    """The answer to "where was the body that carries these cameras?": a measured pose, or a reason why there is none.

    Attributes:
        status: LOCALIZED, or why the pose is refused.
        reason: one sentence with the numbers behind the status.
        base: pose of the body with its covariance; None unless status is LOCALIZED.
        evidence: what speaks for it; keypoints count through the views, those of the first view first.

    Raises:
        ValueError: a pose without LOCALIZED, or LOCALIZED without one.
    """

    status: Status
    reason: str
    base: BasePose | None
    evidence: Evidence

    def __post_init__(self) -> None:
        if (self.base is not None) != (self.status is Status.LOCALIZED):
            raise ValueError(f"status {self.status.value!r} must come with a pose if and only if localized")

    @property
    def is_localized(self) -> bool:
        """Whether a pose was measured and accepted."""
        return self.status is Status.LOCALIZED

    def of_camera(self) -> PoseEstimate:
        """Return the same for a body that is the camera itself."""
        pose, covariance = (None, None) if self.base is None else (self.base.map_from_base, self.base.covariance)
        return PoseEstimate(self.status, self.reason, pose, covariance, self.evidence)


def base_pose(estimate: PoseEstimate, base_from_cam: NDArray[np.float64]) -> BasePose:
    """Move a measured camera pose to the base.

    Args:
        estimate: a localized estimate.
        base_from_cam: (4, 4) the camera's optical frame in the base, at the stamp of the image.

    Raises:
        ValueError: the estimate was refused; there is no pose to move.
    """
    if estimate.map_from_cam is None or estimate.covariance is None:
        raise ValueError(f"an estimate with status {estimate.status.value!r} has no pose; check is_localized first")
    cam_from_base = inverse(base_from_cam)
    return BasePose(
        estimate.map_from_cam @ cam_from_base,
        move_covariance(estimate.covariance, estimate.map_from_cam, cam_from_base),
    )


def map_from_odom(map_from_base: NDArray[np.float64], odom_from_base: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the drift of odometry: where the odom frame lies in the map.

    Args:
        map_from_base: (4, 4) measured pose of the base at the stamp of an image.
        odom_from_base: (4, 4) what odometry said at the same stamp.

    Returns:
        (4, 4) map_from_odom, so that map_from_odom @ odom_from_base is the measured pose.
    """
    return map_from_base @ inverse(odom_from_base)
