# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of ROS parts share: whether ROS is here, a domain of their own, a small map, nodes as processes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_lab.bench.demo.ros_domain import private_domain
from sfd2_ros.core.types import Camera, Features
from sfd2_ros.features.images import read_image


@pytest.fixture(scope="session")
def ros(skip_without: Callable[[str, str], None]) -> None:
    """Skip unless rclpy and this package's messages can be imported."""
    try:
        for module in ("rclpy", "sfd2_ros.msg", "tf2_msgs.msg"):
            importlib.import_module(module)
    except ImportError as err:
        skip_without("ros", f"ROS cannot be imported ({err}); run `make setup` and use its python")


@pytest.fixture(scope="session")
def ros_domain(ros: None) -> Iterator[int]:
    """Put this process, and those that it starts, into a ROS domain of the tests."""
    with private_domain() as domain:
        yield domain


@pytest.fixture(scope="session")
def rclpy_running(ros_domain: int) -> Iterator[None]:
    """Start and stop rclpy in this process."""
    import rclpy

    rclpy.init(args=[])
    yield
    rclpy.shutdown()


@pytest.fixture(scope="session")
def drive(data_dir: Path) -> list[tuple[np.ndarray, Camera, np.ndarray]]:
    """Return twelve frames of a real drive at half size: image, camera, map_from_cam."""
    from sfd2_ros.core.transforms import inverse
    from sfd2_ros.mapping.scene import load_scene

    scene = load_scene(data_dir / "drives" / "kitti_a")
    frames = []
    for _, posed in sorted(scene.images.items())[:12]:
        image = cv2.resize(
            read_image(scene.image_folder / posed.name), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
        )
        camera, (height, width) = posed.camera, image.shape[:2]
        half = Camera(width, height, camera.fx / 2, camera.fy / 2, (camera.cx - 0.5) / 2, (camera.cy - 0.5) / 2)
        frames.append((image, half, inverse(posed.cam_from_world)))
    return frames


@pytest.fixture(scope="session")
def extractor() -> Any:
    """Return an extractor with the weights that ship."""
    from sfd2_ros.features import load_extractor

    return load_extractor(device="cpu")


@pytest.fixture(scope="session")
def small_map(
    drive: list[tuple[np.ndarray, Camera, np.ndarray]], extractor: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a map made of every other frame of the drive."""
    from sfd2_ros.core.transforms import inverse
    from sfd2_ros.core.types import PosedImage
    from sfd2_ros.mapping import MapBuilder

    folder = tmp_path_factory.mktemp("small_map")
    posed = []
    for number, (image, camera, map_from_cam) in enumerate(drive[::2]):
        cv2.imwrite(str(folder / f"{number}.png"), image[..., ::-1])
        posed.append(PosedImage(f"{number}.png", camera, inverse(map_from_cam)))
    MapBuilder(extractor).from_poses(posed, folder, folder / "map")
    return folder / "map"


@pytest.fixture(scope="session")
def query_features(drive: list[tuple[np.ndarray, Camera, np.ndarray]], extractor: Any) -> Features:
    """Return the features of a frame that is not in the map: the sixth of the drive."""
    features: Features = extractor(drive[5][0])
    return features


@pytest.fixture(scope="session")
def foreign_image(data_dir: Path) -> np.ndarray:
    """Return a photograph of another place."""
    image = read_image(next((data_dir / "scenes" / "fountain_p11" / "images").iterdir()))
    return cv2.resize(image, (613, 409), interpolation=cv2.INTER_AREA)
