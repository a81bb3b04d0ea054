# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the bench reads of a scene folder: map images, queries under their conditions, labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_lab.bench.unstable import classes_of_numbers, count_unstable, read_label_numbers
from sfd2_ros.core.errors import SceneError
from sfd2_ros.evaluation.queries import load_queries
from sfd2_ros.mapping.scene import check_image_files, load_scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_ros.core.types import Features, PosedImage
    from sfd2_ros.evaluation.queries import Queries
    from sfd2_ros.mapping.scene import Scene

ANY_CONDITION = "all"
"""Condition of queries of which nothing is known."""


@dataclass(frozen=True, eq=False)
class BenchScene:
    """A scene folder, ready for the bench.

    Attributes:
        name: of the folder.
        scene: the folder.
        map_images: of map.txt.
        queries: of query.txt and foreign.txt.
        condition_of: condition of every query and foreign image.
    """

    name: str
    scene: Scene
    map_images: list[PosedImage]
    queries: Queries
    condition_of: dict[str, str]


def load_bench_scene(folder: Path, conditions: Sequence[str] | None = None) -> BenchScene:
    """Read a scene folder.

    The condition of an image is what truth.json says, where the scene has one (simulated scenes do); else the first
    folder of its name (night/000.jpg); else "all".

    Args:
        folder: with images/, sparse/, map.txt and query.txt.
        conditions: queries under others are left out, those of which nothing is known stay; None for all.

    Raises:
        SceneError: a part is missing or unreadable, or no query is under one of the conditions.
        CameraError: a camera model that is not supported.
    """
    scene = load_scene(folder)
    map_images = scene.select("map.txt")
    queries = load_queries(folder, "query.txt")
    known = _true_conditions(folder)
    names = [*queries.reference, *queries.foreign]
    condition_of = {name: known.get(name) or _first_folder(name) for name in names}
    if conditions is not None:
        wanted = {*conditions, ANY_CONDITION}
        condition_of = {name: one for name, one in condition_of.items() if one in wanted}
    if not any(name in condition_of for name in queries.reference):
        there = ", ".join(sorted({known.get(name) or _first_folder(name) for name in queries.reference}))
        raise SceneError(f"scene {str(folder)!r} has no query under {', '.join(conditions or ())}; there are: {there}")
    check_image_files(scene.image_folder, [*(image.name for image in map_images), *condition_of])
    return BenchScene(folder.resolve().name, scene, map_images, queries, condition_of)


def unstable_keypoints(features: Features, folder: Path, name: str) -> tuple[int, int] | None:
    """Count keypoints on what is volatile or moves (sky, vehicles, people).

    Args:
        features: of an image of the scene.
        folder: of the scene; labels/ has PNGs named like the images, with ids of ADE20K from 1, 0 unlabelled.
        name: of the image.

    Returns:
        Such keypoints, and all on labelled pixels; None where the image has no labels.

    Raises:
        SceneError: labels are unreadable, or of another size than the image.
    """
    path = (folder / "labels" / name).with_suffix(".png")
    if not path.is_file():
        return None
    # The simulator counts ADE20K's labels from 1, as that data set's pictures do.
    return count_unstable(features, read_label_numbers(path), classes_of_numbers("ade20k", first=1), name)


def _true_conditions(folder: Path) -> dict[str, str]:
    path = folder / "truth.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(one["name"]): str(one["condition"]) for one in content["images"]}
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as err:
        raise SceneError(
            f"{str(path)!r} is not the ground truth of a simulated scene: {err}; simulate it again"
        ) from err


def _first_folder(name: str) -> str:
    first, slash, _ = name.partition("/")
    return first if slash else ANY_CONDITION
