# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Retrieval across seasons: among the images of one session, where does the right place of another session rank?

A folder has sessions: a folder of images each, in the order of one route, or `images/SSLL.*` with two digits of the
session and two of the place. Each session in turn is the map, each other one the queries. An image of the map is right
if its place is at most `near` places away. The localizer's aggregation (`mapping.retrieval`) is compared with cheap
variants: other numbers of centres, a power of the aggregate's values, its mean over the map removed, and centres and
whitening that are learned once on other images.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_lab.bench.nights import standard_error
from sfd2_ros.core.errors import SceneError
from sfd2_ros.features.images import list_images, read_image
from sfd2_ros.mapping.map_config import MapConfig
from sfd2_ros.mapping.retrieval import aggregate, learn_centres, most_similar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer
    from sfd2_ros.core.types import Features
    from sfd2_ros.mapping.match_images import Progress

RANKS = (1, 5, 10)
"""The localizer takes some candidates at first and more when they fail."""
_NUMBERED = re.compile(r"(\d\d)(\d\d)\.\w+")
_SMALLEST_VARIANCE = 1e-9
"""Of a whitened direction; below it there is rounding only."""


@dataclass(frozen=True)
class Variant:
    """A way to describe whole images.

    Attributes:
        name: in the table.
        centres: number of them.
        power: values of the aggregate are raised to it, with their sign; 1 leaves them.
        is_centred: remove the mean aggregate of the map's images first.
        is_learned: take centres from other images than the map's.
        whitened_to: length after whitening by principal components of other images; 0: no whitening.
    """

    name: str
    centres: int = MapConfig().retrieval_centres
    power: float = 1.0
    is_centred: bool = False
    is_learned: bool = False
    whitened_to: int = 0


VARIANTS = (
    Variant("localizer"),
    Variant("16 centres", centres=16),
    Variant("128 centres", centres=128),
    Variant("power 0.5", power=0.5),
    Variant("centred", is_centred=True),
    Variant("centred, power 0.5", power=0.5, is_centred=True),
    Variant("learned centres", is_learned=True),
    Variant("learned centres, centred", is_learned=True, is_centred=True),
    Variant("whitened to 128", is_learned=True, whitened_to=128),
    Variant("whitened to 32", is_learned=True, whitened_to=32),
)
"""What is compared; those that are learned need other images."""


@dataclass(frozen=True)
class Whitening:
    """Principal components with equal variance; Jegou and Chum, ECCV 2012, section 3.

    Attributes:
        mean: (G,) of the aggregates that it was learned from.
        axes: (G, K).
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]

    def __call__(self, aggregates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (I, K) rows of length one for (I, G) aggregates."""
        return _unit((aggregates - self.mean) @ self.axes)


@dataclass(frozen=True)
class RetrievalRow:
    """Figures of one method and one variant on one folder.

    Attributes:
        folder: its name.
        method: extractor.
        variant: name.
        queries: number of ranked queries.
        recall: by rank of `RANKS`: fraction of the queries whose right place is among so many.
        spread: standard error of the first over the sessions of the queries; None for one session.
    """

    folder: str
    method: str
    variant: str
    queries: int
    recall: dict[int, float]
    spread: float | None


def sessions_of(folder: Path) -> dict[str, list[tuple[int, Path]]]:
    """Return place and path of each image, by session.

    Raises:
        SceneError: there are fewer than two sessions.
    """
    images = folder / "images"
    sessions: dict[str, list[tuple[int, Path]]] = {}
    if images.is_dir():
        for name in list_images(images):
            found = _NUMBERED.fullmatch(name)
            if found:
                sessions.setdefault(found[1], []).append((int(found[2]), images / name))
    else:
        for path in sorted(folder.glob("*/")):
            sessions[path.name] = [(place, path / name) for place, name in enumerate(list_images(path))]
    if len(sessions) < 2:
        raise SceneError(
            f"{str(folder)!r} has {len(sessions)} session(s); at least two are needed: a folder of images each, or "
            "images/SSLL.* with two digits of the session and two of the place"
        )
    return sessions


