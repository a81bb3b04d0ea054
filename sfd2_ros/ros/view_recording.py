# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the view shows, as a recording of rerun: into a .rrd file, to a viewer, or both."""

from __future__ import annotations

import importlib
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

APPLICATION = "sfd2_ros"
TIMELINE = "stamp"
TRAIL_LENGTH = 2000
"""Positions in the trail; more cost the viewer more than they show."""

FLUSH_S = 5.0
POINT_PX = 1.5
"""Radius of a landmark on the screen: in metres it would be nothing in a large map and hide a small one. Not tuned."""
_INLIER_PX = 2.5
"""Larger than a landmark, as it lies on one. Not tuned."""
AXES_M = 1.0
ORANGE, GREEN, FAINT_GREEN = (255, 153, 26), (51, 230, 77), (51, 230, 77, 60)
UNSTABLE, STABLE = np.array([190.0, 80.0, 40.0]), np.array([60.0, 190.0, 220.0])


def rerun_modules() -> tuple[Any, Any]:
    """Return the modules rerun and rerun.blueprint.

    Raises:
        DependencyError: rerun is not installed.
    """
    try:
        return importlib.import_module("rerun"), importlib.import_module("rerun.blueprint")
    except ImportError as err:
        raise DependencyError(
            f"the view needs rerun-sdk ({err}): pip install 'rerun-sdk>=0.41,<0.42', for Python 3.11 and "
            "numpy 2 or newer"
        ) from err


class ViewRecording:
    """Takes plain values and never fails on one that is not finite: it is left out.

    Args:
        save: .rrd file to write; None for none.
        viewer: address of a viewer's server; empty for none.

    Raises:
        DependencyError: rerun is not installed.
    """

    def __init__(self, *, save: Path | None, viewer: str) -> None:
        self._rr, self._views = rerun_modules()
        self._recording = self._rr.RecordingStream(APPLICATION)
        sinks = [self._rr.FileSink(str(save))] if save is not None else []
        sinks += [self._rr.GrpcSink(viewer)] if viewer else []
        self._recording.set_sinks(*sinks, default_blueprint=self._blueprint())
        self._trail: deque[NDArray[np.float64]] = deque(maxlen=TRAIL_LENGTH)
        self._log("map", self._rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        axes = self._rr.Arrows3D(vectors=AXES_M * np.eye(3), colors=255 * np.eye(3, dtype=np.uint8))
        self._log("map/base_link/axes", axes, static=True)

    def set_time(self, stamp_ns: int) -> None:
        """Date what is logged next."""
        self._recording.set_time(TIMELINE, timestamp=np.datetime64(stamp_ns, "ns"))

    def log_map(self, positions: NDArray[np.float64], stability: NDArray[np.float64]) -> None:
        """Show the landmarks, (L, 3) and (L,); a new map begins a new trail."""
        finite = np.isfinite(positions).all(axis=1)
        shares = np.clip(np.nan_to_num(stability[finite]), 0.0, 1.0)[:, None]
        colors = (UNSTABLE + shares * (STABLE - UNSTABLE)).astype(np.uint8)
        radii = self._rr.Radius.ui_points(POINT_PX)
        self._log("map/landmarks", self._rr.Points3D(positions[finite], colors=colors, radii=radii), static=True)
        self._trail.clear()

    def log_pose(self, map_from_base: NDArray[np.float64]) -> None:
        """Show where the robot is, (4, 4), and where it was."""
        if not np.isfinite(map_from_base).all():
            return
        translation, rotation = map_from_base[:3, 3], map_from_base[:3, :3]
        self._log("map/base_link", self._rr.Transform3D(translation=translation, mat3x3=rotation))
        self._trail.append(translation)
        self._log("map/trail", self._rr.LineStrips3D([np.array(self._trail)], colors=ORANGE))

    def log_cameras(self, frustums: Sequence[NDArray[np.float64]]) -> None:
        """Show what the cameras see, each an array of line segments (N, 2, 3)."""
        self._log("map/cameras", self._rr.LineStrips3D(_finite(frustums), colors=ORANGE))

    def log_inliers(self, positions: NDArray[np.float64], lines: NDArray[np.float64]) -> None:
        """Show the landmarks that agree with the pose, (N, 3), and the lines of sight to them, (M, 2, 3)."""
        kept = positions[np.isfinite(positions).all(axis=1)]
        self._log("map/inliers", self._rr.Points3D(kept, colors=GREEN, radii=self._rr.Radius.ui_points(_INLIER_PX)))
        self._log("map/matches", self._rr.LineStrips3D(_finite([lines]), colors=FAINT_GREEN))

    def log_image(self, jpeg: bytes) -> None:
        """Show an image with its keypoints."""
        self._log("keypoints", self._rr.EncodedImage(contents=jpeg, media_type="image/jpeg"))

    def log_status(self, state: str, status: str, reason: str, values: Mapping[str, float]) -> None:
        """Show what became of a frame: words, and numbers over time."""
        level = "INFO" if status == "localized" else "WARN"
        self._log("status", self._rr.TextLog(f"{state}, {status}: {reason}", level=level))
        for name, value in values.items():
            if np.isfinite(value):
                self._log(f"plots/{name}", self._rr.Scalars(float(value)))

    def close(self) -> None:
        """Write what is left, and end."""
        self._recording.flush(timeout_sec=FLUSH_S)
        self._recording.disconnect()

    def _log(self, entity: str, value: Any, *, static: bool = False) -> None:
        self._recording.log(entity, value, static=static)

    def _blueprint(self) -> Any:
        """Return what stands where: the map beside the image, plots and words below."""
        views = self._views
        above = views.Horizontal(
            views.Spatial3DView(origin="map", name="Map"), views.Spatial2DView(origin="keypoints", name="Keypoints")
        )
        plots = [
            views.TimeSeriesView(name=name, contents=[f"plots/{each}" for each in shown])
            for name, shown in (
                ("Matches", ("keypoints", "matches", "inliers")),
                ("Latency", ("latency_s",)),
                ("Error", ("error_px", "stddev_m", "stddev_deg")),
            )
        ]
        below = views.Horizontal(*plots, views.TextLogView(origin="status", name="Status"))
        return views.Blueprint(views.Vertical(above, below, row_shares=[3, 2]), collapse_panels=True)


def _finite(strips: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the line segments of all arrays that are finite, (N, 2, 3)."""
    segments = np.concatenate([np.zeros((0, 2, 3)), *strips])
    finite: NDArray[np.float64] = segments[np.isfinite(segments).all(axis=(1, 2))]
    return finite
