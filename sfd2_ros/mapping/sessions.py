# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which drive each image of a map is from."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.mapping.map_store import Map

SESSION_GAP_S = 3600.0
"""Images that are further apart in time are of two drives: a longer break changes light and parked cars. Not tuned."""
_MIN_DIGITS = 10
"""Of a time in nanoseconds in the name of an image; fewer digits are a number."""


def image_sessions(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Group images by drive.

    Images of a bag are named by their time: a new session begins after a break of an hour. Other images are grouped by
    the first folder of their names; without a folder their session has an empty name.

    Args:
        names: of the images, in the order of the map.

    Returns:
        The names of the sessions, and the (I,) session of each image.
    """
    stamps = [_stamp_of(name) for name in names]
    if names and all(stamp is not None for stamp in stamps):
        times = np.array(stamps, np.int64)
        order = np.argsort(times, kind="stable")
        numbers = np.concatenate([[0], np.cumsum(np.diff(times[order]) > SESSION_GAP_S * 1e9)])
        sessions = np.empty(len(names), np.int64)
        sessions[order] = numbers
        return tuple(f"session {number + 1}" for number in range(int(numbers[-1]) + 1)), sessions
    folders = [name.split("/")[0] if "/" in name else "" for name in names]
    labels = tuple(dict.fromkeys(folders))
    return labels, np.array([labels.index(folder) for folder in folders], np.int64)


def landmark_sessions(opened: Map, sessions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the (L,) first session that saw each landmark, given the (I,) session of each image."""
    landmarks = opened.landmarks
    first = np.full(len(landmarks), np.iinfo(np.int64).max)
    for image, session in enumerate(sessions):
        seen = landmarks.seen_by(image)
        first[seen] = np.minimum(first[seen], session)
    return np.where(first == np.iinfo(np.int64).max, 0, first)


def _stamp_of(name: str) -> int | None:
    stem = PurePosixPath(name).stem
    return int(stem) if stem.isdecimal() and len(stem) >= _MIN_DIGITS else None
