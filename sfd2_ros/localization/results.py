# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The result of a localization: `Localized` with a measured pose, or `Rejected` with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sfd2_ros.core.types import Status
from sfd2_ros.localization.frames import BasePose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Evidence


@dataclass(frozen=True, eq=False)
class Localized(BasePose):
    """A measured pose that passed all gates.

    Attributes:
        map_from_base: (4, 4) pose of the body that carries the cameras; of `Localizer.localize`, of the camera itself.
        covariance: (6, 6) of that pose, order (x, y, z, rotX, rotY, rotZ), metres and radians, about the axes of the
            map (see `transforms.move_covariance`).
        evidence: everything measured.

    Raises:
        ValueError: a shape differs, or a value is not finite.
    """

    evidence: Evidence

    def __post_init__(self) -> None:
        for name, array, shape in (("pose", self.map_from_base, (4, 4)), ("covariance", self.covariance, (6, 6))):
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name} has values that are not finite")

    @property
    def map_from_cam(self) -> NDArray[np.float64]:
        """The pose (4, 4) where the body is the camera itself, as in `Localizer.localize`."""
        return self.map_from_base

    @property
    def status(self) -> Status:
        """Always LOCALIZED."""
        return Status.LOCALIZED

    @property
    def is_localized(self) -> bool:
        """Always True."""
        return True

    @property
    def reason(self) -> str:
        """One sentence with the numbers behind the status."""
        evidence = self.evidence
        return (
            f"{evidence.num_inliers} of {evidence.num_offered} matches agree within "
            f"{evidence.reprojection_error_px:.2f} px"
        )


@dataclass(frozen=True, eq=False)
class Rejected:
    """A frame without a pose.

    Attributes:
        status: why.
        reason: one sentence with the numbers behind the status.
        evidence: everything measured.

    Raises:
        ValueError: the status is LOCALIZED.
    """

    status: Status
    reason: str
    evidence: Evidence

    def __post_init__(self) -> None:
        if self.status is Status.LOCALIZED:
            raise ValueError("a rejected frame needs the status of a rejection, not 'localized'")

    @property
    def is_localized(self) -> bool:
        """Always False."""
        return False


Result: TypeAlias = Localized | Rejected
