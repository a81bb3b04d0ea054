# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The report of `sfd2 evaluate --html`, with images of matches where a map is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sfd2_ros
from sfd2_lab.reports.look import look_at
from sfd2_lab.reports.report import EvaluationReport, Looked
from sfd2_ros.localization import Localizer
from sfd2_ros.mapping import load_map
from sfd2_ros.tools.localize import extractor_for
from sfd2_ros.tools.options import progress_bar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.evaluation.outcomes import Outcome
    from sfd2_ros.evaluation.queries import Queries


def write_page_of(
    html: Path,
    poses: Path,
    reference: Path,
    estimated: Mapping[str, NDArray[np.float64]],
    queries: Queries,
    *,
    outcomes: Sequence[Outcome],
    map_path: Path | None,
    pictures: int,
    weights: Path | None,
    device: str,
) -> None:
    """Write the report of one evaluation.

    Args:
        html: file to write; an older one is replaced.
        poses: file that is evaluated.
        reference: scene folder with the reference poses.
        estimated: (4, 4) cam_from_map by image name.
        queries: with their reference poses.
        outcomes: of all images.
        map_path: map in which some images are localized again, for images of their matches; None: no images.
        pictures: how many to draw at the most.
        weights: of the network; None for the shipped ones.
        device: torch device.
    """
    looked = Looked()
    if map_path is not None:
        map_ = load_map(map_path)
        extractor = extractor_for(map_, weights, device)
        localizer = Localizer(map_, device=str(extractor.device))
        with progress_bar() as progress:
            looked = look_at(reference, outcomes, localizer, extractor, pictures, progress=progress)
    title = f"{poses.name} against {reference.resolve().name}"
    note = f"sfd2_ros {sfd2_ros.__version__}; poses {poses}, reference {reference}."
    EvaluationReport(title, note, estimated, queries.reference, outcomes, looked).write(html)
