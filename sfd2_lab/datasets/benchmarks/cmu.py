# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Extended CMU-Seasons.

Source: the README of the data set. Poses of its lists are rotation and **position**; a submission has rotation and
translation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sfd2_lab.datasets.benchmarks.benchmark import Benchmark, Part, Query, SubmissionRules
from sfd2_lab.datasets.benchmarks.image_files import check_images
from sfd2_lab.datasets.benchmarks.lists import read_centre_poses, read_intrinsics, read_names
from sfd2_lab.datasets.benchmarks.miniature import read_miniature_truth
from sfd2_lab.datasets.problems import Problems
from sfd2_ros.core.errors import ConfigError, DatasetError
from sfd2_ros.core.types import PosedImage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

SLICES = tuple(range(2, 26))
# By the README: what the slices show.
SCENES = {"urban": range(2, 9), "suburban": range(9, 18), "park": range(18, 26)}
INTRINSICS = "intrinsics.txt"
_NAME = re.compile(r"img_\d+_(c[01])_\d+us(_rect)?\.jpg")
_RULES = SubmissionRules("CMU_eval_", r"img_\d+_c[01]_\d+us(_rect)?\.jpg", "name.jpg without the slice")


def load_cmu(root: Path, slices: Sequence[int] | None = None) -> Benchmark:
    """Read and check the folders of Extended CMU-Seasons.

    Args:
        root: with intrinsics.txt and slice2/ to slice25/, each with database/, query/, ground-truth-database-images-
            sliceN.txt, test-images-sliceN.txt, camera-poses/.
        slices: numbers; None for those that are there.

    Raises:
        ConfigError: there is no slice of such a number.
        DatasetError: files are missing, cut or misnamed; names all of them.
    """
    chosen = list(slices or [number for number in SLICES if (root / f"slice{number}").is_dir()])
    for number in chosen:
        if number not in SLICES:
            raise ConfigError(f"there is no slice {number}; allowed: {SLICES[0]} to {SLICES[-1]}")
    problems = Problems(root)
    cameras: dict[str, Camera] = {}
    with problems.gathered():
        cameras = read_intrinsics(root / INTRINSICS)
    if not chosen:
        problems.add("there is no folder slice2/ to slice25/; unpack the archives of the slices")
    parts: list[Part] = []
    truth: dict[str, NDArray[np.float64]] = {}
    for number in chosen:
        with problems.gathered():
            parts.append(_read_slice(root, number, cameras, problems))
            truth.update(_read_truth(root / f"slice{number}" / "camera-poses"))
    problems.raise_any()
    hidden = read_miniature_truth(root)
    asked = {query.name for part in parts for query in part.queries}
    truth = {name: pose for name, pose in {**truth, **hidden}.items() if name in asked}
    groups = {scene: (scene,) for scene in SCENES}
    return Benchmark("cmu", tuple(parts), truth, groups, _RULES, "cmu", bool(hidden))


def _read_slice(root: Path, number: int, cameras: dict[str, Camera], problems: Problems) -> Part:
    name = f"slice{number}"
    folder = root / name
    scene = next(scene for scene, numbers in SCENES.items() if number in numbers)
    poses = read_centre_poses(folder / f"ground-truth-database-images-{name}.txt")
    references = tuple(PosedImage(one, _camera_of(one, cameras), pose) for one, pose in sorted(poses.items()))
    names = read_names(folder / f"test-images-{name}.txt")
    queries = tuple(Query(one, _camera_of(one, cameras), scene, one) for one in sorted(names))
    check_images(folder / "database", ((one.name, one.camera) for one in references), f"images of {name}", problems)
    check_images(folder / "query", ((one.name, one.camera) for one in queries), f"queries of {name}", problems)
    return Part(name, references, folder / "database", queries, folder / "query")


def _camera_of(name: str, cameras: dict[str, Camera]) -> Camera:
    found = _NAME.fullmatch(name)
    if found is None or found[1] not in cameras:
        raise DatasetError(
            f"image {name!r} is of no camera of {INTRINSICS} ({', '.join(cameras) or 'none read'}); names are "
            "img_NUMBER_CAMERA_MICROSECONDSus.jpg"
        )
    return cameras[found[1]]


def _read_truth(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Return the public poses of queries; not every slice has some."""
    truth: dict[str, NDArray[np.float64]] = {}
    for path in sorted(folder.glob("*.txt")):
        truth.update(read_centre_poses(path))
    return truth
