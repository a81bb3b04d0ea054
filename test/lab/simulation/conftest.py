# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One small town and one short drive through it, rendered once for all tests."""

from __future__ import annotations

import pytest

from sfd2_lab.simulation.drive import DriveConfig, Frame, World

SMALL = DriveConfig(seed=0, frames=2, size=(200, 150))


@pytest.fixture(scope="session")
def world() -> World:
    return World(0)


@pytest.fixture(scope="session")
def small_drive() -> DriveConfig:
    return SMALL


@pytest.fixture(scope="session")
def frames(world: World, small_drive: DriveConfig) -> list[Frame]:
    return list(world.drive(small_drive))
