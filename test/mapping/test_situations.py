# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What users have and nobody thinks of: formats, cameras, folders and images of every kind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycolmap
import pytest

from sfd2_ros.core.errors import CameraError, ImageError, MapBuildError, OutputError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Camera, PosedImage
from sfd2_ros.features.images import read_image
from sfd2_ros.localization import Localizer
from sfd2_ros.mapping import Map, MapBuilder, MapConfig, MapReport, load_map
from sfd2_ros.mapping.colmap_io import quiet_colmap, reconstruction_from_poses, write_posed_model
from sfd2_ros.mapping.map_check import map_problems
from sfd2_ros.mapping.scene import load_scene

Paint = Callable[..., list[PosedImage]]


def _from_poses(extractor: Any, folder: Path, **settings: Any) -> MapReport:
    scene = load_scene(folder)
    builder = MapBuilder(extractor, MapConfig(**settings))
    return builder.from_poses(list(scene.images.values()), scene.image_folder, folder / "map")


def _error_m(extractor: Any, map_: Map, image: PosedImage, folder: Path) -> float:
    """Return how far a photograph is localized from where it was taken."""
    estimate = Localizer(map_).localize(extractor(read_image(folder / "images" / image.name)), image.camera)
    assert estimate.is_localized, (image.name, estimate.reason)
    return float(np.linalg.norm((estimate.map_from_cam @ image.cam_from_world)[:3, 3]))


def _sound_and_true(extractor: Any, folder: Path, images: list[PosedImage]) -> Map:
    map_ = load_map(folder / "map")
    assert map_problems(folder / "map") == []
    for image in images:
        assert _error_m(extractor, map_, image, folder) < 0.03
    return map_


