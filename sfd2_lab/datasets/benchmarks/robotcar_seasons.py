# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""RobotCar-Seasons, versions 1 and 2.

Source: the README of the data set, and the organisers' answers in tsattler/visuallocalizationbenchmark, issues 7, 17,
30, 50: models and lists say .png where the files are .jpg; only the rear camera is evaluated; the poses of a part of
the queries are public since version 2 (robotcar_v2_train.txt, rows of world_from_cam).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sfd2_lab.datasets.benchmarks.benchmark import Benchmark, Part, Query, SubmissionRules
from sfd2_lab.datasets.benchmarks.image_files import check_images
from sfd2_lab.datasets.benchmarks.lists import read_colmap_poses, read_matrix_poses, read_names
from sfd2_lab.datasets.benchmarks.miniature import read_miniature_size, read_miniature_truth
from sfd2_lab.datasets.benchmarks.nvm import read_nvm_poses
from sfd2_lab.datasets.problems import Problems, numbers_in, read_lines
from sfd2_ros.core.errors import DatasetError
from sfd2_ros.core.types import PosedImage
from sfd2_ros.geometry.colmap_types import camera_from_model

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

REFERENCE = "overcast-reference"
VIEWS = ("left", "rear", "right")
EVALUATED_VIEW = "rear"
DAY = ("dawn", "dusk", "overcast-summer", "overcast-winter", "rain", "snow", "sun")
NIGHT = ("night", "night-rain")
SIDE_PX = 1024
TRAIN, TEST = "robotcar_v2_train.txt", "robotcar_v2_test.txt"
_MODELS = "3D-models/individual/colmap_reconstructions"
_PLACES = "3D-models/individual/queries_per_location"
_MERGED = "3D-models/all-merged/all.nvm"
_RULES = {
    1: SubmissionRules("RobotCar_eval_", r"(left|rear|right)/\d+\.jpg", "camera/timestamp.jpg without the condition"),
    2: SubmissionRules(
        "RobotCar_eval_", r"(left|rear|right)/\d+\.png", "camera/timestamp.png as in robotcar_v2_test.txt"
    ),
}


def load_robotcar_seasons(root: Path, version: int, *, all_views: bool = False) -> Benchmark:
    """Read and check the folders of RobotCar-Seasons.

    Args:
        root: with images/, intrinsics/, extrinsics/, 3D-models/; for version 2 also its two lists.
        version: 1: all queries are submitted. 2: those of robotcar_v2_test.txt are, those of robotcar_v2_train.txt
            are localized for their public poses.
        all_views: localize the left and right camera too, though only the rear one is evaluated.

    Raises:
        DatasetError: files are missing, cut or misnamed; names all of them.
    """
    problems = Problems(root)
    cameras: dict[str, Camera] = {}
    for view in VIEWS:
        with problems.gathered():
            cameras[view] = _read_intrinsics(root / "intrinsics" / f"{view}_intrinsics.txt", root)
        with problems.gathered():
            _check_extrinsics(root / "extrinsics" / f"{view}_extrinsics.txt")
    truth: dict[str, NDArray[np.float64]] = {}
    places: dict[str, list[str]] = {}
    references: dict[str, dict[str, NDArray[np.float64]]] = {}
    with problems.gathered():
        truth = _read_train(root, version)
    with problems.gathered():
        places = _read_queries(root, version)
    with problems.gathered():
        references = _read_references(root, set(places))
    problems.raise_any()
    views = VIEWS if all_views else (EVALUATED_VIEW,)
    test = _test_names(root) if version == 2 else None
    parts = tuple(
        Part(
            place,
            _posed(references[place], cameras),
            root / "images",
            _asked(names, cameras, views, test),
            root / "images",
            {name: _view(name) for name in references[place]},
        )
        for place, names in sorted(places.items())
    )
    for part in parts:
        check_images(part.query_folder, ((one.name, one.camera) for one in part.queries), "queries", problems)
        given = ((one.name, one.camera) for one in part.references)
        check_images(part.reference_folder, given, "reference images", problems)
    problems.raise_any()
    hidden = read_miniature_truth(root)
    groups = {"day": DAY, "night": ("night",), "night-rain": ("night-rain",)}
    name = "robotcar-seasons" if version == 1 else "robotcar-seasons-v2"
    return Benchmark(name, parts, {**truth, **hidden}, groups, _RULES[version], "robotcar-seasons", bool(hidden))


