# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Answers to queries, kept as they come: one JSON line each, so that an interruption costs one answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import OutputError
from sfd2_ros.mapping.colmap_io import pose_from_wxyz, wxyz_from_pose

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of a query.

    Attributes:
        status: "localized", the reason of a rejection, or "retrieved": the pose of a reference image, not measured.
        cam_from_map: (4, 4), or None.
        num_inliers: of a measured pose.
        seconds: for features, and for the rest.
    """

    status: str
    cam_from_map: NDArray[np.float64] | None
    num_inliers: int
    seconds: tuple[float, float]


class Answers:
    """The answers of one place, in a file; use it as a context manager.

    Args:
        path: of the file; what it holds already is kept, but for a last line that was cut.

    Raises:
        OutputError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.answers: dict[str, Answer] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        content = path.read_bytes() if path.is_file() else b""
        for number, line in enumerate(content.splitlines(keepends=True), start=1):
            if line.endswith(b"\n"):
                self._read(line, number)
                whole += len(line)
        self._file = path.open("ab")
        self._file.truncate(whole)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, name: str, answer: Answer) -> None:
        """Keep an answer, at once."""
        pose = None if answer.cam_from_map is None else wxyz_from_pose(answer.cam_from_map)
        row = [name, answer.status, pose, answer.num_inliers, [round(value, 4) for value in answer.seconds]]
        line = json.dumps(row).encode() + b"\n"
        self._file.write(line)
        self._file.flush()
        # As it will be read back, so that a resumed run gives the same numbers.
        self._read(line, len(self.answers) + 1)

    def _read(self, line: bytes, number: int) -> None:
        try:
            name, status, pose, inliers, seconds = json.loads(line)
            matrix = None if pose is None else pose_from_wxyz(pose)
            self.answers[str(name)] = Answer(str(status), matrix, int(inliers), (float(seconds[0]), float(seconds[1])))
        except (ValueError, TypeError, LookupError) as err:
            raise OutputError(f"{self._path}:{number} is damaged: {err}; remove the file and run again") from err
