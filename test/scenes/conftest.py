# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The scenes of photographs, each extracted and mapped once in a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sfd2_lab.bench.remembered import RememberedFeatures
from sfd2_ros.core.transforms import inverse
from sfd2_ros.features import load_extractor
from sfd2_ros.features.images import read_image
from sfd2_ros.localization import Localizer
from sfd2_ros.mapping import Map, MapBuilder, load_map
from sfd2_ros.mapping.scene import Scene, load_scene

if TYPE_CHECKING:
    from sfd2_ros.core.types import Camera
    from sfd2_ros.localization import Result

SCENES = ("herzjesu_p25", "fountain_p11")


@pytest.fixture(scope="session")
def extractor() -> RememberedFeatures:
    return RememberedFeatures(load_extractor(device="cpu"))


@pytest.fixture(scope="session")
def scenes(data_dir: Path) -> dict[str, Scene]:
    return {name: load_scene(data_dir / "scenes" / name) for name in SCENES}


@pytest.fixture(scope="session")
def maps(
    scenes: dict[str, Scene], extractor: RememberedFeatures, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Map]:
    """Return a map of each scene, from the images of its map.txt under their poses."""
    folder = tmp_path_factory.mktemp("maps")
    for name, scene in scenes.items():
        MapBuilder(extractor).from_poses(scene.select("map.txt"), scene.image_folder, folder / name)
    return {name: load_map(folder / name) for name in scenes}


@pytest.fixture(scope="session")
def localize(extractor: RememberedFeatures) -> Callable[[Map, np.ndarray | Path, Camera], Result]:
    """Return a call (map, image or its path, camera) that localizes."""

    def run(map_: Map, image: np.ndarray | Path, camera: Camera) -> Result:
        pixels = read_image(image) if isinstance(image, Path) else image
        return Localizer(map_).localize(extractor(pixels), camera)

    return run


@dataclass(frozen=True)
class Similarity:
    """The scale, rotation and shift that lay one set of camera centres onto another."""

    scale: float
    rotation: np.ndarray
    centres: np.ndarray


def align(poses: list[np.ndarray], reference: list[np.ndarray]) -> Similarity:
    """Return the least-squares similarity from centres of cam_from_world poses to reference ones (Umeyama 1991)."""
    here, there = (np.array([inverse(pose)[:3, 3] for pose in each]) for each in (poses, reference))
    mean_here, mean_there = here.mean(axis=0), there.mean(axis=0)
    left, sizes, right = np.linalg.svd((there - mean_there).T @ (here - mean_here) / len(here))
    signs = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    rotation = left @ np.diag(signs) @ right
    scale = float(sizes @ signs / (here - mean_here).var(axis=0).sum())
    return Similarity(scale, rotation, scale * (here - mean_here) @ rotation.T + mean_there)


@pytest.fixture(scope="session")
def similarity() -> Callable[[list[np.ndarray], list[np.ndarray]], Similarity]:
    return align
