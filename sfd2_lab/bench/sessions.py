# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sessions of a place merged one after the other: recall by condition and size after each, survival by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.bench.unstable import classes_at, classes_of_numbers, read_label_numbers
from sfd2_ros.core.errors import SceneError
from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation.metrics import THRESHOLDS, pose_error
from sfd2_ros.features.images import read_image
from sfd2_ros.features.semantics import NOT_LABELLED, load_stability_table
from sfd2_ros.localization import Localized, Localizer, View
from sfd2_ros.mapping import MapBuilder, load_map
from sfd2_ros.mapping.fuse import fuse
from sfd2_ros.mapping.merge import LEAST_ALIGNMENT_STD_M, Session, merge_maps
from sfd2_ros.mapping.scene import load_scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features, PosedImage
    from sfd2_ros.mapping import Map
    from sfd2_ros.mapping.match_images import FeatureExtractor, Progress

MIN_CHANCES = 2
"""Later sessions in which a landmark was visible before it counts for the survival of its class."""


@dataclass(frozen=True)
class SessionRow:
    """The map after a session was added.

    Attributes:
        session: name of the session, its condition.
        images: of the map.
        landmarks: of the map.
        size_bytes: of the map's folder.
        growth: size as a multiple of that of the first session.
        recall: fraction of the queries of each condition within (0.25 m, 2 degrees).
    """

    session: str
    images: int
    landmarks: int
    size_bytes: int
    growth: float
    recall: dict[str, float]


@dataclass(frozen=True)
class SurvivalRow:
    """Landmarks of one stability class.

    Attributes:
        stability: of the class in the table of stability.
        landmarks: of the first session, visible in later ones.
        survival: observed, as a fraction of the later sessions in which they were visible.
    """

    stability: float
    landmarks: int
    survival: float


@dataclass(frozen=True, eq=False)
class Taken:
    """One session of a scene.

    Attributes:
        name: of its folder of images.
        mapped: images to map.
        queries: the images between them, with features.
    """

    name: str
    mapped: list[PosedImage]
    queries: list[tuple[PosedImage, Features]]


def take_sessions(folder: Path, extractor: FeatureExtractor, progress: Progress) -> list[Taken]:
    """Divide a scene into its sessions, the folders of its images: every second image is mapped.

    Args:
        folder: scene with map.txt, of the first session, and query.txt.
        extractor: of the queries' features.
        progress: called with step, done, total.

    Raises:
        SceneError: a session has fewer than four images.
    """
    scene = load_scene(folder)
    images = [*scene.select("map.txt"), *scene.select("query.txt")]
    names = list(dict.fromkeys(image.name.rpartition("/")[0] for image in images))
    taken = []
    for number, name in enumerate(names):
        progress("extract queries", number, len(names))
        own = [image for image in images if image.name.rpartition("/")[0] == name]
        if len(own) < 4:
            raise SceneError(f"session {name!r} of {str(folder)!r} has {len(own)} images; at least 4 are needed")
        queries = [(image, extractor(read_image(scene.image_folder / image.name))) for image in own[1::2]]
        taken.append(Taken(name, own[::2], queries))
    return taken


def map_sessions(
    folder: Path, sessions: Sequence[Taken], work: Path, extractor: FeatureExtractor, progress: Progress
) -> list[Map]:
    """Build a map of each session in `work`/session_NAME, unless it is there."""
    images = load_scene(folder).image_folder
    maps = []
    for session in sessions:
        output = work / f"session_{session.name}"
        if not output.exists():
            MapBuilder(extractor, progress=progress).from_poses(session.mapped, images, output)
        maps.append(load_map(output))
    return maps


