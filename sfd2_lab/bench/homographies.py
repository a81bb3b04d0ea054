# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images and homographies of them, drawn by a seed: every pixel's true place in the other view is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from sfd2_lab.bench.timing import extract_all
from sfd2_lab.bench.two_view import gather_scores, match_views, matchers_of, move_points, score_views
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.images import list_images, read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer
    from sfd2_lab.bench.two_view import Matcher, PairFigures, PairScore
    from sfd2_ros.core.types import Features, Matches
    from sfd2_ros.mapping.match_images import Progress

WITHIN_PX = (1.0, 3.0, 5.0)
"""Corner errors below which an estimated homography counts as right."""
AUC_PX = (3.0, 5.0, 10.0)
"""Corner errors up to which the area under the recall curve is taken."""
_RANSAC_PX = 3.0
_LEAST_MATCHES = 4
# Corners of the second view lie this far inside the first at most, as shares of its sides; turned by up to this angle.
_MAX_INSET = 0.25
_MAX_TURN_RAD = 0.3


@dataclass(frozen=True)
class HomographyRow:
    """Figures of one method on one folder.

    Attributes:
        scene: name of the folder.
        method: name.
        figures: over the pairs.
        homography_within: share of the pairs whose estimated homography has a mean corner error up to `WITHIN_PX`.
        homography_auc: area under the curve of that share up to `AUC_PX`, by its width, in [0, 1].
        extract_ms: median time of an extraction.
        bytes_per_keypoint: of a descriptor.
        weights_id: identity of the method's weights.
    """

    scene: str
    method: str
    figures: PairFigures
    homography_within: tuple[float, ...]
    homography_auc: tuple[float, ...]
    extract_ms: float
    bytes_per_keypoint: int
    weights_id: str


def bench_homographies(
    folder: Path,
    methods: Mapping[str, Peer],
    progress: Progress,
    *,
    views: int = 5,
    seed: int = 0,
    lightglue: Mapping[str, Matcher] = MappingProxyType({}),
) -> list[HomographyRow]:
    """Match images with views of them.

    Args:
        folder: of images.
        methods: extractors by name.
        progress: called with step, done, total.
        views: of each image; the same for all methods.
        seed: of the homographies.
        lightglue: by method, for a further row of it.

    Raises:
        ConfigError: `views` is not positive.
        ImageError: no images, or one that cannot be read.
    """
    if views < 1:
        raise ConfigError(f"views is {views!r}; at least 1 is needed")
    rows = []
    for name, peer in methods.items():
        rows += _bench_method(
            folder, peer, matchers_of(name, lightglue), partial(progress, name), views=views, seed=seed
        )
    return rows


def folder_name(folder: Path) -> str:
    """Return what rows call a folder of images: its name, of images/ in a scene that of the scene."""
    path = folder.resolve()
    return path.parent.name if path.name == "images" else path.name


def _bench_method(
    folder: Path,
    peer: Peer,
    ways: Mapping[str, Matcher],
    progress: Callable[[int, int], None],
    *,
    views: int,
    seed: int,
) -> list[HomographyRow]:
    """Return a row for each way of matching a method's features."""
    names = list_images(folder)
    judged: dict[str, list[_Judged]] = {way: [] for way in ways}
    times = []
    for done, name in enumerate(names):
        progress(done, len(names))
        image = read_image(folder / name)
        generator = np.random.default_rng([seed, done])
        truths = [draw_homography(generator, image.shape[:2]) for _ in range(views)]
        features, milliseconds = extract_all(peer, [image, *(warp(image, truth) for truth in truths)], lambda _: None)
        times.append(milliseconds)
        for way, match in ways.items():
            judged[way] += [
                _judge(features[0], view, truth, match) for view, truth in zip(features[1:], truths, strict=True)
            ]
    progress(len(names), len(names))
    return [_row(folder_name(folder), way, found, peer, float(np.median(times))) for way, found in judged.items()]


