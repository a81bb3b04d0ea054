# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a map has kept of its images: the keypoints that saw landmarks, as features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.types import Features

if TYPE_CHECKING:
    from sfd2_ros.mapping.map_store import Map


def observed_features(map_: Map) -> list[Features]:
    """Return the features of each image of a map, in its order, as far as the map has kept them.

    A keypoint has the descriptor and the stability of its landmark, which are means over all images that saw it.
    """
    observed = []
    for index, image in enumerate(map_.images):
        rows = np.asarray(map_.landmarks.seen_by(index), np.int64)
        stability = np.asarray(map_.landmarks.stability[rows], np.float32)
        observed.append(
            Features(
                keypoints=map_.landmarks.keypoints_of(index),
                scores=stability.copy(),
                stability=stability,
                descriptors=map_.landmarks.descriptors[rows],
                image_size=(image.camera.height, image.camera.width),
                weights_id=map_.weights_id,
            )
        )
    return observed