def merge_rows(sessions: Sequence[Taken], maps: Sequence[Map], work: Path, progress: Progress) -> list[SessionRow]:
    """Merge the maps one after the other, and localize the queries of all sessions after each.

    Args:
        sessions: with their queries.
        maps: of the sessions, in one frame.
        work: merged maps are written to `work`/merged_K.
        progress: called with step, done, total.
    """
    current = maps[0]
    rows = [_row(sessions[0].name, current, maps[0], sessions)]
    for number, (session, one) in enumerate(zip(sessions[1:], maps[1:], strict=True), start=1):
        progress("merge", number, len(maps))
        output = work / f"merged_{number}"
        merge_maps(current, [Session(one, np.eye(4))], output, overwrite=True)
        current = load_map(output)
        rows.append(_row(session.name, current, maps[0], sessions))
    return rows


def survival_rows(folder: Path, maps: Sequence[Map]) -> list[SurvivalRow]:
    """Return how many of the landmarks of the first session the others observe, by stability class.

    Nothing is dropped here, so that the counts of what does not last are complete.

    Args:
        folder: scene with labels/, numbers of ADE20K.
        maps: of the sessions, in one frame.
    """
    landmarks = maps[0].landmarks
    classes = _classes_of_landmarks(folder, maps[0])
    first = len(landmarks)
    for one in maps[1:]:
        landmarks = fuse(landmarks, one.landmarks, one.images, alignment_std_m=LEAST_ALIGNMENT_STD_M).landmarks
    return survival_by_class(classes, landmarks.sessions_seen[:first], landmarks.sessions_expected[:first])


def survival_by_class(
    classes: NDArray[np.uint8], seen: NDArray[np.uint8], expected: NDArray[np.uint8]
) -> list[SurvivalRow]:
    """Return the survival of the landmarks of each class.

    Args:
        classes: (L,) of the stability head; `NOT_LABELLED` ones are left out.
        seen: (L,) sessions that observed the landmark, with the one that it is of.
        expected: (L,) sessions in which it was visible, likewise.
    """
    chances, found = expected.astype(np.int64) - 1, seen.astype(np.int64) - 1
    rows = []
    for number, stability in enumerate(load_stability_table().class_values):
        chosen = (classes == number) & (chances >= MIN_CHANCES)
        if chosen.any():
            survival = float(found[chosen].sum() / chances[chosen].sum())
            rows.append(SurvivalRow(stability, int(chosen.sum()), survival))
    return rows


def _classes_of_landmarks(folder: Path, one: Map) -> NDArray[np.uint8]:
    """Return (L,) the class that most observations of each landmark have."""
    of_number = classes_of_numbers("ade20k", first=1)
    votes = np.zeros((len(one.landmarks), 256), np.int32)
    for index, image in enumerate(one.images):
        numbers = read_label_numbers((folder / "labels" / image.name).with_suffix(".png"))
        found = classes_at(one.landmarks.keypoints_of(index), numbers, of_number)
        np.add.at(votes, (np.asarray(one.landmarks.seen_by(index)), found), 1)
    votes[:, NOT_LABELLED] = 0
    classes: NDArray[np.uint8] = np.where(votes.any(axis=1), votes.argmax(axis=1), NOT_LABELLED).astype(np.uint8)
    return classes


def _row(name: str, current: Map, first: Map, sessions: Sequence[Taken]) -> SessionRow:
    localizer = Localizer(current)
    recall = {session.name: _recall(localizer, session.queries) for session in sessions}
    growth = current.size_bytes / first.size_bytes
    return SessionRow(name, len(current.images), len(current.landmarks), current.size_bytes, growth, recall)


def _recall(localizer: Localizer, queries: Sequence[tuple[PosedImage, Features]]) -> float:
    right = 0
    for image, features in queries:
        result = localizer.localize_rig([View(features, image.camera, np.eye(4))])
        if isinstance(result, Localized):
            distance_m, angle_deg = pose_error(inverse(result.map_from_base), image.cam_from_world)
            right += distance_m <= THRESHOLDS[0][0] and angle_deg <= THRESHOLDS[0][1]
    return right / len(queries)
