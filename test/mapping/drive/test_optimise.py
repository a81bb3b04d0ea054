# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive with odometry that drifts gets consistent poses, whatever is recorded beside it and whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap
from support.point_town import PointTown, drifting, point_town, round_block

from sfd2_ros.core.drive import Drive, PositionFix
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.mapping.drive.optimise import OptimisedDrive

Optimise = Callable[..., "OptimisedDrive"]
PLACE = (51.75, -1.26, 70.0)


def errors_m(poses: Any, truth: Any, *, with_scale: bool) -> NDArray[np.float64]:
    """Return (K,) distances of positions from the truth after the best rigid motion, or similarity."""
    own, there = (np.array([pose[:3, 3] for pose in some]) for some in (poses, truth))
    a, b = own - own.mean(axis=0), there - there.mean(axis=0)
    left, stretch, right = np.linalg.svd(b.T @ a)
    sign = np.diag([1.0, 1.0, np.linalg.det(left @ right)])
    scale = (stretch * np.diag(sign)).sum() / (a**2).sum() if with_scale else 1.0
    return np.linalg.norm(scale * a @ (left @ sign @ right).T - b, axis=1)


def with_fixes(town: PointTown, *, sigma_m: float, per_keyframe: int, seed: int = 3, wrong: Any = None) -> Drive:
    """Return the drive with GNSS fixes of an antenna 1 m behind and 2 m above the robot's origin."""
    generator = np.random.default_rng(seed)
    antenna = rigid(np.eye(3), [-1.0, 0.0, 2.0])
    fixes = []
    for number in range(len(town.truth) * per_keyframe):
        keyframe = town.drive.keyframes[number // per_keyframe]
        place = (town.truth[number // per_keyframe] @ antenna)[:3, 3] + generator.normal(0, sigma_m, 3)
        place = place if wrong is None else wrong(number // per_keyframe, place, generator)
        lat, lon, alt = pycolmap.GPSTransform().enu_to_ellipsoid(place[None], *PLACE)[0]
        covariance = np.eye(3) * sigma_m**2
        fixes.append(PositionFix(keyframe.stamp_ns, lat, lon, alt, covariance, keyframe.odom_from_base @ antenna))
    return replace(town.drive, fixes=tuple(fixes))


def absolute_errors_m(found: OptimisedDrive, truth: Any) -> NDArray[np.float64]:
    """Return (K,) distances in the plane from the truth on the earth."""
    assert found.datum is not None
    datum = (found.datum.latitude_deg, found.datum.longitude_deg, found.datum.altitude_m)
    places = np.array([pose[:3, 3] for pose in found.poses])
    on_earth = pycolmap.GPSTransform().enu_to_ellipsoid(places, *datum)
    there = pycolmap.GPSTransform().ellipsoid_to_enu(on_earth, *PLACE)
    return np.linalg.norm((there - np.array([pose[:3, 3] for pose in truth]))[:, :2], axis=1)


def test_a_loop_of_150_m_closes_within_centimetres_and_its_scale_is_said_to_be_odometrys(optimise: Optimise) -> None:
    truth = round_block(38, 2.0)
    town = point_town(truth, drifting(truth, scale=1.01, deg_per_m=2 / 60), points_per_m=6)
    found = optimise(town)
    assert np.median([np.linalg.norm(a[:3, 3] - b[:3, 3]) for a, b in zip(found.before, truth, strict=True)]) > 1.0
    assert np.median(errors_m(found.poses, truth, with_scale=True)) < 0.02
    assert np.median(errors_m(found.poses, truth, with_scale=False)) < 0.15
    assert sum(not loop.rejected for loop in found.loops) > 5
    assert found.datum is None
    assert any("scale (from odometry alone)" in note for note in found.notes)
    np.testing.assert_allclose(found.poses[0], truth[0], atol=0.01)


def test_fixes_of_gnss_place_the_drive_on_the_earth_and_correct_its_scale(
    optimise: Optimise, short_town: PointTown
) -> None:
    found = optimise(short_town, with_fixes(short_town, sigma_m=1.0, per_keyframe=40))
    assert np.median(absolute_errors_m(found, short_town.truth)) < 0.3
    assert abs(found.scale * 1.01 - 1) < 0.003 + 3 * found.scale_sigma
    assert 0 < found.scale_sigma < 0.005
    assert not any("not observable" in note for note in found.notes)


def test_outliers_and_a_multipath_step_of_gnss_are_rejected(optimise: Optimise, short_town: PointTown) -> None:
    def wrong(keyframe: int, place: Any, generator: Any) -> Any:
        if 10 <= keyframe < 14:
            return place + np.array([12.0, -9.0, 5.0])
        return place + generator.normal(0, 40, 3) if generator.random() < 0.1 else place

    found = optimise(short_town, with_fixes(short_town, sigma_m=0.5, per_keyframe=5, wrong=wrong))
    assert found.rejected_fixes > 20
    assert np.median(absolute_errors_m(found, short_town.truth)) < 0.3


def test_too_few_fixes_place_nothing_and_the_report_says_so(optimise: Optimise, short_town: PointTown) -> None:
    drive = with_fixes(short_town, sigma_m=1.0, per_keyframe=1)
    found = optimise(short_town, replace(drive, fixes=drive.fixes[:4]))
    assert found.datum is None
    assert any("too short for its GNSS fixes" in note for note in found.notes)


def test_a_jump_of_odometry_is_bridged_by_images(optimise: Optimise, short_town: PointTown) -> None:
    jump = rigid(rotation_from_vector([0, 0, 0.4]), [3.0, -2.0, 0])
    keyframes = [
        replace(one, odom_from_base=jump @ one.odom_from_base) if number > 20 else one
        for number, one in enumerate(short_town.drive.keyframes)
    ]
    found = optimise(short_town, replace(short_town.drive, keyframes=tuple(keyframes)))
    assert found.jumps == (20,)
    assert np.median(errors_m(found.poses, short_town.truth, with_scale=True)) < 0.05


def test_a_camera_that_was_off_for_a_while_leaves_odometry_there(optimise: Optimise) -> None:
    truth = round_block(22, 2.0, laps=1.6)
    odometry = drifting(truth, scale=1.01, deg_per_m=2 / 60)
    whole = point_town(truth, odometry, points_per_m=6)
    kept = [number for number in range(len(truth)) if not 12 <= number < 22]
    images = [index for index, (number, _, _) in enumerate(whole.drive.images) if number in kept]
    town = PointTown(
        replace(whole.drive, keyframes=tuple(whole.drive.keyframes[number] for number in kept)),
        [truth[number] for number in kept],
        [whole.features[index] for index in images],
        [whole.seen[index] for index in images],
        whole.points,
    )
    found = optimise(town)
    assert sum(not loop.rejected for loop in found.loops) > 5
    assert np.median(errors_m(found.poses, town.truth, with_scale=True)) < 0.1


def test_covariances_grow_away_from_the_first_keyframe_and_cover_the_errors(
    optimise: Optimise, short_town: PointTown
) -> None:
    found = optimise(short_town)
    sigmas = np.sqrt([np.trace(one[:3, :3]) for one in found.covariances])
    assert sigmas[0] < 0.01
    assert 0.01 < np.median(sigmas) < 0.5
    start = inverse(found.poses[0])
    missed = [
        (start @ own)[:3, 3] - (inverse(short_town.truth[0]) @ true)[:3, 3]
        for own, true in zip(found.poses, short_town.truth, strict=True)
    ]
    normalised = np.linalg.norm(missed[1:], axis=1) / sigmas[1:]
    assert 0.1 < np.median(normalised) < 3.0
