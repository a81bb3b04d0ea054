# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth, labels, instances and poses against geometry."""

from dataclasses import replace

import numpy as np
import pytest

from sfd2_lab.simulation import classes
from sfd2_lab.simulation.drive import DriveConfig, Frame, World
from sfd2_lab.simulation.session import FIRST_MOVING_INSTANCE
from sfd2_lab.simulation.world import Town
from sfd2_ros.core.transforms import inverse


def lift(frame: Frame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the points (M, 3) in the map of all pixels with depth, with their instances and labels."""
    camera = frame.camera.camera
    y, x = np.mgrid[0 : camera.height, 0 : camera.width]
    solid = np.isfinite(frame.depth_m)
    depth = frame.depth_m[solid].astype(np.float64)
    points = np.stack(
        [(x[solid] - camera.cx) / camera.fx * depth, (y[solid] - camera.cy) / camera.fy * depth, depth], 1
    )
    in_map = points @ frame.map_from_cam[:3, :3].T + frame.map_from_cam[:3, 3]
    return in_map, frame.instances[solid], frame.labels[solid]


def project(frame: Frame, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pixel coordinates (M, 2) and depth (M,) of points in the map."""
    cam_from_map, camera = inverse(frame.map_from_cam), frame.camera.camera
    inside = points @ cam_from_map[:3, :3].T + cam_from_map[:3, 3]
    depth = np.where(inside[:, 2] > 0.1, inside[:, 2], np.nan)
    pixels = np.stack([inside[:, 0] / depth * camera.fx + camera.cx, inside[:, 1] / depth * camera.fy + camera.cy], 1)
    return pixels, depth


def agreement(first: Frame, second: Frame, shift_px: float = 0.0) -> tuple[float, float, int]:
    """Return which shares of the points of the first view land on their instance and label in the second.

    A point lies between four pixel centres; it lands on its object when one of them shows it. Points that something
    hides are told by the depth at the nearest pixel; what moves by itself is left out.

    Returns:
        Share with the same instance, share with the same label, number of points.
    """
    points, instances, labels = lift(first)
    is_still = instances < FIRST_MOVING_INSTANCE
    pixels, depth = project(second, points[is_still])
    instances, labels = instances[is_still], labels[is_still]
    pixels[:, 0] += shift_px
    height, width = second.depth_m.shape
    corner = np.floor(np.nan_to_num(pixels, nan=-9)).astype(int)
    inside = (corner[:, 0] >= 0) & (corner[:, 0] < width - 1) & (corner[:, 1] >= 0) & (corner[:, 1] < height - 1)
    (x, y), (near_x, near_y) = corner[inside].T, np.rint(pixels[inside]).astype(int).T
    is_visible = np.abs(second.depth_m[near_y, near_x] - depth[inside]) < 0.02 * depth[inside]
    found = []
    for picture, expected in ((second.instances, instances), (second.labels, labels)):
        around = np.stack([picture[y + j, x + i] for i in (0, 1) for j in (0, 1)])
        found.append(float((around == expected[inside]).any(0)[is_visible].mean()))
    return found[0], found[1], int(is_visible.sum())


def test_points_land_on_their_object_in_the_next_view(frames: list[Frame]) -> None:
    for first, second in ((frames[0], frames[1]), (frames[1], frames[0])):
        instance, label, count = agreement(first, second)
        assert count > 5000
        assert instance > 0.995
        assert label > 0.995


@pytest.mark.parametrize("condition", ["night", "snow"])
def test_points_land_on_their_object_under_another_condition_of_the_session(
    world: World, small_drive: DriveConfig, frames: list[Frame], condition: str
) -> None:
    other = list(world.drive(replace(small_drive, condition=condition)))
    assert not np.array_equal(other[1].image, frames[1].image)
    instance, label, count = agreement(frames[0], other[1])
    assert count > 5000
    assert instance > 0.995
    assert label > 0.995


def test_the_agreement_breaks_when_the_geometry_is_wrong(frames: list[Frame]) -> None:
    assert agreement(frames[0], frames[1], shift_px=6.0)[0] < 0.99


def test_corners_of_windows_are_found_where_they_project(world: World) -> None:
    frame = next(iter(world.drive(DriveConfig(seed=0, frames=1))))
    assert isinstance(world.place, Town)
    surfaces = world.place.city.surfaces
    is_pane = surfaces.label == classes.WINDOW
    checked = 0
    for index in np.nonzero(is_pane)[0]:
        pixels, depth = project(frame, surfaces.corners[index])
        inside = np.isfinite(depth).all() and (pixels > 8).all() and (pixels < (631, 471)).all()
        mask = frame.instances == surfaces.instance[index]
        # A pane never reaches beyond its corners, and reaches them on the sides that its reveal does not hide.
        if not inside or mask.sum() < 60:
            continue
        y, x = np.nonzero(mask)
        hull = np.array([x.min(), y.min(), x.max(), y.max()])
        expected = np.array([*pixels.min(0), *pixels.max(0)])
        assert (hull[:2] >= expected[:2] - 1).all()
        assert (hull[2:] <= expected[2:] + 1).all()
        checked += int((np.abs(hull - expected) <= 1).sum())
    assert checked >= 20


def test_sky_has_neither_depth_nor_instance_and_ground_lies_below_the_camera(frames: list[Frame]) -> None:
    frame = frames[0]
    is_sky = frame.labels == classes.SKY
    assert is_sky.any()
    assert np.isinf(frame.depth_m[is_sky]).all()
    assert (frame.instances[is_sky] == 0).all()
    assert np.isfinite(frame.depth_m[~is_sky]).all()
    points, _, labels = lift(frame)
    np.testing.assert_allclose(points[labels == classes.ROAD][:, 2], 0, atol=1e-3)
    assert set(np.unique(frame.labels).tolist()) <= set(classes.CLASSES)
