# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Aachen Day-Night, versions 1.0 and 1.1.

Source: the READMEs quoted in tsattler/visuallocalizationbenchmark, issues 16, 22, 28, 32, 53.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.datasets.benchmarks.benchmark import Benchmark, Part, Query, SubmissionRules
from sfd2_lab.datasets.benchmarks.image_files import check_images
from sfd2_lab.datasets.benchmarks.lists import read_intrinsics
from sfd2_lab.datasets.benchmarks.miniature import read_miniature_truth
from sfd2_lab.datasets.benchmarks.nvm import read_nvm_poses
from sfd2_lab.datasets.problems import Problems, some
from sfd2_ros.core.errors import DatasetError
from sfd2_ros.core.types import PosedImage
from sfd2_ros.mapping.colmap_io import posed_images, read_model

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = "images_upright"
LISTS = {
    "day": "queries/day_time_queries_with_intrinsics.txt",
    "night": "queries/night_time_queries_with_intrinsics.txt",
}
# Version: NVM model, intrinsics of its images.
MODELS = {
    "1.0": ("3D-models/aachen_cvpr2018_db.nvm", "3D-models/database_intrinsics.txt"),
    "1.1": ("3D-models/aachen_v_1_1/aachen_v_1_1.nvm", "3D-models/aachen_v_1_1/database_intrinsics_v1_1.txt"),
}
_RULES = SubmissionRules("Aachen_eval_", r"[^/\s]+\.(jpg|png)", "name.jpg without any folder")


def load_aachen(root: Path, version: str) -> Benchmark:
    """Read and check the folders of Aachen Day-Night.

    Args:
        root: with images_upright/, 3D-models/, queries/.
        version: "1.0" or "1.1"; the latter is unpacked over the former and has its model in 3D-models/aachen_v_1_1/.

    Raises:
        DatasetError: files are missing, cut or misnamed; names all of them.
    """
    problems = Problems(root)
    references: list[PosedImage] = []
    with problems.gathered():
        references = _read_references(root, version)
    queries: list[Query] = []
    for condition, path in LISTS.items():
        with problems.gathered():
            cameras = read_intrinsics(root / path)
            queries += [
                Query(name, camera, condition, name.rsplit("/", 1)[-1]) for name, camera in sorted(cameras.items())
            ]
    folder = root / IMAGES
    check_images(folder, ((one.name, one.camera) for one in references), "reference images", problems)
    check_images(folder, ((one.name, one.camera) for one in queries), "queries", problems)
    problems.raise_any()
    hidden = read_miniature_truth(root)
    name = "aachen" if version == "1.0" else "aachen-v1.1"
    part = Part("all", tuple(references), folder, tuple(queries), folder)
    groups = {"day": ("day",), "night": ("night",)}
    return Benchmark(name, (part,), hidden, groups, _RULES, name, bool(hidden))


def _read_references(root: Path, version: str) -> list[PosedImage]:
    nvm, intrinsics = (root / path for path in MODELS[version])
    if not nvm.is_file() and (nvm.parent / "images.bin").is_file():
        return posed_images(read_model(nvm.parent))
    poses, cameras = read_nvm_poses(nvm), read_intrinsics(intrinsics)
    lacking = sorted(set(poses) - set(cameras))
    if lacking:
        raise DatasetError(f"{str(intrinsics)!r} lacks {len(lacking)} images of the model: {some(lacking)}; is it cut?")
    return [PosedImage(name, cameras[name], pose) for name, pose in sorted(poses.items())]
