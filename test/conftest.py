# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where tests find photographs, which prerequisites may be missing, and places that are made up.

`SFD2_DATA` names the folder with `data/`, `golden/` and `weights/`; without it, `../shared` beside the checkout is
looked at. `SFD2_REQUIRE=ros,gpu,data` turns a missing prerequisite from a skip into a failure.

Two made-up places serve tests without photographs: `random_place`, points with random descriptors, mapped by the real
triangulation; and `paint_scene`, painted boards before a painted wall, for the real network and the commands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfd2_ros.thread_environment import set_thread_environment

set_thread_environment()

import numpy as np  # noqa: E402  after what it reads when it is imported
import pytest  # noqa: E402

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features, PosedImage


pytest_plugins = ("support.commands", "support.ros_parts")


@pytest.fixture(scope="session")
def skip_without() -> Callable[[str, str], None]:
    """Return a call (kind, reason) that skips, or fails where SFD2_REQUIRE names that kind of prerequisite."""
    return _skip_without


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder with `data/`, `golden/` and `weights/`, or skip."""
    default = Path(__file__).resolve().parent.parent.parent / "shared"
    folder = Path(os.environ.get("SFD2_DATA", default))
    if not (folder / "data").is_dir():
        _skip_without("data", f"no photographs at {folder}; set SFD2_DATA to the folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def data_dir(shared_dir: Path) -> Path:
    """Return the folder with `scenes/`, `drives/`, ..., or skip."""
    return shared_dir / "data"


@dataclass(frozen=True, eq=False)
class RandomPlace:
    """Points with random descriptors, and a map of them."""

    map_folder: Path
    camera: Camera
    images: list[PosedImage]
    features: list[Features]
    positions: NDArray[np.float64]
    descriptors: NDArray[np.float32]

    def view(
        self, cam_from_map: NDArray[np.float64], *, seed: int = 0, camera: Camera | None = None, noise_px: float = 0.4
    ) -> Features:
        """Return what a camera sees from a pose."""
        place = (self.positions, self.descriptors)
        return _view(place, camera or self.camera, cam_from_map, seed, noise_px)[0]

    def map_again(self, folder: Path, other_from_map: NDArray[np.float64], *, seed: int = 90) -> None:
        """Map the place in another session, and in another frame."""
        from sfd2_ros.core.transforms import inverse  # noqa: PLC0415
        from sfd2_ros.core.types import PosedImage  # noqa: PLC0415

        place = (self.positions, self.descriptors)
        chosen = self.images[1:6]
        views = [_view(place, self.camera, one.cam_from_world, seed + i, 0.4) for i, one in enumerate(chosen)]
        moved = [PosedImage(one.name, one.camera, one.cam_from_world @ inverse(other_from_map)) for one in chosen]
        _map_views(folder, moved, views)

    def map_with_poses(self, folder: Path, poses: Sequence[NDArray[np.float64]]) -> None:
        """Map the place from what its images show, under other poses of them, right or wrong."""
        from sfd2_ros.core.types import PosedImage  # noqa: PLC0415

        place = (self.positions, self.descriptors)
        views = [_view(place, self.camera, one.cam_from_world, i, 0.4) for i, one in enumerate(self.images)]
        given = [PosedImage(one.name, one.camera, pose) for one, pose in zip(self.images, poses, strict=True)]
        _map_views(folder, given, views)


@pytest.fixture(scope="session")
def random_place(tmp_path_factory: pytest.TempPathFactory) -> RandomPlace:
    """Return a place of 800 random points with a map of 8 views."""
    from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector  # noqa: PLC0415
    from sfd2_ros.core.types import Camera, PosedImage  # noqa: PLC0415

    generator = np.random.default_rng(7)
    positions = generator.uniform([-6, -2.5, 5], [6, 2.5, 12], (800, 3))
    descriptors = _unit(generator.normal(size=(800, 64)).astype(np.float32))
    camera = Camera(640, 480, 500.0, 510.0, 322.0, 238.0, "plumb_bob", (-0.05, 0.01, 0.001, -0.001))
    poses = [
        inverse(rigid(rotation_from_vector([0.02 * i, 0.1 - 0.03 * i, 0.01 * i]), [0.5 * i - 2, 0.1 * i, 0.2 * i]))
        for i in range(8)
    ]
    views = [_view((positions, descriptors), camera, pose, i, 0.4) for i, pose in enumerate(poses)]
    images = [PosedImage(f"{i}.jpg", camera, pose) for i, pose in enumerate(poses)]
    folder = tmp_path_factory.mktemp("random_place") / "map"
    _map_views(folder, images, views)
    return RandomPlace(folder, camera, images, [one for one, _ in views], positions, descriptors)


def _map_views(folder: Path, images: Sequence[PosedImage], views: Sequence[tuple[Features, NDArray[np.int64]]]) -> None:
    from sfd2_ros.mapping.gather import gather_landmarks  # noqa: PLC0415
    from sfd2_ros.mapping.map_store import quantise_aggregates, save_map  # noqa: PLC0415
    from sfd2_ros.mapping.reconstruct import triangulate  # noqa: PLC0415
    from sfd2_ros.mapping.reference_pose_nees import reference_pose_nees  # noqa: PLC0415
    from sfd2_ros.mapping.retrieval import aggregate, learn_centres  # noqa: PLC0415

    folder.parent.mkdir(parents=True, exist_ok=True)
    features = [one for one, _ in views]
    matches = {}
    for i, j in combinations(range(len(views)), 2):
        _, first, second = np.intersect1d(views[i][1], views[j][1], return_indices=True)
        matches[i, j] = np.column_stack([first, second]).astype(np.uint32)
    reconstruction = triangulate(images, features, matches, image_folder=folder.parent, work_folder=folder.parent)
    ids = list(range(1, len(images) + 1))
    centres = learn_centres(features, 8)
    save_map(
        folder,
        images=images,
        landmarks=gather_landmarks(reconstruction, ids, dict(zip(ids, features, strict=True)), bits=3),
        aggregates=quantise_aggregates([aggregate(one, centres) for one in features]),
        centres=centres,
        weights_id="random-64d",
        extraction={},
        units="metres",
        reference_pose_nees=reference_pose_nees(reconstruction, ids),
        provenance={"program": "test", "report": {"reprojection_error_px": 0.4}},
    )


def _view(
    place: tuple[NDArray[np.float64], NDArray[np.float32]],
    camera: Camera,
    pose: NDArray[np.float64],
    seed: int,
    noise_px: float,
) -> tuple[Features, NDArray[np.int64]]:
    """Return noisy features of the points in view, and which point each shows."""
    from sfd2_ros.core.types import Features  # noqa: PLC0415
    from sfd2_ros.localization.pnp import project  # noqa: PLC0415

    positions, descriptors = place
    generator = np.random.default_rng(seed)
    pixels = project(pose, positions, camera) + generator.normal(scale=noise_px, size=(len(positions), 2))
    inside = np.all((pixels > 0) & (pixels < [camera.width - 1, camera.height - 1]), axis=1)
    seen = generator.permutation(np.flatnonzero(inside))
    noisy = descriptors[seen] + generator.normal(scale=0.05, size=(len(seen), 64)).astype(np.float32)
    ones = np.ones(len(seen), np.float32)
    size = (camera.height, camera.width)
    return Features(pixels[seen].astype(np.float32), ones, ones, _unit(noisy), size, "random-64d"), seen


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def paint_scene() -> Callable[..., list[PosedImage]]:
    """Return a call (folder, names=None, count=6, camera=None, seed=0) that makes a scene folder with its model."""
    return _paint_scene


def _paint_scene(
    folder: Path, names: Sequence[str] | None = None, *, count: int = 6, camera: Any = None, seed: int = 0
) -> list[PosedImage]:
    import cv2  # noqa: PLC0415

    from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector  # noqa: PLC0415
    from sfd2_ros.core.types import Camera, PosedImage  # noqa: PLC0415
    from sfd2_ros.mapping.colmap_io import write_posed_model  # noqa: PLC0415

    camera = camera or Camera(320, 240, 300.0, 300.0, 159.5, 119.5)
    boards = [
        (_paint(seed, 1200), 8.0, rigid(np.eye(3), [0, 0, 5])),
        (_paint(seed + 1, 500), 1.6, rigid(rotation_from_vector([0, 0.5, 0]), [-1, 0.2, 3.6])),
        (_paint(seed + 2, 500), 1.4, rigid(rotation_from_vector([0.3, -0.4, 0]), [1.1, -0.4, 3.2])),
    ]
    images = []
    for i, name in enumerate(names or [f"{i}.png" for i in range(count)]):
        x = 0.32 * i - 0.8
        turned = rotation_from_vector([0.05 * np.sin(i), -0.18 * x, 0.02 * i])
        pose = inverse(rigid(turned, [x, 0.1 * np.cos(2 * i), 0.15 * np.sin(i)]))
        path = folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix.lower(), _photograph(camera, pose, boards))[1].tobytes())
        images.append(PosedImage(name, camera, pose))
    (folder / "sparse").mkdir()
    write_posed_model(folder / "sparse", images)
    return images


def _paint(seed: int, size: int) -> NDArray[np.uint8]:
    """Paint a board with boxes, discs and letters."""
    import cv2  # noqa: PLC0415

    generator = np.random.default_rng(seed)
    board = np.full((size, size, 3), 120, np.uint8)
    for i in range(900):
        colour = [int(value) for value in generator.integers(0, 255, 3)]
        x, y, width, height = (int(value) for value in generator.integers([0, 0, 8, 8], [size, size, 60, 60]))
        if i % 3 == 0:
            cv2.rectangle(board, (x, y), (x + width, y + height), colour, -1)
        elif i % 3 == 1:
            cv2.circle(board, (x, y), width // 2, colour, -1)
        else:
            letter = chr(int(generator.integers(65, 90)))
            cv2.putText(board, letter, (x, y), cv2.FONT_HERSHEY_SIMPLEX, width / 20, colour, 1 + width // 12)
    return cv2.GaussianBlur(board, (0, 0), 0.8)


def _photograph(camera: Camera, pose: NDArray[np.float64], boards: Sequence[Any]) -> NDArray[np.uint8]:
    """Take a picture of boards, the farthest first; exact, for each board is a homography."""
    import cv2  # noqa: PLC0415

    picture = np.full((camera.height, camera.width, 3), 90, np.uint8)
    for board, width_m, world_from_board in boards:
        scale = width_m / len(board)
        plane = np.array([[scale, 0, -width_m / 2], [0, scale, -width_m / 2], [0, 0, 0], [0, 0, 1]])
        homography = camera.matrix @ (pose @ world_from_board @ plane)[:3]
        size = (camera.width, camera.height)
        warped = cv2.warpPerspective(board, homography, size, flags=cv2.INTER_AREA)
        covered = cv2.warpPerspective(np.full(board.shape[:2], 255, np.uint8), homography, size) > 128
        picture[covered] = warped[covered]
    return picture


def _skip_without(kind: str, reason: str) -> None:
    if kind in os.environ.get("SFD2_REQUIRE", "").split(","):
        pytest.fail(f"SFD2_REQUIRE names {kind!r}, but {reason}")
    pytest.skip(reason)
