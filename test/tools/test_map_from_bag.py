# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 map build BAG` with odometry that drifts: a consistent map, a report, and a build that goes on after a kill."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_ros.bags.writer import open_bag
from sfd2_ros.core.transforms import inverse, quaternion_xyzw, rigid, rotation_from_vector
from sfd2_ros.features.images import read_image
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.manifest import read_manifest
from sfd2_ros.mapping.scene import load_scene

Run = Callable[..., Any]
OPTICAL_FROM_BODY = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
MOUNT = rigid(OPTICAL_FROM_BODY.T, [0.2, 0.0, 1.0])


@pytest.fixture
def bag(painted: Path, tmp_path: Path) -> tuple[Path, list[Any]]:
    """Return a bag of a painted scene whose odometry turns by half a degree at every image, and its true poses."""
    pytest.importorskip("pyceres")
    scene = load_scene(painted)
    level = rigid(OPTICAL_FROM_BODY.T, [0, 0, 0])
    truth = [level @ inverse(image.cam_from_world) @ inverse(MOUNT) for image in scene.images.values()]
    odometry = [truth[0]]
    for before, after in itertools.pairwise(truth):
        drift = rigid(rotation_from_vector([0, 0, np.radians(0.5)]), [0.004, 0, 0])
        odometry.append(odometry[-1] @ inverse(before) @ after @ drift)
    with open_bag(tmp_path / "drive") as written:
        written.static_transforms(0, [("base_link", "optical", MOUNT)])
        for index, image in enumerate(scene.images.values()):
            stamp = 1_000_000_000 + index * 200_000_000
            written.camera_info("/camera/camera_info", stamp, "optical", image.camera)
            written.transforms(stamp, [("odom", "base_link", odometry[index])])
            written.image("/camera/image_raw", stamp, "optical", read_image(scene.image_folder / image.name))
    return tmp_path / "drive", truth


def test_a_bag_becomes_a_consistent_map_with_a_report(sfd2: Run, bag: tuple[Path, list[Any]], tmp_path: Path) -> None:
    path, truth = bag
    figures = tmp_path / "f.json"
    build = ("map", "build", path, "-o", tmp_path / "m", "--every-m", "0.1", "--device", "cpu", "--json", figures)
    said = sfd2(*build).succeeded()
    assert "6 keyframes on" in said
    assert "not observable: scale (from odometry alone)" in said
    built = load_map(tmp_path / "m")
    poses = [inverse(MOUNT @ image.cam_from_world) for image in built.images]
    steps = [inverse(a) @ b for a, b in itertools.pairwise(poses)]
    right = [inverse(a) @ b for a, b in itertools.pairwise(truth)]
    turned = [
        np.degrees(np.arccos(np.clip((np.trace(a[:3, :3].T @ b[:3, :3]) - 1) / 2, -1, 1)))
        for a, b in zip(steps, right, strict=True)
    ]
    assert np.median(turned) < 0.15
    assert len(built.landmarks) > 200
    assert read_manifest(tmp_path / "m")["provenance"]["drive"]["scale"] == 1.0
    report = json.loads((tmp_path / "m_report" / "report.json").read_text())
    assert report["keyframes"] == json.loads(figures.read_text())["drive"]["keyframes"] == 6
    assert report["residuals"]["image_px"] < 1.5
    assert len((tmp_path / "m_report" / "keyframes.csv").read_text().splitlines()) == 7
    assert cv2.imread(str(tmp_path / "m_report" / "trajectory.png")).shape == (1000, 1000, 3)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["drive", "f.json", "m", "m_report"]


def test_images_named_by_time_and_a_trajectory_become_a_map(sfd2: Run, painted: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyceres")
    scene = load_scene(painted)
    lines = []
    (tmp_path / "images").mkdir()
    for index, image in enumerate(scene.images.values()):
        stamp = f"{1_600_000_000 + index}.500000000"
        shutil.copy(scene.image_folder / image.name, tmp_path / "images" / f"{stamp}.png")
        world_from_cam = inverse(image.cam_from_world)
        numbers = [*world_from_cam[:3, 3], *quaternion_xyzw(world_from_cam)]
        lines.append(" ".join([stamp, *(f"{number:.9f}" for number in numbers)]))
    (tmp_path / "poses.tum").write_text("\n".join(lines) + "\n")
    build = ("map", "build", tmp_path / "images", "-o", tmp_path / "m", "--trajectory", tmp_path / "poses.tum")
    sfd2(*build, "--device", "cpu").refused(2, "--camera")
    said = sfd2(*build, "--camera", painted, "--every-m", "0.1", "--device", "cpu").succeeded()
    assert "6 keyframes on" in said
    assert len(load_map(tmp_path / "m").landmarks) > 200


def test_a_bag_becomes_a_map_under_the_poses_of_odometry(sfd2: Run, painted: Path, tmp_path: Path) -> None:
    scene = load_scene(painted)
    with open_bag(tmp_path / "drive") as bag:
        for stamp, image in enumerate(scene.images.values()):
            bag.camera_info("/camera/camera_info", stamp, "optical", image.camera)
            bag.transforms(stamp, [("odom", "optical", inverse(image.cam_from_world))])
            bag.image("/camera/image_raw", stamp, "optical", read_image(scene.image_folder / image.name))
    build = ("map", "build", tmp_path / "drive", "-o", tmp_path / "m", "--device", "cpu")
    ran = sfd2(*build, "--every-m", "0.1", "--trust-poses")
    assert "6 of 6 images, " in ran.succeeded()
    built = load_map(tmp_path / "m")
    poses = [image.cam_from_world for image in built.images]
    np.testing.assert_allclose(poses, [image.cam_from_world for image in scene.images.values()], atol=1e-6)
    assert len(built.landmarks) > 200


def test_a_build_that_was_killed_goes_on_with_the_features_it_has(
    sfd2: Run, bag: tuple[Path, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sfd2_ros.mapping.drive import mapper  # noqa: PLC0415

    path, _ = bag
    build = ("map", "build", path, "-o", tmp_path / "m", "--every-m", "0.1", "--device", "cpu")

    def killed(*_given: Any, **_named: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mapper, "optimise_drive", killed)
        assert sfd2(*build).code == 130
    kept = list((tmp_path / ".m.work" / "features").iterdir())
    assert len(kept) == 6
    times = [one.stat().st_mtime_ns for one in kept]
    monkeypatch.setattr(mapper, "optimise_drive", _checked(mapper.optimise_drive, kept, times))
    sfd2(*build).succeeded()
    assert (tmp_path / "m" / "manifest.json").is_file()
    assert not (tmp_path / ".m.work").exists()


def _checked(optimise: Any, kept: list[Path], times: list[int]) -> Any:
    def run(*given: Any, **named: Any) -> Any:
        assert [one.stat().st_mtime_ns for one in kept] == times
        return optimise(*given, **named)

    return run