def test_images_of_every_format_are_mapped(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    names = ["gray.png", "deep.png", "a.webp", "b.tif", "c.bmp", "d.JPG"]
    images = paint_scene(tmp_path, names)
    folder = tmp_path / "images"
    cv2.imwrite(str(folder / "gray.png"), cv2.imread(str(folder / "gray.png"), cv2.IMREAD_GRAYSCALE))
    cv2.imwrite(str(folder / "deep.png"), cv2.imread(str(folder / "deep.png")).astype(np.uint16) * 257)
    assert _from_poses(extractor, tmp_path).images == 6
    _sound_and_true(extractor, tmp_path, images)
    report = MapBuilder(extractor).from_images(names, folder, tmp_path / "alone")
    assert report.images == 6
    assert map_problems(tmp_path / "alone") == []


@pytest.mark.parametrize("below", ["", "0"])
def test_binary_models_with_names_in_folders_are_mapped(
    paint_scene: Paint, extractor: Any, tmp_path: Path, below: str
) -> None:
    images = paint_scene(tmp_path, ["left/0.png", "left/1.png", "right side/0.png", "right side/ü.png"])
    shutil.rmtree(tmp_path / "sparse")
    (tmp_path / "sparse" / below).mkdir(parents=True)
    reconstruction_from_poses(images).write_binary(str(tmp_path / "sparse" / below))
    assert _from_poses(extractor, tmp_path).images == 4
    assert sorted(one.name for one in load_map(tmp_path / "map").images) == sorted(one.name for one in images)


def test_several_cameras_are_mapped_and_localized_together(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    second = Camera(400, 300, 380.0, 370.0, 201.5, 148.5)
    images = paint_scene(tmp_path)
    for image in paint_scene(tmp_path / "second", ["big/0.png", "big/1.png", "big/2.png"], camera=second):
        images.append(image)
    shutil.move(tmp_path / "second" / "images" / "big", tmp_path / "images" / "big")
    write_posed_model(tmp_path / "sparse", images)
    assert _from_poses(extractor, tmp_path).images == 9
    map_ = _sound_and_true(extractor, tmp_path, images)
    assert {image.camera for image in map_.images} == {images[0].camera, second}
    names = [image.name for image in images]
    cameras = [image.camera for image in images]
    builder = MapBuilder(extractor)
    assert builder.from_images(names, tmp_path / "images", tmp_path / "known", cameras=cameras).images == 9
    known = {image.name: image.camera for image in load_map(tmp_path / "known").images}
    assert known == dict(zip(names, cameras, strict=True))
    builder.from_images(names, tmp_path / "images", tmp_path / "unknown")
    focal = {image.camera.width: image.camera.fx for image in load_map(tmp_path / "unknown").images}
    assert focal[400] / focal[320] == pytest.approx(375 / 300, rel=0.05)


@pytest.mark.parametrize(
    "line",
    [
        "1 SIMPLE_PINHOLE 320 240 300 160 120",
        "1 SIMPLE_RADIAL 320 240 300 160 120 0.0",
        "1 OPENCV 320 240 300 300 160 120 0 0 0 0",
        "1 FULL_OPENCV 320 240 300 300 160 120 0 0 0 0 0 0 0 0",
    ],
)
def test_every_way_to_write_one_camera_gives_one_map(
    paint_scene: Paint, extractor: Any, tmp_path: Path, line: str
) -> None:
    images = paint_scene(tmp_path, count=3)
    (tmp_path / "sparse" / "cameras.txt").write_text(line + "\n")
    report = _from_poses(extractor, tmp_path)
    assert report.landmarks > 150
    assert _error_m(extractor, load_map(tmp_path / "map"), images[1], tmp_path) < 0.02


def test_two_images_are_a_map(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    images = paint_scene(tmp_path, count=2)
    report = _from_poses(extractor, tmp_path)
    assert (report.images, report.pairs) == (2, 1)
    _sound_and_true(extractor, tmp_path, images)


def test_a_black_image_among_others_is_no_harm(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    images = paint_scene(tmp_path)
    cv2.imwrite(str(tmp_path / "images" / "2.png"), np.zeros((240, 320, 3), np.uint8))
    report = _from_poses(extractor, tmp_path)
    assert report.images_given == 6
    map_ = _sound_and_true(extractor, tmp_path, [image for image in images if image.name != "2.png"])
    black = Localizer(map_).localize(extractor(np.zeros((240, 320, 3), np.uint8)), images[0].camera)
    assert not black.is_localized


def test_many_images_are_paired_by_likeness_and_nearness(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    images = paint_scene(tmp_path)
    report = _from_poses(extractor, tmp_path, exhaustive_up_to=2, similar_per_image=2, near_per_image=1)
    assert 5 <= report.pairs < 15
    _sound_and_true(extractor, tmp_path, images)


def test_poses_are_kept_exactly_and_refined_ones_stay_close(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    images = paint_scene(tmp_path)
    _from_poses(extractor, tmp_path)
    for given, kept in zip(images, load_map(tmp_path / "map").images, strict=True):
        np.testing.assert_allclose(kept.cam_from_world, given.cam_from_world, atol=1e-12)
    shaken = []
    for i, image in enumerate(images):
        pose = inverse(image.cam_from_world)
        pose[:3, 3] += 0.02 * np.array([np.sin(5 * i), np.cos(7 * i), np.sin(3 * i)])
        shaken.append(replace(image, cam_from_world=inverse(pose)))
    errors = {}
    quiet_colmap()
    for refine in (False, True):
        builder = MapBuilder(extractor, MapConfig(refine_poses=refine))
        report = builder.from_poses(shaken, tmp_path / "images", tmp_path / f"shaken {refine}")
        errors[refine] = report.reprojection_error_px
        poses = [inverse(image.cam_from_world) for image in load_map(tmp_path / f"shaken {refine}").images]
        assert all(
            np.linalg.norm(pose[:3, 3] - inverse(image.cam_from_world)[:3, 3]) < 0.08
            for pose, image in zip(poses, images, strict=True)
        )
    assert errors[True] < errors[False]
    assert pycolmap.logging.minloglevel == pycolmap.logging.Level.FATAL.value, "COLMAP's log was turned on"


def test_landmarks_with_larger_errors_go(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    paint_scene(tmp_path)
    scene = load_scene(tmp_path)
    counts = []
    for limit_px in (3.0, 0.4):
        builder = MapBuilder(extractor, MapConfig(max_landmark_error_px=limit_px), colmap=True)
        builder.from_poses(list(scene.images.values()), scene.image_folder, tmp_path / f"map {limit_px}")
        points = pycolmap.Reconstruction(str(tmp_path / f"map {limit_px}" / "colmap")).points3D.values()
        assert max(point.error for point in points) <= 1.1 * limit_px  # a map rounds positions and keypoints
        counts.append(len(points))
    assert 50 < counts[1] < counts[0]


def test_images_that_show_nothing_are_refused(extractor: Any, tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(3)]
    for name in names:
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(MapBuildError, match="none of 3 images has a feature; are they black or blank"):
        MapBuilder(extractor).from_images(names, tmp_path, tmp_path / "map")


def test_images_of_different_places_are_refused(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    for i in range(3):
        paint_scene(tmp_path / str(i), ["x.png"], seed=30 * i)
        shutil.copy(tmp_path / str(i) / "images" / "x.png", tmp_path / f"{i}.png")
    with pytest.raises(MapBuildError, match=r"take more images with more overlap|do the images show one place"):
        MapBuilder(extractor).from_images(["0.png", "1.png", "2.png"], tmp_path, tmp_path / "map")
    assert not (tmp_path / "map").exists()


def test_images_from_one_spot_are_refused(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    images = paint_scene(tmp_path)
    one_spot = [replace(image, cam_from_world=images[0].cam_from_world) for image in images]
    with pytest.raises(MapBuildError, match="no landmark could be triangulated"):
        MapBuilder(extractor).from_poses(one_spot, tmp_path / "images", tmp_path / "map")


def test_what_cannot_be_mapped_is_refused_before_or_without_a_trace(
    paint_scene: Paint, extractor: Any, tmp_path: Path
) -> None:
    images, folder, output = paint_scene(tmp_path), tmp_path / "images", tmp_path / "map"
    builder = MapBuilder(extractor)
    with pytest.raises(MapBuildError, match="at least 2 images"):
        builder.from_poses(images[:1], folder, output)
    with pytest.raises(MapBuildError, match="at least 3 images"):
        builder.from_images(["0.png", "1.png"], folder, output)
    with pytest.raises(ImageError, match=r"nosuch.png"):
        builder.from_images(["0.png", "1.png", "nosuch.png"], folder, output)
    bigger = [replace(image, camera=replace(image.camera, width=640)) for image in images]
    with pytest.raises(CameraError, match=r"'0.png' is 320x240, its camera 640x240"):
        builder.from_poses(bigger, folder, output)
    with pytest.raises(CameraError, match=r"'0.png' is 320x240, its camera 640x240"):
        builder.from_images([one.name for one in images], folder, output, cameras=[one.camera for one in bigger])
    assert not output.exists()
    assert len(list(folder.iterdir())) == 6


def test_an_output_that_may_not_be_replaced_is_refused_before_the_work(
    paint_scene: Paint, extractor: Any, tmp_path: Path
) -> None:
    images, folder = paint_scene(tmp_path), tmp_path / "images"
    began: list[str] = []
    builder = MapBuilder(extractor, progress=lambda step, *_: began.append(step))
    with pytest.raises(OutputError, match="and so is not replaced"):
        builder.from_poses(images, folder, folder, overwrite=True)
    with pytest.raises(OutputError, match="exists"):
        builder.from_images([one.name for one in images], folder, folder)
    assert began == []
    assert len(list(folder.iterdir())) == 6


def test_progress_is_told_from_beginning_to_end(paint_scene: Paint, extractor: Any, tmp_path: Path) -> None:
    paint_scene(tmp_path, count=3)
    told: dict[str, list[tuple[int, int]]] = {}
    scene = load_scene(tmp_path)
    builder = MapBuilder(extractor, progress=lambda step, done, total: told.setdefault(step, []).append((done, total)))
    builder.from_poses(list(scene.images.values()), scene.image_folder, tmp_path / "map")
    assert told["extract"] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert told["match"] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert told["triangulate"] == [(0, 1), (1, 1)]
