# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the matches of an image contradict the intrinsics in camera_info.

Measured on distinct matches that were made without a known pose: those near a pose fit the intrinsics it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.localization.focal import fit_focal
from sfd2_ros.localization.intrinsics_fit import fit_intrinsics, focal_length_px
from sfd2_ros.localization.measure import observed_in
from sfd2_ros.localization.principal_point import fit_centre

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sfd2_ros.geometry.residuals import Observations
    from sfd2_ros.localization.config import LocalizerConfig
    from sfd2_ros.localization.context import MapContext
    from sfd2_ros.localization.hypotheses import Hypothesis
    from sfd2_ros.localization.query import Query
    from sfd2_ros.localization.trace import Trace

_CALIBRATE = "calibrate the camera, and scale or crop camera_info together with the image"


@dataclass(frozen=True)
class IntrinsicsErrors:
    """Errors of the nominal intrinsics of one camera that its matches prove.

    Attributes:
        focal: of the focal length, as a fraction; 0 where none is proven.
        centre: of the principal point, as a fraction of the focal length; 0 where none is proven.
        sentences: what the matches fit, by the name of the gate.
    """

    focal: float
    centre: float
    sentences: dict[str, str]


def note_intrinsics(best: Hypothesis, query: Query, context: MapContext, trace: Trace) -> None:
    """Add to the evidence by how much the distinct ones among matches prove the intrinsics of a camera wrong."""
    errors = [
        _errors(view, view.cam_from_body @ best.body_from_map, context.config)
        for view in observed_in(query, context, best.matches.where(best.matches.is_distinct))
    ]
    limits = context.config.gates
    wrong = (each for each in errors if each.focal > limits.max_focal_error or each.centre > limits.max_centre_error)
    # The first camera that is wrong is named; where none is, the largest errors are published.
    named = next(wrong, None)
    trace.note(
        focal_error=named.focal if named else max(each.focal for each in errors),
        centre_error=named.centre if named else max(each.centre for each in errors),
    )
    trace.sentences.update(named.sentences if named else {})


def _errors(view: Observations, cam_from_map: NDArray[np.float64], config: LocalizerConfig) -> IntrinsicsErrors:
    """Return the errors that a camera's matches prove."""
    camera, reach_px, limits = view.camera, config.matching.max_error_px, config.gates
    nominal = fit_intrinsics(view, cam_from_map, max_error_px=reach_px)
    if nominal is None:
        return IntrinsicsErrors(0.0, 0.0, {})
    focal_error = centre_error = 0.0
    sentences = {}
    focal = fit_focal(view, nominal, max_error_px=reach_px)
    if focal and focal.num_inliers >= limits.min_inliers and focal.contradicts(0.0):
        focal_error, nominal_px = float(np.expm1(abs(np.log(focal.scale)))), focal_length_px(camera)
        sentences["focal_length"] = (
            f"the matches fit a focal length of {nominal_px * focal.scale:.0f} px, camera_info has "
            f"{nominal_px:.0f} px; {_CALIBRATE}"
        )
    centre = fit_centre(view, cam_from_map, nominal, max_error_px=reach_px)
    if centre and centre.num_inliers >= limits.min_inliers and centre.contradicts(0.0):
        centre_error = centre.share
        x, y = camera.cx + centre.shift_px[0], camera.cy + centre.shift_px[1]
        sentences["principal_point"] = (
            f"the matches fit a principal point at ({x:.0f}, {y:.0f}) px, camera_info has ({camera.cx:.0f}, "
            f"{camera.cy:.0f}) px; {_CALIBRATE}"
        )
    if focal_error > limits.max_focal_error and centre_error > limits.max_centre_error and focal and centre:
        # One wrong intrinsic pulls the other along: only the one that makes the matches likelier is reported.
        focal_error, centre_error = (focal_error, 0.0) if focal.gain >= centre.gain else (0.0, centre_error)
    return IntrinsicsErrors(focal_error, centre_error, sentences)
