# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The report of an evaluation as one HTML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfd2_lab.reports import plots
from sfd2_lab.reports.embedded import draw_svg, jpeg_uri
from sfd2_lab.reports.page import write_page
from sfd2_ros.evaluation.conditions import score_by_condition, score_outcomes
from sfd2_ros.evaluation.table import HEADING, TOTAL, table_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.reports.keypoint_classes import ClassShare
    from sfd2_lab.reports.match_pictures import MatchPicture
    from sfd2_ros.evaluation.conditions import GroupScores
    from sfd2_ros.evaluation.outcomes import Outcome


@dataclass(frozen=True, eq=False)
class Looked:
    """What only the images themselves show; empty where they were not looked at.

    Attributes:
        classes: shares of the keypoints.
        pictures: of matches.
        images: number of images whose keypoints were counted.
    """

    classes: Sequence[ClassShare] = ()
    pictures: Sequence[MatchPicture] = ()
    images: int = 0


@dataclass(frozen=True)
class _Figure:
    source: str
    caption: str


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """Content of a report.

    Attributes:
        title: of the page.
        note: below it: what was scored, with what.
        estimated: cam_from_map by image name.
        reference: cam_from_map by image name.
        outcomes: of queries and foreign images.
        looked: what the images show.
    """

    title: str
    note: str
    estimated: Mapping[str, NDArray[np.float64]]
    reference: Mapping[str, NDArray[np.float64]]
    outcomes: Sequence[Outcome]
    looked: Looked = field(default_factory=Looked)

    def write(self, path: Path) -> None:
        """Write the report as one HTML file that needs nothing from the network.

        Raises:
            OutputError: the folder cannot be written.
        """
        groups = score_by_condition(self.outcomes)
        rows = [table_row(group) for group in [*groups, score_outcomes(self.outcomes, TOTAL)]]
        write_page(
            path,
            "evaluation.html.j2",
            title=self.title,
            note=self.note,
            heading=HEADING,
            rows=rows if len(groups) > 1 else rows[-1:],
            wide=self._wide_plots(),
            plots=self._small_plots(groups),
            pictures=[_Figure(jpeg_uri(one.image), one.caption) for one in self.looked.pictures],
            images=sorted(self.outcomes, key=_badness, reverse=True),
        )

    def _wide_plots(self) -> list[_Figure]:
        drawn = []
        if self.reference:
            source = draw_svg(lambda axes: plots.draw_trajectory(axes, self.estimated, self.reference), 10.5, 3.4)
            drawn.append(_Figure(source, "Cameras from above; a line joins a pose with its reference."))
            source = draw_svg(lambda axes: plots.draw_errors(axes, self.outcomes), 10.5, 3.0)
            drawn.append(
                _Figure(source, "Error in the order of time; crosses on the rim: no pose; dashed: the limits.")
            )
        return drawn

    def _small_plots(self, groups: Sequence[GroupScores]) -> list[_Figure]:
        with_queries = [group for group in groups if group.scores.queries]
        drawn = []
        if with_queries:
            source = draw_svg(lambda axes: plots.draw_recall(axes, with_queries), 5.2, 3.2)
            drawn.append(_Figure(source, "Recall by condition."))
        if any(one.inliers is not None and one.has_pose and not one.is_foreign for one in self.outcomes):
            source = draw_svg(lambda axes: plots.draw_inliers(axes, self.outcomes), 5.2, 3.2)
            drawn.append(_Figure(source, "Inliers of localized queries."))
        if self.looked.classes:
            source = draw_svg(lambda axes: plots.draw_classes(axes, self.looked.classes), 5.2, 3.4)
            drawn.append(_Figure(source, f"What keypoints lie on, in {self.looked.images} images."))
        return drawn


def _badness(outcome: Outcome) -> tuple[int, float]:
    if outcome.is_foreign:
        return (2 if outcome.has_pose else -1), 0.0
    return (1, 0.0) if outcome.position_m is None else (0, outcome.position_m)
