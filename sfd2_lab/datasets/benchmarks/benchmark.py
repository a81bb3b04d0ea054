# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A benchmark, read from its folders: what is known, what is asked, what is public of the answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera, PosedImage


@dataclass(frozen=True)
class Query:
    """An image that is to be localized.

    Attributes:
        name: path below the part's folder of queries.
        camera: its intrinsics.
        condition: under which it was taken, as the benchmark calls it.
        submitted: its name in a submission file; None when it is not to be submitted.
        view: which camera of a car took it; only references of that view are tried. "" for any.
    """

    name: str
    camera: Camera
    condition: str
    submitted: str | None
    view: str = ""


@dataclass(frozen=True, eq=False)
class Part:
    """A place of its own: one map, and the queries that are known to have been taken there.

    Attributes:
        name: of the place, fit for a folder's name.
        references: images with poses.
        reference_folder: what their names are relative to.
        queries: images without.
        query_folder: what their names are relative to.
        views: which camera of a car took each reference, by name; missing ones are "".
    """

    name: str
    references: tuple[PosedImage, ...] = field(repr=False)
    reference_folder: Path
    queries: tuple[Query, ...] = field(repr=False)
    query_folder: Path
    views: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class SubmissionRules:
    """What the evaluation server takes.

    Attributes:
        file_prefix: of the file's name; the name of the method follows.
        name_pattern: regular expression of an image's name.
        name_meaning: the same in words.
    """

    file_prefix: str
    name_pattern: str
    name_meaning: str


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A data set, checked and read.

    Attributes:
        name: as the command takes it.
        parts: places.
        truth: public cam_from_map of queries by name, for scores.
        groups: for the table, names of groups and the conditions in each, in the order of the published tables.
        rules: of the submission.
        published: name of the table of published results.
        is_miniature: whether this is a simulated copy, whose figures say nothing about the real data set.
    """

    name: str
    parts: tuple[Part, ...]
    truth: dict[str, NDArray[np.float64]] = field(repr=False)
    groups: Mapping[str, tuple[str, ...]]
    rules: SubmissionRules
    published: str
    is_miniature: bool

    @property
    def queries(self) -> list[Query]:
        """All queries of all parts."""
        return [query for part in self.parts for query in part.queries]

    @property
    def submitted_names(self) -> list[str]:
        """Names of all queries that are to be submitted."""
        return [query.submitted for query in self.queries if query.submitted is not None]
