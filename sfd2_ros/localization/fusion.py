# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A smooth map to odom: measured poses and odometry in one Kalman filter on SE(3).

What is estimated is map_from_odom, which stands still while odometry is right. Its error is written at the base, about
the axes of the map, as covariances of poses are: an odometry frame that lies far away blows up no number.

Measured poses that follow each other err alike, because they see the same landmarks. Taken for independent, a hundred
of them would make the filter ten times as sure and no more right. So the error of a measurement has two parts: one that
is its own, and one that changes with the way and the turn only (a Gauss-Markov process, estimated with the rest).

Source: the filter with coloured measurement noise of Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to
Tracking and Navigation", 2001, section 8.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.config import check_config
from sfd2_ros.core.transforms import (
    inverse,
    rigid,
    rotation_angle_rad,
    rotation_from_vector,
    skew,
    vector_from_rotation,
)
from sfd2_ros.localization.frames import BasePose, map_from_odom
from sfd2_ros.localization.fusion_config import FusionConfig
from sfd2_ros.localization.motion import Fix, MotionConfig, mahalanobis2, odometry_deviations, predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OUT_OF_ORDER_NS = 1_000_000_000
"""Cameras that are localized each by itself come out of order by less; a clock that was set back, by more."""


@dataclass(frozen=True, eq=False)
class FusedPose:
    """What the filter says after a measured pose.

    Attributes:
        base: pose of the base in the map at the stamp of the measured one, with covariance.
        map_from_odom: (4, 4) where odometry's frame lies in the map.
        is_new: whether it is the measured pose itself, because the filter began anew with it.
    """

    base: BasePose
    map_from_odom: NDArray[np.float64]
    is_new: bool


@dataclass(frozen=True, eq=False)
class _State:
    """What the filter knows.

    Attributes:
        stamp_ns: of the last measured pose.
        odom_from_base: (4, 4) then.
        map_from_base: (4, 4) fused.
        common: (6,) by how much measured poses here are wrong in common, metres and radians.
        covariance: (12, 12) of the errors of the pose (order and axes as everywhere), then of `common`.
        common_variance: (6, 6) what `common` would be expected to be, had nothing been learnt of it.
    """

    stamp_ns: int
    odom_from_base: NDArray[np.float64]
    map_from_base: NDArray[np.float64]
    common: NDArray[np.float64]
    covariance: NDArray[np.float64]
    common_variance: NDArray[np.float64]

    @property
    def base(self) -> BasePose:
        return BasePose(self.map_from_base, self.covariance[:6, :6])


