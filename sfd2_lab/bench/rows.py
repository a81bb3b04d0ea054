# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of the bench, and how they stand in JSON."""

from __future__ import annotations

import dataclasses
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

import sfd2_ros

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class FeatureRow:
    """Figures of one method on one scene under one condition.

    Attributes:
        scene: name of the scene.
        condition: of the queries; "all" where the scene tells none apart.
        method: name.
        recall: shares of the queries within (0.25 m, 2 deg), (0.5 m, 5 deg), (5 m, 10 deg); refused ones count against.
        median_position_m: over the localized queries; None without any.
        median_rotation_deg: likewise.
        mean_inliers: over all queries, 0 for rejected ones.
        refused: queries without a pose.
        unstable_fraction: share of the keypoints of labelled queries on what is volatile or moves; None without labels.
        extract_ms: median time of an extraction from a query.
        match_ms: median time to match a query with the map.
        bytes_per_keypoint: of one descriptor as the method has it.
        queries: number.
        localized: queries with a pose.
        false_accepts: poses outside the coarsest threshold, and foreign images with a pose.
        foreign: images of other places that were offered.
        mean_keypoints: of a query.
        weights_id: identity of the method's weights.
        landmarks: of the map.
        descriptor_bytes: landmarks times bytes_per_keypoint.
        map_error_px: mean reprojection error of the landmarks.
        map_seconds: to extract, match and triangulate the map images.
        failed: why no map could be built, or None.
    """

    scene: str
    condition: str
    method: str
    recall: tuple[float, ...]
    median_position_m: float | None
    median_rotation_deg: float | None
    mean_inliers: float
    refused: int
    unstable_fraction: float | None
    extract_ms: float | None
    match_ms: float | None
    bytes_per_keypoint: int
    queries: int
    localized: int
    false_accepts: int
    foreign: int
    mean_keypoints: float | None
    weights_id: str
    landmarks: int
    descriptor_bytes: int
    map_error_px: float | None
    map_seconds: float
    failed: str | None = None


def row_as_json(row: Any) -> dict[str, Any]:
    """Return a row of any bench as plain values; the figures of pairs stand beside the others."""
    values: dict[str, Any] = dataclasses.asdict(row)
    return {**{name: value for name, value in values.items() if name != "figures"}, **values.get("figures", {})}


def missing_rows(missing: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a row for each method that could not run, with what to do."""
    return [{"scene": None, "condition": None, "method": method, "missing": what} for method, what in missing.items()]


def bench_as_json(
    bench: str, settings: Mapping[str, Any], rows: Iterable[Any], missing: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the JSON file of a bench holds.

    Args:
        bench: name of the bench.
        settings: what it was run with.
        rows: dataclasses.
        missing: what absent methods lack, by name.
    """
    return {
        "bench": bench,
        "settings": dict(settings),
        "machine": {
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
            "python": platform.python_version(),
            "sfd2_ros": sfd2_ros.__version__,
            "torch": torch.__version__,
            "opencv": cv2.__version__,
            "numpy": np.__version__,
        },
        "rows": [*(row_as_json(row) for row in rows), *missing_rows(missing)],
    }
