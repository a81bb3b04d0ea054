# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What became of a frame, as a LocalizationStatus message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.msg import LocalizationStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from std_msgs.msg import Header

    from sfd2_ros.ros.frame_localizer import FrameResult


def status_message(header: Header, result: FrameResult) -> LocalizationStatus:
    """Make the status of a frame; latency and counters are left to the caller."""
    evidence = result.evidence
    covariance = None if result.fix is None else result.fix.base.covariance
    return LocalizationStatus(
        header=header,
        state=int(result.state),
        status=result.status.value,
        reason=result.reason,
        method=result.method,
        camera_frame=result.camera_frames[0],
        camera_frames=list(result.camera_frames),
        num_keypoints=evidence.num_keypoints,
        num_matches=evidence.num_matches,
        num_inliers=evidence.num_inliers,
        reprojection_error_px=float(evidence.reprojection_error_px),
        spread=float(evidence.spread),
        log10_false_alarms=float(evidence.log10_false_alarms),
        position_stddev_m=_largest_stddev(covariance, slice(0, 3)),
        jump=float(result.jump),
        rotation_stddev_rad=_largest_stddev(covariance, slice(3, 6)),
        candidates=list(evidence.candidates),
        step_names=list(result.steps),
        step_seconds=[float(seconds) for seconds in result.steps.values()],
    )


def _largest_stddev(covariance: NDArray[np.float64] | None, axes: slice) -> float:
    """Return the standard deviation along the axis, any axis, where it is largest; NaN without covariance."""
    if covariance is None:
        return float("nan")
    return float(np.sqrt(max(np.linalg.eigvalsh(covariance[axes, axes])[-1], 0.0)))
