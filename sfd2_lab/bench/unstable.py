# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keypoints on unstable classes: how many lie on sky, water, vehicles and people, by label images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sfd2_lab.bench.timing import extract_timed
from sfd2_ros.core.errors import ConfigError, SceneError
from sfd2_ros.features.images import list_images, read_image
from sfd2_ros.features.semantics import NOT_LABELLED, load_stability_table
from sfd2_ros.mapping.image_list import read_image_list
from sfd2_ros.mapping.scene import find_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.match_images import Progress

_UNSTABLE = 0  # class of what is volatile or moves


@dataclass(frozen=True)
class LabelledRow:
    """Figures of one method on one folder of labelled images.

    Attributes:
        scene: name of the folder.
        method: name.
        images: number of images.
        unstable_fraction: share of all keypoints on labelled pixels that lie on what is volatile or moves; None
            without any.
        unstable_area: share of the labelled pixels that are.
        mean_keypoints: of an image.
        extract_ms: median time of an extraction.
        bytes_per_keypoint: of a descriptor.
        weights_id: identity of the method's weights.
    """

    scene: str
    method: str
    images: int
    unstable_fraction: float | None
    unstable_area: float
    mean_keypoints: float
    extract_ms: float
    bytes_per_keypoint: int
    weights_id: str


def bench_labelled(
    folder: Path,
    methods: Mapping[str, Peer],
    progress: Progress,
    *,
    label_set: str,
    list_name: str | None = None,
) -> list[LabelledRow]:
    """Count where the keypoints of labelled images lie.

    Args:
        folder: with images/ and labels/: 8-bit PNGs of the images' names and sizes with label numbers.
        methods: extractors by name.
        progress: called with step, done, total.
        label_set: of data/stability.yaml: what the numbers mean.
        list_name: of the images, with or without ending; None for all.

    Raises:
        ConfigError: there is no such label set.
        SceneError: the list names what is not there, or labels are missing or unreadable.
        ImageError: an image cannot be read.
    """
    classes = classes_of_numbers(label_set)
    names = _photographs(folder, list_name)
    labels = [_labels_of(folder, name) for name in names]
    area = _share(labels, classes)
    rows = []
    for method, peer in methods.items():
        peer(read_image(folder / "images" / names[0]))
        counts, keypoints, seconds = np.zeros(2, np.int64), [], []
        for done, (name, numbers) in enumerate(zip(names, labels, strict=True)):
            progress(method, done, len(names))
            features, duration = extract_timed(peer, read_image(folder / "images" / name))
            counts += count_unstable(features, numbers, classes, name)
            keypoints.append(len(features))
            seconds.append(duration)
        progress(method, len(names), len(names))
        rows.append(
            LabelledRow(
                scene=folder.resolve().name,
                method=method,
                images=len(names),
                unstable_fraction=float(counts[0] / counts[1]) if counts[1] else None,
                unstable_area=area,
                mean_keypoints=float(np.mean(keypoints)),
                extract_ms=1000 * float(np.median(seconds)),
                bytes_per_keypoint=peer.bytes_per_keypoint,
                weights_id=peer.weights_id,
            )
        )
    return rows


def classes_of_numbers(label_set: str, *, first: int = 0) -> NDArray[np.uint8]:
    """Return the stability class of each of 256 label numbers; `NOT_LABELLED` for numbers without a class.

    Args:
        label_set: of data/stability.yaml.
        first: number of the set's first label.

    Raises:
        ConfigError: there is no such label set, or it does not fit into 8 bits.
    """
    known = load_stability_table().classes_of(label_set)
    if first + len(known) > 256:
        raise ConfigError(f"label set {label_set!r} has {len(known)} labels; 8-bit images hold 256")
    of_number = np.full(256, NOT_LABELLED, np.uint8)
    of_number[first : first + len(known)] = known
    return of_number


def read_label_numbers(path: Path) -> NDArray[np.uint8]:
    """Read label numbers (h, w).

    Raises:
        SceneError: it is no 8-bit image of one channel.
    """
    numbers: NDArray[np.uint8] | None = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if numbers is None or numbers.ndim != 2 or numbers.dtype != np.uint8:
        raise SceneError(f"labels {str(path)!r} are not an 8-bit image of one channel; write label numbers as PNG")
    return numbers


def count_unstable(
    features: Features, numbers: NDArray[np.uint8], classes: NDArray[np.uint8], name: str
) -> tuple[int, int]:
    """Count keypoints on what is volatile or moves, and all on labelled pixels.

    Args:
        features: of an image.
        numbers: (h, w) label numbers of its pixels.
        classes: (256,) from `classes_of_numbers`.
        name: of the image, for the error.

    Raises:
        SceneError: labels and image differ in size.
    """
    if numbers.shape != features.image_size:
        raise SceneError(f"labels of {name!r} are {numbers.shape} pixels (h, w), the image {features.image_size}")
    found = classes_at(features.keypoints, numbers, classes)
    return int((found == _UNSTABLE).sum()), int((found != NOT_LABELLED).sum())


def classes_at(
    keypoints: NDArray[np.floating], numbers: NDArray[np.uint8], classes: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return (N,) the class of the pixel nearest to each keypoint.

    Args:
        keypoints: (N, 2) pixels.
        numbers: (h, w) label numbers of the image's pixels.
        classes: (256,) from `classes_of_numbers`.
    """
    x, y = np.rint(keypoints).astype(np.int64).T
    found: NDArray[np.uint8] = classes[numbers[y.clip(0, numbers.shape[0] - 1), x.clip(0, numbers.shape[1] - 1)]]
    return found


def _photographs(folder: Path, list_name: str | None) -> list[str]:
    there = list_images(folder / "images")
    if list_name is None:
        return there
    by_stem = {name.rpartition(".")[0]: name for name in there} | {name: name for name in there}
    listed = read_image_list(find_list(folder, list_name))
    missing = [name for name in listed if name not in by_stem]
    if missing:
        raise SceneError(f"{list_name!r} names {len(missing)} images that are not in images/: {missing[0]}, ...")
    return [by_stem[name] for name in listed]


def _labels_of(folder: Path, name: str) -> NDArray[np.uint8]:
    return read_label_numbers((folder / "labels" / name).with_suffix(".png"))


def _share(labels: Sequence[NDArray[np.uint8]], classes: NDArray[np.uint8]) -> float:
    counts = sum(np.bincount(classes[numbers].reshape(-1), minlength=256) for numbers in labels)
    labelled = int(np.sum(counts)) - int(np.asarray(counts)[NOT_LABELLED])
    return float(np.asarray(counts)[_UNSTABLE] / max(1, labelled))
