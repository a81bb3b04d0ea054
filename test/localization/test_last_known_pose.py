# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A search after tracking failed tries the map images near the last known pose; one that confirms does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sfd2_ros.core.transforms import inverse, rigid
from sfd2_ros.localization import Localizer, RigFrame, Tracker, TrackerConfig, View
from sfd2_ros.mapping import load_map


def test_only_a_search_after_failed_tracking_tries_images_near_the_prediction(random_place: Any) -> None:
    localizer = Localizer(load_map(random_place.map_folder))
    tried: list[Any] = []

    class Recording:
        map, config = localizer.map, localizer.config
        local_search = staticmethod(localizer.local_search)

        def localize_rig(self, views: Any, near: Any = None) -> Any:
            tried.append(near)
            return localizer.localize_rig(views, near=near)

    tracker = Tracker(Recording(), TrackerConfig(verify_every=1))  # type: ignore[arg-type]
    poses = [rigid(np.eye(3), [0.15 * number - 1, 0.1, 0.0]) for number in range(3)]
    seen = [random_place.view(inverse(pose), seed=number) for number, pose in enumerate(poses)]
    blind = replace(seen[2], descriptors=np.roll(seen[2].descriptors, 7, axis=1))
    for number, features in enumerate([seen[0], seen[1], blind]):
        view = View(features, random_place.camera, np.eye(4))
        tracker.process(RigFrame(1_000 + 100_000_000 * number, [view], poses[number]))
    assert [near is None for near in tried] == [True, True, False]
    assert np.linalg.norm(tried[2][:3, 3] - poses[2][:3, 3]) < 0.05
