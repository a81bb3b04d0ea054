# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a drive with odometry that drifts to consistent poses: neighbours, loops, GNSS, all together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.transforms import inverse, rigid
from sfd2_ros.mapping.drive.adjustment import Factors
from sfd2_ros.mapping.drive.gnss import (
    Datum,
    Placement,
    datum_of,
    enu_positions,
    moved,
    near_fixes,
    place_drive,
    position_priors,
)
from sfd2_ros.mapping.drive.jumps import without_jumps
from sfd2_ros.mapping.drive.level import up_in_base, yaw_only
from sfd2_ros.mapping.drive.loops import Loop, candidate_pairs, find_loops, judged_loops
from sfd2_ros.mapping.drive.odometry import odometry_steps, scaled
from sfd2_ros.mapping.drive.pose_graph import solve_pose_graph
from sfd2_ros.mapping.drive.residuals import Residuals, residuals_of
from sfd2_ros.mapping.drive.revisits import revisited_pairs
from sfd2_ros.mapping.drive.rounds import optimised, triangulated
from sfd2_ros.mapping.drive.subpixel import refined_keypoints
from sfd2_ros.mapping.drive.uncertainty import pose_covariances

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.drive import Drive
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.drive.adjustment import Adjusted, PositionPrior
    from sfd2_ros.mapping.drive.config import DriveConfig
    from sfd2_ros.mapping.drive.odometry import RelativePose
    from sfd2_ros.mapping.match_images import PairMatches, Progress

    Pose = NDArray[np.float64]
    Match = Callable[[Sequence[tuple[int, int]]], PairMatches]

_LOOSE_PX, _EXACT_PX = 8.0, 4.0
"""Of a match under poses of odometry, and under optimised ones."""
_MIN_MATCHES = 15
"""Of a pair of images: the same as of any map, see MapConfig.min_matches."""


@dataclass(frozen=True, eq=False)
class OptimisedDrive:
    """A drive with consistent poses.

    Attributes:
        before: map_from_base (4, 4) of each keyframe by odometry alone, from the same first pose.
        poses: map_from_base (4, 4) of each keyframe; z is up.
        covariances: (K, 6, 6) of the poses, ROS's order (x, y, z, rotX, rotY, rotZ) in the axes of the map.
        datum: origin of the map on WGS84; None without GNSS.
        scale: by which lengths of odometry were multiplied.
        scale_sigma: its standard deviation; NaN where nothing observes it.
        loops: found, with the reason of each rejection.
        jumps: steps of odometry that images contradict, index of the earlier keyframe.
        rejected_fixes: number of GNSS fixes that disagree with the rest.
        residuals: of the last optimisation.
        matches: of all pairs of images that were matched.
        notes: sentences for the user, first of all what is not observable.
    """

    before: list[Pose]
    poses: list[Pose]
    covariances: NDArray[np.float64]
    datum: Datum | None
    scale: float
    scale_sigma: float
    loops: tuple[Loop, ...]
    jumps: tuple[int, ...]
    rejected_fixes: int
    residuals: Residuals
    matches: PairMatches
    notes: tuple[str, ...]


def optimise_drive(
    drive: Drive,
    features: Sequence[Features],
    aggregates: NDArray[np.float32],
    match: Match,
    *,
    config: DriveConfig,
    progress: Progress,
    image: Callable[[int], NDArray[np.uint8]] | None = None,
) -> OptimisedDrive:
    """Find consistent poses of a drive.

    Args:
        drive: cameras, keyframes with odometry whose z axis is up, GNSS fixes.
        features: of each image of `drive.images`.
        aggregates: (I, G) global descriptors of the images.
        match: matches pairs of images.
        config: settings.
        progress: called with step, done, total.
        image: returns the (H, W, 3) uint8 RGB image of an index, whose pixels refine keypoints; None: they stay.

    Raises:
        MapBuildError: no pair of images has enough matches that odometry allows.
        DependencyError: pyceres is not installed.
    """
    near, alike = candidate_pairs(drive, aggregates, config)
    work = _Optimiser(drive, features, config)
    progress("neighbours", 0, 1)
    joined = work.join_neighbours(match(near))
    progress("neighbours", 1, 1)
    work.close_loops(match(alike), *joined)
    work.place_on_earth()
    again = [pair for pair in revisited_pairs(drive, work.poses, config) if pair not in work.matches]
    work.matches |= match(again) if again else {}
    progress("optimise", 0, 2)
    model, *_ = work.adjust_all(_LOOSE_PX)
    if image is not None:
        work.refine_keypoints(model, image)
    progress("optimise", 1, 2)
    found = work.result(*work.adjust_all(_EXACT_PX))
    progress("optimise", 2, 2)
    return found


