# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth, labels, instances and poses against geometry."""

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.simulation import classes
from sfd2_ros.simulation.drive import DriveConfig, Frame, World


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
    """Return how many visible points of the first land on their instance and label in the second, and how many."""
    points, instances, labels = lift(first)
    pixels, depth = project(second, points)
    pixels[:, 0] += shift_px
    height, width = second.depth_m.shape
    near = np.rint(np.nan_to_num(pixels, nan=-9)).astype(int)
    inside = (near[:, 0] >= 0) & (near[:, 0] < width) & (near[:, 1] >= 0) & (near[:, 1] < height)
    near, depth = near[inside], depth[inside]
    there = second.depth_m[near[:, 1], near[:, 0]]
    is_visible = np.abs(there - depth) < 0.02 * depth
    same_instance = second.instances[near[:, 1], near[:, 0]] == instances[inside]
    same_label = second.labels[near[:, 1], near[:, 0]] == labels[inside]
    return float(same_instance[is_visible].mean()), float(same_label[is_visible].mean()), int(is_visible.sum())


def test_points_land_on_their_object_in_the_next_view(frames: list[Frame]) -> None:
    for first, second in ((frames[0], frames[1]), (frames[1], frames[0])):
        instance, label, count = agreement(first, second)
        assert count > 5000
        assert instance > 0.98
        assert label > 0.98


def test_the_agreement_breaks_when_the_geometry_is_wrong(frames: list[Frame]) -> None:
    assert agreement(frames[0], frames[1], shift_px=6.0)[0] < 0.98


def test_corners_of_windows_are_found_where_they_project(world: World) -> None:
    frame = next(iter(world.drive(DriveConfig(seed=0, frames=1))))
    surfaces = world.city.surfaces
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