def bench_retrieval(
    folders: Sequence[Path],
    methods: Mapping[str, Peer],
    progress: Progress,
    *,
    near: int = 0,
    other_images: Sequence[Path] = (),
) -> list[RetrievalRow]:
    """Rank the images of each session for the images of every other session.

    Args:
        folders: of sessions, at least one.
        methods: extractors by name.
        progress: called with step, done, total.
        near: a place this many places away is right too.
        other_images: what centres and whitening are learned from; none leaves these variants out.

    Raises:
        SceneError: a folder has fewer than two sessions.
        ImageError: an image cannot be read.
    """
    rows = []
    for method, peer in methods.items():
        others = _features(peer, other_images, f"learn, {method}", progress)
        learned = [one for one in others if len(one)]
        for folder in folders:
            sessions = sessions_of(folder)
            paths = [path for session in sessions.values() for _, path in session]
            found = dict(zip(paths, _features(peer, paths, f"{folder.name}, {method}", progress), strict=True))
            places = {name: [place for place, _ in session] for name, session in sessions.items()}
            features = {name: [found[path] for _, path in session] for name, session in sessions.items()}
            for variant in VARIANTS:
                if learned or not variant.is_learned:
                    ranks = rank_places(features, places, variant, near=near, learned=learned)
                    rows.append(_row(folder.name, method, variant.name, ranks))
    return rows


def rank_places(
    features: Mapping[str, Sequence[Features]],
    places: Mapping[str, Sequence[int]],
    variant: Variant,
    *,
    near: int = 0,
    learned: Sequence[Features] = (),
) -> dict[str, list[int]]:
    """Return the rank, from 1, of the first right image for each query that has one, by session of the queries.

    Args:
        features: of the images, by session.
        places: of the same images.
        variant: how images are described.
        near: a place this many places away is right too.
        learned: features of other images, for variants that are learned.
    """
    ranks: dict[str, list[int]] = {name: [] for name in features}
    common = learn_centres(learned, variant.centres) if variant.is_learned else None
    whitening = None
    if common is not None and variant.whitened_to:
        whitening = learn_whitening(_described(learned, common, variant.power), variant.whitened_to)
    shared: dict[str, NDArray[np.float32]] = {}  # with centres of its own each map describes the queries again
    if common is not None:
        shared = {name: _described(session, common, variant.power) for name, session in features.items()}
    for map_name, map_features in features.items():
        described = [one for one in map_features if len(one)]
        if not described:
            continue
        centres = learn_centres(described, variant.centres) if common is None else common
        images = shared[map_name] if shared else _described(map_features, centres, variant.power)
        mean = images.mean(0) if variant.is_centred else np.zeros(images.shape[1], np.float32)
        images = _unit(images - mean) if whitening is None else whitening(images)
        for query_name, query_features in features.items():
            if query_name == map_name:
                continue
            queries = shared[query_name] if shared else _described(query_features, centres, variant.power)
            queries = _unit(queries - mean) if whitening is None else whitening(queries)
            for query, place in zip(queries, places[query_name], strict=True):
                order, _ = most_similar(query, images, len(images))
                right = [abs(places[map_name][i] - place) <= near for i in order]
                if any(right):
                    ranks[query_name].append(right.index(True) + 1)
    return ranks


def learn_whitening(aggregates: NDArray[np.float32], length: int) -> Whitening:
    """Return the whitening of (I, G) aggregates to at most a length; fewer images give fewer directions."""
    mean = aggregates.mean(0)
    centred = (aggregates - mean).astype(np.float64)
    _, scales, axes = np.linalg.svd(centred, full_matrices=False)
    deviation = scales / np.sqrt(max(1, len(aggregates) - 1))
    kept = np.flatnonzero(deviation**2 > _SMALLEST_VARIANCE)[:length]
    return Whitening(mean, (axes[kept].T / deviation[kept]).astype(np.float32))


def _described(features: Sequence[Features], centres: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """Return (I, G) aggregates of images."""
    flat = np.stack([aggregate(one, centres) for one in features])
    return flat if power == 1.0 else _unit(np.sign(flat) * np.abs(flat) ** power)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return (I, G) rows of length one; zeros stay."""
    unit: NDArray[np.float32] = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(
        np.float32
    )
    return unit


def _features(peer: Peer, paths: Sequence[Path], step: str, progress: Progress) -> list[Features]:
    found = []
    for done, path in enumerate(paths):
        progress(step, done, len(paths))
        found.append(peer(read_image(path)))
    return found


def _row(folder: str, method: str, variant: str, ranks: Mapping[str, Sequence[int]]) -> RetrievalRow:
    every = np.array([rank for session in ranks.values() for rank in session])
    recall = {rank: float((every <= rank).mean()) if len(every) else float("nan") for rank in RANKS}
    each = [float((np.array(session) <= 1).mean()) for session in ranks.values() if session]
    return RetrievalRow(folder, method, variant, len(every), recall, standard_error(each))