class _Optimiser:
    """Poses on their way, and what is known of them."""

    def __init__(self, drive: Drive, features: Sequence[Features], config: DriveConfig) -> None:
        self._drive = replace(drive, fixes=near_fixes(drive))
        self._features, self._config = features, config
        self._before = _from_first(drive)
        self._up = up_in_base(self._before)
        self._steps = odometry_steps(drive, config)
        self._jumps: list[int] = []
        self._loops: list[Loop] = []
        self._placement: Placement | None = None
        self._datum: Datum | None = None
        self._scale = 1.0
        self._enu = np.empty((0, 3))
        self._agreeing = np.ones(0, bool)
        self._pixel_sigma_px = config.pixel_sigma_px
        self._exact_matches: PairMatches = {}
        self.poses = self._before
        self.matches: PairMatches = {}

    def join_neighbours(self, matches: PairMatches) -> tuple[Any, Adjusted]:
        """Optimise the poses by images that follow each other; return the model and the optimisation."""
        self.matches = dict(matches)
        model = self._triangulated(_LOOSE_PX)
        self._steps, self._jumps = without_jumps(
            self._drive, self._features, matches, model, steps=self._steps, config=self._config
        )
        if self._jumps:
            self.poses = _chained(self._before[0], self._steps)
            model = self._triangulated(_LOOSE_PX)
        self.poses, adjusted = optimised(model, self._factors([]), pixel_sigma_px=self._pixel_sigma_px)
        return model, adjusted

    def close_loops(self, matches: PairMatches, model: Any, adjusted: Adjusted) -> None:
        """Move the poses so that places that were seen again coincide."""
        self.matches |= matches
        found = find_loops(self._drive, self._features, matches, model, self._config)
        if not found:
            return
        drift = pose_covariances(adjusted, model, pixel_sigma_px=self._pixel_sigma_px)
        loops = judged_loops(self._drive, found, self.poses, self._config, drift)
        kept = [loop.pose for loop in loops if not loop.rejected]
        weights = {}
        if kept:
            solved = solve_pose_graph(self.poses, self._measured_steps(), kept)
            self.poses = solved.poses
            weights = dict(zip(map(id, kept), solved.loop_weights, strict=True))
        wrong = "contradicts the other loops and odometry"
        self._loops = [loop if weights.get(id(loop.pose), 1.0) > 0 else replace(loop, rejected=wrong) for loop in loops]

    def place_on_earth(self) -> None:
        """Move the poses into the local frame of GNSS where fixes give it."""
        if not self._drive.fixes:
            return
        datum = datum_of(self._drive.fixes)
        self._enu = enu_positions(self._drive.fixes, datum)
        self._placement = place_drive(self._drive, self.poses, self._enu)
        if self._placement is None or not self._placement.is_heading_observed:
            return
        self._datum = datum
        self._scale = self._placement.scale if self._placement.is_scale_observed else 1.0
        self.poses = moved(self.poses, self._placement, self._scale)
        solved = solve_pose_graph(self.poses, self._measured_steps(), [], self._fixes())
        self.poses = solved.poses
        self._agreeing = solved.position_weights > 0

    def adjust_all(self, error_px: float) -> tuple[Any, Adjusted, Factors]:
        """Optimise poses and landmarks by everything; return the model, the optimisation and its factors."""
        model = self._triangulated(error_px)
        fixes = [fix for fix, agrees in zip(self._fixes(), self._agreeing, strict=True) if agrees]
        factors = self._factors(fixes)
        self.poses, adjusted = optimised(model, factors, pixel_sigma_px=self._pixel_sigma_px)
        if self._datum is not None and self._placement is not None and self._placement.is_scale_observed:
            again = place_drive(self._drive, self.poses, self._enu, scale=self._scale)
            self._scale *= 1.0 if again is None else again.scale
        return model, adjusted, factors

    def refine_keypoints(self, model: Any, image: Callable[[int], NDArray[np.uint8]]) -> None:
        """Move keypoints of landmarks to where images (H, W, 3) agree, and count only those from now on."""
        refined = refined_keypoints(model, self._features, image)
        self._features = refined.features
        self._exact_matches = refined.exact_matches(self.matches, _MIN_MATCHES)
        self._pixel_sigma_px = self._config.refined_sigma_px

    def result(self, model: Any, adjusted: Adjusted, factors: Factors) -> OptimisedDrive:
        """Return what was found."""
        observed = self._datum is not None and self._placement is not None and self._placement.is_scale_observed
        return OptimisedDrive(
            before=self._before,
            poses=self.poses,
            covariances=pose_covariances(adjusted, model, pixel_sigma_px=self._pixel_sigma_px),
            datum=self._datum,
            scale=self._scale,
            scale_sigma=self._placement.scale_sigma if observed and self._placement else float("nan"),
            loops=tuple(self._loops),
            jumps=tuple(self._jumps),
            rejected_fixes=int(np.count_nonzero(~self._agreeing)),
            residuals=residuals_of(model, factors, is_converged=adjusted.is_converged),
            matches=self.matches,
            notes=self._notes(is_scale_observed=observed),
        )

    def _triangulated(self, error_px: float) -> Any:
        return triangulated(
            self._drive,
            self._features,
            self._exact_matches or self.matches,
            self.poses,
            max_error_px=error_px,
            min_matches=_MIN_MATCHES,
        )

    def _factors(self, fixes: Sequence[PositionPrior]) -> Factors:
        start = None if self._datum is not None else self._before[0]
        level_rad = float(np.radians(self._config.level_deg))
        return Factors(scaled(self._steps, self._scale), self._up, level_rad, fixes, start)

    def _measured_steps(self) -> list[RelativePose]:
        """Return the steps between the poses as they are, as exact as odometry's."""
        return [
            replace(step, first_from_second=inverse(self.poses[step.first]) @ self.poses[step.second])
            for step in self._steps
        ]

    def _fixes(self) -> list[PositionPrior]:
        if self._datum is None:
            return []
        return position_priors(self._drive, self.poses, self._enu, scale=self._scale)

    def _notes(self, *, is_scale_observed: bool) -> tuple[str, ...]:
        notes = []
        if not self._drive.fixes:
            notes.append("not observable: scale (from odometry alone), place and heading on the earth (no GNSS)")
        elif self._datum is None:
            notes.append("not observable: place, heading and scale; the drive is too short for its GNSS fixes")
        elif not is_scale_observed:
            notes.append("not observable: scale (from odometry alone); the drive is too short for its GNSS fixes")
        up = up_in_base([one.odom_from_base for one in self._drive.keyframes])
        if np.allclose(up, up[0], atol=1e-9):
            notes.append("odometry is planar: the map is taken for level, slopes come from images alone")
        if not any(not loop.rejected for loop in self._loops):
            notes.append("no place was seen again: drift of images and odometry remains")
        notes += [f"odometry jumps after keyframe {number}; images bridge it" for number in self._jumps]
        return tuple(notes)


def _from_first(drive: Drive) -> list[Pose]:
    """Return poses of odometry in a frame at the first keyframe that is level and looks ahead of it."""
    first = drive.keyframes[0].odom_from_base
    map_from_odom = inverse(rigid(yaw_only(first[:3, :3]), first[:3, 3]))
    return [map_from_odom @ one.odom_from_base for one in drive.keyframes]


def _chained(first: Pose, steps: Sequence[RelativePose]) -> list[Pose]:
    poses = [first]
    for step in steps:
        poses.append(poses[-1] @ step.first_from_second)
    return poses
