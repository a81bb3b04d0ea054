# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a miniature copy says of itself: that it is one, the size of its images, and the truth about its queries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sfd2_ros.core.errors import DatasetError
from sfd2_ros.mapping.colmap_io import pose_from_wxyz, wxyz_from_pose

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

MARKER = "mini.json"
"""Every miniature copy has this file: its truth, and the sign that the folder may be replaced."""


def write_miniature_file(
    folder: Path, layout: str, size: tuple[int, int], truth: Mapping[str, NDArray[np.float64]]
) -> None:
    """Write mini.json.

    Args:
        folder: of the copy.
        layout: name of the data set that is copied.
        size: (w, h) of all images.
        truth: cam_from_world of the queries by name.
    """
    content = {"as": layout, "size": list(size), "truth": {name: wxyz_from_pose(pose) for name, pose in truth.items()}}
    (folder / MARKER).write_text(json.dumps(content), encoding="utf-8")


def read_miniature_truth(root: Path) -> dict[str, NDArray[np.float64]]:
    """Return cam_from_world of the queries of a miniature copy by name; nothing for the real data set."""
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
