# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The result of a frame as a LocalizationStatus message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.msg import GateValue, LocalizationStatus

if TYPE_CHECKING:
    from std_msgs.msg import Header

    from sfd2_ros.core import types
    from sfd2_ros.ros.frame_localizer import FrameResult


def status_message(header: Header, frame: FrameResult) -> LocalizationStatus:
    """Make the status of a frame; latency and counters are left to the caller."""
    evidence = frame.result.evidence
    return LocalizationStatus(
        header=header,
        state=int(frame.state),
        status=frame.result.status.value,
        reason=frame.result.reason,
        method=evidence.method,
        camera_frame=frame.camera_frames[0],
        camera_frames=list(frame.camera_frames),
        num_keypoints=evidence.num_keypoints,
        num_matches=evidence.num_matches,
        num_guided=evidence.num_guided,
        num_inliers=evidence.num_inliers,
        reprojection_error_px=float(evidence.reprojection_error_px),
        spread=float(evidence.spread),
        log10_false_alarms=float(evidence.log10_false_alarms),
        mean_log_likelihood_ratio=float(evidence.mean_log_likelihood_ratio),
        distinct_share=float(evidence.distinct_share),
        position_stddev_m=float(evidence.position_std_m),
        rotation_stddev_rad=float(evidence.rotation_std_rad),
        jump=float(evidence.jump),
        gates=[gate_message(gate) for gate in evidence.gates],
        candidates=list(evidence.candidates),
        step_names=list(frame.steps),
        step_seconds=[float(seconds) for seconds in frame.steps.values()],
    )


def gate_message(gate: types.GateValue) -> GateValue:
    """Make the message of one gate."""
    return GateValue(
        name=gate.name,
        status=gate.status.value,
        value=float(gate.value),
        limit=float(gate.limit),
        at_least=gate.at_least,
        is_passed=gate.is_passed,
        unit=gate.unit,
    )