class PoseFusion:
    """Fuses the measured poses of one robot with its odometry. To forget what it knows, make another one."""

    def __init__(
        self, config: FusionConfig | None = None, motion: MotionConfig | None = None, *, state: _State | None = None
    ) -> None:
        """Keep the settings.

        Args:
            config: None for the defaults; `enabled` is not used here.
            motion: uncertainty of odometry; None for the defaults.
            state: what is known of the robot; None: nothing.

        Raises:
            ConfigError: a setting is not allowed.
        """
        self.config, self.motion = config or FusionConfig(), motion or MotionConfig()
        check_config(self.config)
        check_config(self.motion)
        self._state = state

    def with_settings(self, config: FusionConfig, motion: MotionConfig) -> PoseFusion:
        """Return a filter with other settings that knows what this one knows.

        Raises:
            ConfigError: a setting is not allowed.
        """
        return PoseFusion(config, motion, state=self._state)

    def fuse(
        self, stamp_ns: int, measured: BasePose, odom_from_base: NDArray[np.float64], *, max_jump: float
    ) -> FusedPose:
        """Take in a measured pose.

        The filter begins anew with it when it is the first, when the clock was set back, and when it contradicts what
        the filter expects: who was carried off, or was wrong until now, is not led through walls to the right place.

        Args:
            stamp_ns: of the images.
            measured: pose of the base in the map that was measured in them.
            odom_from_base: (4, 4) at the stamp.
            max_jump: squared Mahalanobis distance from the expected pose beyond which a measured one contradicts it.
        """
        is_new = self._state is None or self._is_contradicted(self._state, stamp_ns, measured, odom_from_base, max_jump)
        if self._state is None or is_new:
            self._state = self._begun(stamp_ns, measured, odom_from_base)
        else:
            self._state = self._updated(self._moved(self._state, stamp_ns, odom_from_base, measured), measured)
        base = self._state.base
        return FusedPose(base, map_from_odom(base.map_from_base, odom_from_base), is_new)

    def _is_contradicted(
        self, state: _State, stamp_ns: int, measured: BasePose, odom_from_base: NDArray[np.float64], max_jump: float
    ) -> bool:
        """Judge as the tracker does, which also decides between a pose and a prediction by odometry."""
        if stamp_ns < state.stamp_ns - _OUT_OF_ORDER_NS:
            return True
        expected = predict(Fix(state.stamp_ns, state.base, state.odom_from_base), stamp_ns, odom_from_base, self.motion)
        return expected is None or mahalanobis2(measured, expected) > max_jump

    def _begun(self, stamp_ns: int, measured: BasePose, odom_from_base: NDArray[np.float64]) -> _State:
        """Return the state in which the error of the pose is that of the measurement, common part included."""
        common = self.config.common_share * measured.covariance
        covariance = np.block([[measured.covariance, -common], [-common, common]])
        return _State(stamp_ns, odom_from_base, measured.map_from_base, np.zeros(6), covariance, common)

    def _moved(self, state: _State, stamp_ns: int, odom_from_base: NDArray[np.float64], measured: BasePose) -> _State:
        """Return the state moved by odometry: less sure, and what measured poses have in common changes."""
        moved = inverse(state.odom_from_base) @ odom_from_base
        way_m, turn_rad = float(np.linalg.norm(moved[:3, 3])), rotation_angle_rad(moved)
        kept = float(np.exp(-way_m / self.config.common_m - turn_rad / self.config.common_rad))
        stds = [self.config.motion_share * deviation for deviation in odometry_deviations(moved, self.motion)]
        transition = np.eye(12)
        transition[:3, 3:6] = -skew(state.map_from_base[:3, :3] @ moved[:3, 3])
        transition[6:, 6:] *= kept
        covariance = transition @ state.covariance @ transition.T
        covariance[:6, :6] += np.diag(np.repeat(np.square(stds), 3))
        renewed = (1 - kept**2) * self.config.common_share * measured.covariance
        covariance[6:, 6:] += renewed
        pose, common_variance = state.map_from_base @ moved, kept**2 * state.common_variance + renewed
        return _State(stamp_ns, odom_from_base, pose, kept * state.common, covariance, common_variance)

    def _updated(self, state: _State, measured: BasePose) -> _State:
        """Return the state corrected by a measured pose."""
        turn = vector_from_rotation(measured.map_from_base @ inverse(state.map_from_base))
        offset = measured.map_from_base[:3, 3] - state.map_from_base[:3, 3]
        observation = np.hstack([np.eye(6), np.eye(6)])
        own = _own_part(measured.covariance, state.common_variance, self.config.common_share)
        spread = observation @ state.covariance @ observation.T + own
        gain = np.linalg.solve(spread, observation @ state.covariance).T
        correction = gain @ (np.concatenate([offset, turn]) - state.common)
        # Joseph's form: stays symmetric and positive whatever is rounded.
        left = np.eye(12) - gain @ observation
        covariance = left @ state.covariance @ left.T + gain @ own @ gain.T
        pose = rigid(
            rotation_from_vector(correction[3:6]) @ state.map_from_base[:3, :3],
            state.map_from_base[:3, 3] + correction[:3],
        )
        return replace(
            state,
            map_from_base=pose,
            common=state.common + correction[6:],
            covariance=(covariance + covariance.T) / 2,
        )


def _own_part(measured: NDArray[np.float64], common: NDArray[np.float64], common_share: float) -> NDArray[np.float64]:
    """Return what of a measured covariance (6, 6) is not in the common one, and its own share at the least.

    A pose that is far vaguer than those before has more of its own; one that is far surer keeps its share.
    """
    root = np.linalg.cholesky(measured)
    whitened = np.linalg.solve(root, np.linalg.solve(root, common).T)
    values, axes = np.linalg.eigh((whitened + whitened.T) / 2)
    own = root @ axes
    part: NDArray[np.float64] = own * (1 - np.minimum(values, common_share)) @ own.T
    return part