def _read_intrinsics(path: Path, root: Path) -> Camera:
    """Read four lines `fx 400.0`, for images of 1024x1024; a miniature copy says its size."""
    values = {}
    for number, line in enumerate(read_lines(path), start=1):
        name, _, rest = line.partition(" ")
        values[name.rstrip(":")] = numbers_in(rest, 1, f"{path}:{number}")[0]
    lacking = [name for name in ("fx", "fy", "cx", "cy") if name not in values]
    if lacking:
        raise DatasetError(f"{str(path)!r} lacks {', '.join(lacking)}; copy it again from the data set")
    width, height = read_miniature_size(root) or (SIDE_PX, SIDE_PX)
    return camera_from_model("PINHOLE", width, height, [values[name] for name in ("fx", "fy", "cx", "cy")])


def _check_extrinsics(path: Path) -> None:
    lines = read_lines(path)
    if len(lines) != 4:
        raise DatasetError(f"{str(path)!r} has {len(lines)} lines, four rows of a matrix are needed")
    for number, line in enumerate(lines, start=1):
        numbers_in(line, 4, f"{path}:{number}", separator=",")


def _read_train(root: Path, version: int) -> dict[str, NDArray[np.float64]]:
    path = root / TRAIN
    if version == 1 and not path.is_file():
        return {}
    return {_as_jpg(name): pose for name, pose in read_matrix_poses(path).items()}


def _read_queries(root: Path, version: int) -> dict[str, list[str]]:
    """Return the queries of each place, `condition/view/time.jpg`."""
    folder = root / _PLACES
    lists = sorted(folder.glob("*.txt"))
    if not lists:
        raise DatasetError(f"there are no lists in {_PLACES}/; unpack queries_per_location.zip there")
    places = {f"{_number(path):03d}": [_as_jpg(name) for name in read_names(path)] for path in lists}
    if version == 1:
        return places
    wanted = _test_names(root) | {_without_condition(_as_jpg(name)) for name in read_names(root / TRAIN)}
    known = {_without_condition(name) for names in places.values() for name in names}
    strangers = sorted(wanted - known)
    if strangers:
        raise DatasetError(
            f"{len(strangers)} names of {TRAIN} and {TEST} are in no list of {_PLACES}/: {strangers[:3]}"
        )
    return {
        place: [name for name in names if _without_condition(name) in wanted or not name.count("/rear/")]
        for place, names in places.items()
    }


def _test_names(root: Path) -> set[str]:
    return {_as_jpg(name) for name in read_names(root / TEST)}


def _number(path: Path) -> int:
    found = re.search(r"(\d+)$", path.stem)
    if found is None:
        raise DatasetError(f"{str(path)!r} has no number of a location at the end of its name; restore its name")
    return int(found[1])


def _read_references(root: Path, places: set[str]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the poses of each place: from the models of the places, or, for one place only, from the merged one."""
    folder = root / _MODELS
    if folder.is_dir():
        models = {place: folder / f"{place}_aligned" / "images.txt" for place in places}
        missing = sorted(place for place, path in models.items() if not path.is_file())
        if missing:
            raise DatasetError(f"{len(missing)} models are missing in {_MODELS}/: {', '.join(missing)}; unpack them")
        poses = {place: read_colmap_poses(path) for place, path in models.items()}
    else:
        merged = read_nvm_poses(root / _MERGED)
        if len(places) > 1:
            raise DatasetError(
                f"there is no {_MODELS}/, and {_MERGED} does not record which place an image shows; "
                "unpack the archives of the individual models there"
            )
        poses = dict.fromkeys(places, merged)
    return {place: {_as_jpg(name): pose for name, pose in one.items()} for place, one in poses.items()}


def _posed(poses: dict[str, NDArray[np.float64]], cameras: dict[str, Camera]) -> tuple[PosedImage, ...]:
    return tuple(PosedImage(name, cameras[_view(name)], pose) for name, pose in sorted(poses.items()))


def _asked(
    names: list[str], cameras: dict[str, Camera], views: tuple[str, ...], test: set[str] | None
) -> tuple[Query, ...]:
    """Return the queries of some views; with a list of the test, only those on it are submitted, and as .png."""
    queries = []
    for name in sorted(names):
        view, plain = _view(name), _without_condition(name)
        if view in views:
            submitted: str | None = plain
            if test is not None:
                submitted = plain.removesuffix(".jpg") + ".png" if plain in test else None
            queries.append(Query(name, cameras[view], name.split("/")[0], submitted, view))
    return tuple(queries)


def _as_jpg(name: str) -> str:
    return name.removeprefix("./").removesuffix(".png") + (".jpg" if name.endswith(".png") else "")


def _without_condition(name: str) -> str:
    return "/".join(name.split("/")[-2:])


def _view(name: str) -> str:
    parts = name.split("/")
    if len(parts) < 2 or parts[-2] not in VIEWS:
        raise DatasetError(
            f"image {name!r} is of none of the cameras {', '.join(VIEWS)}; names are condition/camera/time"
        )
    return parts[-2]
