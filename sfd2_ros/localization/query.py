# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is to be localized: the pictures of one moment, of one camera or of several on one body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.transforms import inverse
from sfd2_ros.geometry.residuals import Observations
from sfd2_ros.localization.pnp import MIN_INLIER_RATIO, project, solve_pnp, solve_rig_pnp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, Features
    from sfd2_ros.localization.hypotheses import LandmarkMatches
    from sfd2_ros.localization.pnp import PnpSolution


@dataclass(frozen=True, eq=False)
class View:
    """One picture.

    Attributes:
        features: of the picture.
        camera: its intrinsics.
        base_from_cam: (4, 4) the optical frame on the body when the picture was taken; the identity where the camera
            itself is to be localized.
    """

    features: Features
    camera: Camera
    base_from_cam: NDArray[np.float64]


class Query:
    """The pictures of one moment, with their keypoints counted through.

    Args:
        views: at least one.

    Attributes:
        views: as given.
        keypoints: (N, 2) pixels, those of the first view first.
        view_of: (N,) which view each keypoint is of.
        cams_from_body: (4, 4) each.
        matched: matches of a view with chosen landmarks that were computed before; see `hypotheses.match_landmarks`.
    """

    def __init__(self, views: Sequence[View]) -> None:
        self.views = tuple(views)
        counts = [len(view.features) for view in self.views]
        self._starts = np.cumsum([0, *counts])
        self.keypoints = np.concatenate([view.features.keypoints for view in self.views])
        self.view_of = np.repeat(np.arange(len(self.views)), counts)
        self.cams_from_body = [inverse(view.base_from_cam) for view in self.views]
        self.matched: dict[tuple[int, bytes], LandmarkMatches] = {}

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def image_area_px(self) -> int:
        """Area of the smallest picture, square pixels."""
        return min(view.camera.width * view.camera.height for view in self.views)

    def counted_through(self, view: int, keypoints: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the indices in this query of keypoints of one view."""
        through: NDArray[np.int64] = keypoints + self._starts[view]
        return through

    def cam_from_map(self, view: int, body_from_map: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pose of a view's camera where the body has a pose (4, 4)."""
        return self.cams_from_body[view] @ body_from_map

    def errors_px(
        self, body_from_map: NDArray[np.float64], keypoints: NDArray[np.int64], positions: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return (M,) distances in pixels between keypoints and landmarks (M, 3); infinite behind the camera."""
        errors = np.linalg.norm(self.projected(body_from_map, keypoints, positions) - self.keypoints[keypoints], axis=1)
        return np.where(np.isfinite(errors), errors, np.inf)

    def projected(
        self, body_from_map: NDArray[np.float64], keypoints: NDArray[np.int64], positions: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return (M, 2) pixels of landmarks (M, 3), each in the view of its keypoint; not finite behind the camera."""
        pixels = np.empty((len(keypoints), 2))
        view_of = self.view_of[keypoints]
        for number, view in enumerate(self.views):
            mine = view_of == number
            pixels[mine] = project(self.cam_from_map(number, body_from_map), positions[mine], view.camera)
        return pixels

    def solve(
        self,
        keypoints: NDArray[np.int64],
        positions: NDArray[np.float64],
        max_error_px: float,
        *,
        min_inlier_ratio: float = MIN_INLIER_RATIO,
    ) -> PnpSolution | None:
        """Find the pose of the body that most matches agree with; see `pnp.solve_pnp`, `pnp.solve_rig_pnp`."""
        pixels, view_of = self.keypoints[keypoints], self.view_of[keypoints]
        seeing = np.unique(view_of)
        if len(seeing) > 1:
            cameras = [view.camera for view in self.views]
            return solve_rig_pnp(
                pixels,
                positions,
                view_of,
                cameras=cameras,
                cams_from_body=self.cams_from_body,
                max_error_px=max_error_px,
                min_inlier_ratio=min_inlier_ratio,
            )
        if len(seeing) == 0:
            return None
        # One camera alone, or the only one that sees anything: the solver for one centre is exact there.
        only = int(seeing[0])
        camera = self.views[only].camera
        found = solve_pnp(pixels, positions, camera, max_error_px=max_error_px, min_inlier_ratio=min_inlier_ratio)
        return None if found is None else found.moved(inverse(self.cams_from_body[only]))

    def observed(
        self,
        keypoints: NDArray[np.int64],
        positions: NDArray[np.float64],
        covariances: NDArray[np.float64],
        sigma_px: float,
    ) -> list[Observations]:
        """Return what refinement needs, by view: keypoints (M,), and of their landmarks (M, 3) and (M, 3, 3)."""
        view_of = self.view_of[keypoints]
        gathered = []
        for number, view in enumerate(self.views):
            mine = view_of == number
            gathered.append(
                Observations(
                    keypoints=self.keypoints[keypoints[mine]],
                    positions=positions[mine],
                    covariances=covariances[mine],
                    camera=view.camera,
                    sigma_px=sigma_px,
                    cam_from_body=self.cams_from_body[number],
                )
            )
        return gathered
