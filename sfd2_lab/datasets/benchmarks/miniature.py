# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a miniature copy of a benchmark records: the size of its images and the ground truth of its queries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sfd2_ros.core.errors import DatasetError
from sfd2_ros.mapping.colmap_io import pose_from_wxyz

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

MARKER = "mini.json"
"""Every miniature copy, made by the tests, has this file with its ground truth."""


def read_miniature_truth(root: Path) -> dict[str, NDArray[np.float64]]:
    """Return cam_from_world (4, 4) of the queries of a miniature copy by name; nothing for the real data set."""
    return {name: pose_from_wxyz(values) for name, values in _read(root).get("truth", {}).items()}


def read_miniature_size(root: Path) -> tuple[int, int] | None:
    """Return (w, h) of the images of a miniature copy; None for the real data set."""
    size = _read(root).get("size")
    return None if size is None else (int(size[0]), int(size[1]))


def _read(root: Path) -> dict[str, Any]:
    path = root / MARKER
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as err:
        raise DatasetError(f"{str(path)!r} cannot be read: {err}; make the miniature copy again") from err
