# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the bench asks of a scene folder: map images, queries under their conditions, labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_ros.core.errors import SceneError
from sfd2_ros.evaluation.queries import load_queries
from sfd2_ros.features.semantics import NOT_LABELLED, load_stability_table
from sfd2_ros.mapping.scene import check_image_files, load_scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.evaluation.queries import Queries
    from sfd2_ros.mapping.colmap_io import PosedImage
    from sfd2_ros.mapping.scene import Scene

ANY_CONDITION = "all"
"""Condition of queries of which nothing is known."""
_UNSTABLE = 0  # class of what is volatile or moves


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
    labels: NDArray[np.uint8] | None = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if labels is None or labels.shape != features.image_size or labels.dtype != np.uint8:
        raise SceneError(f"labels {str(path)!r} are no 8-bit picture of {features.image_size} (h, w), like their image")
    classes = _classes_of_labels()[labels]
    x, y = np.rint(features.keypoints).astype(np.int64).T
    found = classes[y.clip(0, labels.shape[0] - 1), x.clip(0, labels.shape[1] - 1)]
    return int((found == _UNSTABLE).sum()), int((found != NOT_LABELLED).sum())


def _classes_of_labels() -> NDArray[np.uint8]:
    """Return the stability class of each of 256 labels; ADE20K counts from 1 in pictures."""
    of_label = np.full(256, NOT_LABELLED, np.uint8)
    known = load_stability_table().classes_of("ade20k")
    of_label[1 : 1 + len(known)] = known
    return of_label


def _true_conditions(folder: Path) -> dict[str, str]:
    path = folder / "truth.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(one["name"]): str(one["condition"]) for one in content["images"]}
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as err:
        raise SceneError(f"{str(path)!r} is no truth of a simulated scene: {err}; simulate it again") from err


def _first_folder(name: str) -> str:
    first, slash, _ = name.partition("/")
    return first if slash else ANY_CONDITION
