# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Looks at some images of an evaluation again: what their keypoints lie on, and what they matched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.reports.keypoint_classes import read_labels, share_by_class
from sfd2_lab.reports.match_pictures import MatchPicture, choose_for_pictures, picture_of
from sfd2_lab.reports.report import Looked
from sfd2_ros.core.errors import ImageError
from sfd2_ros.evaluation.scene_truth import read_scene_truth
from sfd2_ros.features.images import read_image
from sfd2_ros.mapping.match_images import silent
from sfd2_ros.mapping.scene import load_scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Features
    from sfd2_ros.evaluation.outcomes import Outcome
    from sfd2_ros.localization import Localizer
    from sfd2_ros.mapping.match_images import FeatureExtractor, Progress

COUNTED_IMAGES = 24


def look_at(
    scene_folder: Path,
    outcomes: Sequence[Outcome],
    localizer: Localizer,
    extractor: FeatureExtractor,
    pictures: int,
    *,
    progress: Progress = silent,
) -> Looked:
    """Extract some images again, count what keypoints lie on, and draw what the most telling ones matched.

    Args:
        scene_folder: of the images, with `labels/` where classes are known.
        outcomes: of all images.
        localizer: of the map.
        extractor: with the weights of the map.
        pictures: how many to draw at the most.
        progress: called with step, done and total.
    """
    scene = load_scene(scene_folder)
    drawn = choose_for_pictures(outcomes, pictures)
    evenly = list(outcomes[:: max(1, -(-len(outcomes) // COUNTED_IMAGES))])
    looked_at = list(dict.fromkeys([*drawn, *(one for one in evenly if not one.is_foreign)]))
    counted: list[tuple[Features, NDArray[np.uint8] | None]] = []
    made: list[MatchPicture] = []
    for number, one in enumerate(looked_at):
        progress("look", number, len(looked_at))
        try:
            image = read_image(scene.image_folder / one.name)
        except ImageError:  # localize has refused it, and said so
            continue
        features = extractor(image)
        if one in evenly and not one.is_foreign:
            counted.append((features, read_labels(scene_folder, one.name)))
        if one in drawn:
            estimate = localizer.localize(features, scene.camera_of(one.name))
            picture = picture_of(image, features, estimate, localizer.map, scene.image_folder)
            made.append(MatchPicture(_caption(one), picture))
    return Looked(share_by_class(counted, read_scene_truth(scene_folder).classes), made, len(counted))


def _caption(outcome: Outcome) -> str:
    where = f"{outcome.name} ({outcome.condition})"
    if outcome.position_m is None or outcome.rotation_deg is None:
        kind = "another place" if outcome.is_foreign else "no pose"
        return f"{where}: {kind}, {outcome.status}"
    error = f"{outcome.position_m:.3f} m, {outcome.rotation_deg:.2f}°"
    return f"{where}: {outcome.inliers or 'unknown'} inliers, {error} off"
