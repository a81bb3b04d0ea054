# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Renders the simulated views of a training source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.training.data.posed_views import PosedView, ViewPixels, write_views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sfd2_lab.simulation import Frame
    from sfd2_lab.training.data.source_config import SourceConfig

    Progress = Callable[[str, int, int], None]

_RIGS = ("front", "robotcar")
_RATE_HZ = 2.0
_LATERAL_M = (0.0, 0.8, -0.4)  # of the sessions in turn; farther to the left other cars come


def render_views(folder: Path, source: SourceConfig, device: str, progress: Progress) -> int:
    """Render the towns of a source into a folder of views and return their number.

    Args:
        folder: to make.
        source: of kind "views" with towns.
        device: where to render.
        progress: told of step, done and total.

    Raises:
        ConfigError: a condition is not known.
        OutputError: the folder exists or cannot be written.
    """
    return write_views(folder, _rendered(source, device, progress))


def _rendered(source: SourceConfig, device: str, progress: Progress) -> Iterator[tuple[PosedView, ViewPixels]]:
    from sfd2_lab.simulation import DriveConfig, World  # noqa: PLC0415

    count = 0
    for town in range(source.towns):
        seed = source.first_town + town
        world = World(seed, device=device)
        for session, condition in enumerate(source.conditions):
            drive = DriveConfig(
                seed=seed,
                session=session,
                frames=source.frames,
                condition=condition,
                rig=_RIGS[town % len(_RIGS)],
                size=(source.width, source.width * 3 // 4),
                lateral_m=_LATERAL_M[session % 3],
                start_m=float(session % 4),
                rate_hz=_RATE_HZ,
            )
            for frame in world.drive(drive):
                yield _view_of(frame, f"{count:06d}", seed, condition)
                count += 1
        progress("render", town + 1, source.towns)


def _view_of(frame: Frame, name: str, seed: int, condition: str) -> tuple[PosedView, ViewPixels]:
    camera = frame.camera.camera
    intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
    view = PosedView(name, f"town {seed}", condition, intrinsics, frame.map_from_cam)
    return view, ViewPixels(frame.image, frame.labels, frame.depth_m)
