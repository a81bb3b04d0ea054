# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map as a recording of rerun: landmarks by stability and by session, cameras, and the ways of the sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.mapping.plan import SESSION_COLOURS
from sfd2_ros.mapping.sessions import image_sessions, landmark_sessions
from sfd2_ros.ros.view_recording import (
    APPLICATION,
    AXES_M,
    FLUSH_S,
    POINT_PX,
    STABLE,
    UNSTABLE,
    rerun_modules,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera
    from sfd2_ros.mapping.map_store import Map

FRUSTUM_SHARE = 0.01
"""Depth of a camera's outline, of the extent of all cameras. Not tuned."""
SMALLEST_FRUSTUM = 0.1
"""Of maps of one spot, in units of the map."""
_BLACK_SHOWN = (128, 128, 128)
"""In place of black: it is seen on the dark ground of the viewer and on the light one, which the system chooses."""


def write_map_recording(opened: Map, *, save: Path | None, viewer: str) -> None:
    """Write a map into a .rrd file, to a viewer, or both.

    Args:
        opened: the map.
        save: .rrd file to write; None for none.
        viewer: address of a viewer's server; empty for none.

    Raises:
        DependencyError: rerun is not installed.
    """
    rr, views = rerun_modules()
    recording = rr.RecordingStream(APPLICATION)
    sinks = [rr.FileSink(str(save))] if save is not None else []
    sinks += [rr.GrpcSink(viewer)] if viewer else []
    recording.set_sinks(*sinks, default_blueprint=_blueprint(views))
    if opened.units == "metres":
        recording.log("map", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    axes = rr.Arrows3D(vectors=AXES_M * np.eye(3), colors=255 * np.eye(3, dtype=np.uint8))
    recording.log("map/origin", axes, static=True)
    names, sessions = image_sessions([one.name for one in opened.images])
    labels = [name or "images" for name in names]
    poses = np.array([inverse(one.cam_from_world) for one in opened.images])
    _log_landmarks(rr, recording, opened, labels, sessions)
    depth = _reach(poses)
    outlines = [frustum_lines(pose, one.camera, depth) for pose, one in zip(poses, opened.images, strict=True)]
    for number, label in enumerate(labels):
        chosen, colour, entity = sessions == number, session_colour(number), f"map/cameras/{label}"
        lines, centres = np.concatenate(np.array(outlines)[chosen]), poses[chosen, :3, 3]
        recording.log(f"{entity}/outlines", rr.LineStrips3D(lines, colors=colour), static=True)
        recording.log(f"{entity}/centres", rr.Points3D(centres, colors=colour, radii=0.1 * depth), static=True)
    recording.flush(timeout_sec=FLUSH_S)
    recording.disconnect()


def frustum_lines(map_from_cam: NDArray[np.float64], camera: Camera, depth: float) -> NDArray[np.float64]:
    """Return the outline of what a camera sees, cut off at a depth, as (8, 2, 3) segments in the map.

    Args:
        map_from_cam: (4, 4).
        camera: intrinsics; the lens is taken as ideal.
        depth: in units of the map.
    """
    left, right = -camera.cx / camera.fx, (camera.width - 1 - camera.cx) / camera.fx
    top, bottom = -camera.cy / camera.fy, (camera.height - 1 - camera.cy) / camera.fy
    rays = np.array([(left, top, 1), (right, top, 1), (right, bottom, 1), (left, bottom, 1)])
    corners = depth * rays @ map_from_cam[:3, :3].T + map_from_cam[:3, 3]
    centre = np.broadcast_to(map_from_cam[:3, 3], corners.shape)
    return np.concatenate([np.stack([centre, corners], 1), np.stack([corners, np.roll(corners, -1, 0)], 1)])


def _log_landmarks(rr: Any, recording: Any, opened: Map, labels: list[str], sessions: NDArray[np.int64]) -> None:
    """Show all landmarks by stability, and those of each session in its colour."""
    positions = np.asarray(opened.landmarks.positions)
    finite = np.isfinite(positions).all(axis=1)
    shares = np.clip(np.nan_to_num(np.asarray(opened.landmarks.stability)), 0.0, 1.0)[:, None]
    colours = (UNSTABLE + shares * (STABLE - UNSTABLE)).astype(np.uint8)
    radii = rr.Radius.ui_points(POINT_PX)
    recording.log(
        "map/landmarks/by_stability",
        rr.Points3D(positions[finite], colors=colours[finite], radii=radii),
        static=True,
    )
    first = landmark_sessions(opened, sessions)
    for number, label in enumerate(labels):
        chosen = finite & (first == number)
        points = rr.Points3D(positions[chosen], colors=session_colour(number), radii=radii)
        recording.log(f"map/landmarks/by_session/{label}", points, static=True)


def _reach(poses: NDArray[np.float64]) -> float:
    """Return the depth of a camera's outline, small beside the extent of the cameras at (I, 4, 4) map_from_cam."""
    return max(FRUSTUM_SHARE * float(np.ptp(poses[:, :3, 3], axis=0).max()), SMALLEST_FRUSTUM)


def session_colour(session: int) -> tuple[int, int, int]:
    """Return the colour (R, G, B) of a session's cameras and landmarks."""
    colour = SESSION_COLOURS[session % len(SESSION_COLOURS)]
    return colour if any(colour) else _BLACK_SHOWN


def _blueprint(views: Any) -> Any:
    """Return two views side by side: landmarks by stability, and by session."""
    by_stability = ["+ map/**", "- map/landmarks/by_session/**"]
    by_session = ["+ map/**", "- map/landmarks/by_stability"]
    shown = [
        views.Spatial3DView(origin="map", name=name, contents=contents)
        for name, contents in (("Stability", by_stability), ("Sessions", by_session))
    ]
    return views.Blueprint(views.Tabs(*shown), collapse_panels=True)