class _Judged(NamedTuple):
    score: PairScore
    error_px: float


def _judge(first: Features, view: Features, truth: NDArray[np.float64], match: Matcher) -> _Judged:
    matches, seconds = match_views(first, view, match)
    score = score_views(first, view, matches, second_from_first=truth, match_seconds=seconds)
    return _Judged(score, corner_error_px(estimate_homography(first, view, matches), truth, first.image_size))


def _row(scene: str, way: str, judged: Sequence[_Judged], peer: Peer, extract_ms: float) -> HomographyRow:
    errors = [one.error_px for one in judged]
    return HomographyRow(
        scene=scene,
        method=way,
        figures=gather_scores([one.score for one in judged]),
        homography_within=tuple(float(np.mean(np.array(errors) <= limit)) for limit in WITHIN_PX),
        homography_auc=tuple(area_under_recall(errors, limit) for limit in AUC_PX),
        extract_ms=extract_ms,
        bytes_per_keypoint=peer.bytes_per_keypoint,
        weights_id=peer.weights_id,
    )


def draw_homography(generator: np.random.Generator, size: tuple[int, ...]) -> NDArray[np.float64]:
    """Draw view_from_image: the view shows a quadrilateral within the image, enlarged to the image's size.

    Nothing outside the image is seen, so that no edge is made up; scale, turn and perspective change together.

    Args:
        generator: decides.
        size: (h, w) of image and view.
    """
    sides = np.array([size[1] - 1, size[0] - 1], np.float64)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    inset = generator.uniform(0.0, _MAX_INSET, (4, 2))
    inner = np.where(corners == 0, inset, 1 - inset) * sides
    middle, angle = inner.mean(axis=0), generator.uniform(-_MAX_TURN_RAD, _MAX_TURN_RAD)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inner = np.clip((inner - middle) @ turn.T + middle, 0, sides)
    matrix: NDArray[np.float64] = cv2.getPerspectiveTransform(
        inner.astype(np.float32), (corners * sides).astype(np.float32)
    )
    return matrix


def warp(image: NDArray[np.uint8], view_from_image: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the view (H, W, 3) of an image."""
    view: NDArray[np.uint8] = cv2.warpPerspective(image, view_from_image, image.shape[1::-1], flags=cv2.INTER_CUBIC)
    return view


def estimate_homography(first: Features, second: Features, matches: Matches) -> NDArray[np.float64] | None:
    """Return second_from_first (3, 3) by RANSAC over the matches, the same each time; None where they give none."""
    if len(matches) < _LEAST_MATCHES:
        return None
    cv2.setRNGSeed(0)
    found, _ = cv2.findHomography(
        first.keypoints[matches.query], second.keypoints[matches.target], cv2.RANSAC, _RANSAC_PX, maxIters=5000
    )
    return None if found is None else np.asarray(found, np.float64)


def corner_error_px(estimated: NDArray[np.float64] | None, truth: NDArray[np.float64], size: tuple[int, ...]) -> float:
    """Return the mean distance of the view's corners from their estimated places; infinite without an estimate.

    Args:
        estimated: (3, 3) view_from_image, or None.
        truth: (3, 3) view_from_image.
        size: (h, w) of the view.
    """
    if estimated is None or abs(np.linalg.det(estimated)) < 1e-12:
        return float("inf")
    corners = np.array([[0, 0], [size[1] - 1, 0], [size[1] - 1, size[0] - 1], [0, size[0] - 1]], np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = move_points(estimated, move_points(np.asarray(np.linalg.inv(truth), np.float64), corners))
    error = float(np.linalg.norm(moved - corners, axis=1).mean())
    return error if np.isfinite(error) else float("inf")


def area_under_recall(errors: Sequence[float], limit: float) -> float:
    """Return the mean over all thresholds from 0 to `limit` of the fraction of errors below them, in [0, 1]."""
    return float(np.mean(np.maximum(0.0, limit - np.minimum(np.array(errors), limit)) / limit))
