# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How a benchmark is run: our settings, or those that the published results of SFD2 were made with."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfd2_ros.core.config import setting
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.extractor import ExtractorConfig
from sfd2_ros.localization.config import LocalizerConfig
from sfd2_ros.mapping.map_config import MapConfig


@dataclass(frozen=True)
class PaperConfig:
    """Settings of the localization procedure of the released SFD2 code.

    Source: the run scripts of feixue94/sfd2 at f37fe0c, read for their numbers.
    """

    candidates: int = setting(20, "Reference images that are tried one by one.", minimum=1)
    max_error_px: float = setting(12.0, "Largest reprojection error of an inlier, in RANSAC and after.", minimum=0.5)
    covisible: int = setting(20, "Reference images whose landmarks refine a pose.", minimum=1)
    enough_inliers: int = setting(100, "A candidate with as many ends the search.", minimum=4)
    radius_px: float = setting(20.0, "Matches further from their projection are dropped in refinement.", minimum=0.5)
    rank: str = setting("near", "Refining images: those near that look the same way, or by shared landmarks.",
                        choices=("near", "shared"))  # fmt: skip
    rounds: int = setting(5, "Rounds of refinement.", minimum=0)
    min_track: int = setting(3, "Landmarks seen in fewer reference images are not matched.", minimum=2)
    min_matches: int = setting(8, "A candidate with fewer matches or inliers is passed over.", minimum=4)
    min_inliers: int = setting(10, "A pose with fewer is not taken.", minimum=4)


@dataclass(frozen=True)
class Procedure:
    """All settings of a run.

    Attributes:
        name: "ours" or "paper".
        extraction: of features.
        mapping: of the maps.
        localizer: ours, or None.
        paper: those of the paper, or None.
    """

    name: str
    extraction: ExtractorConfig
    mapping: MapConfig = field(default_factory=MapConfig)
    localizer: LocalizerConfig | None = None
    paper: PaperConfig | None = None


_PAPER = {
    "robotcar-seasons": (1600, PaperConfig()),
    "aachen": (1600, PaperConfig(50, 15.0, 50, 10, 30.0, "shared")),
    "cmu": (1024, PaperConfig(10, 15.0, 10, 20, 30.0, "shared")),
}
PROCEDURES = ("ours", "paper")


def procedure_for(name: str, benchmark: str) -> Procedure:
    """Return the settings of a name for a benchmark.

    Raises:
        ConfigError: there are no settings of that name.
    """
    if name not in PROCEDURES:
        raise ConfigError(f"settings are {name!r}; allowed: {', '.join(PROCEDURES)}")
    if name == "ours":
        return Procedure(name, ExtractorConfig(), localizer=LocalizerConfig())
    max_side_px, paper = next(values for key, values in _PAPER.items() if benchmark.startswith(key))
    extraction = ExtractorConfig(
        max_keypoints=4096, max_side_px=max_side_px, score_threshold=0.001, nms_radius_px=4, refinement="none"
    )
    mapping = MapConfig(similar_per_image=20, near_per_image=20)
    return Procedure(name, extraction, mapping, paper=paper)
