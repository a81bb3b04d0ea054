# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Drives past points that several tests optimise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.point_town import PointTown, drifting, point_town, round_block

from sfd2_ros.mapping.colmap_io import quiet_colmap
from sfd2_ros.mapping.drive.config import DriveConfig
from sfd2_ros.mapping.match_images import silent

if TYPE_CHECKING:
    from sfd2_ros.mapping.drive.optimise import OptimisedDrive

quiet_colmap()


@pytest.fixture(scope="session")
def short_town() -> PointTown:
    """Return a drive of 90 m round a block, keyframes every 2 m, odometry of 1 % and 2 degrees a 60 m."""
    truth = round_block(22, 2.0)
    return point_town(truth, drifting(truth, scale=1.01, deg_per_m=2 / 60), points_per_m=6)


@pytest.fixture(scope="session")
def optimise() -> Callable[..., OptimisedDrive]:
    """Return a call (town, drive=None) that optimises a drive with right matches."""
    pytest.importorskip("pyceres")
    from sfd2_ros.mapping.drive.optimise import optimise_drive  # noqa: PLC0415

    def run(town: PointTown, drive: Any = None, match: Any = None) -> OptimisedDrive:
        return optimise_drive(
            town.drive if drive is None else drive,
            town.features,
            _looks(town),
            match or town.true_matches,
            config=DriveConfig(),
            progress=silent,
        )

    return run


def _looks(town: PointTown) -> Any:
    """Return global descriptors: images of the same points look alike."""
    generator = np.random.default_rng(0)
    of_point = generator.normal(size=(1 + max(int(rows.max(initial=0)) for rows in town.seen), 64))
    sums = np.array([of_point[rows].sum(axis=0) for rows in town.seen])
    return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)).astype(np.float32)
