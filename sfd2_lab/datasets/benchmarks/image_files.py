# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether all images of a benchmark are there, whole, and of their camera's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_lab.datasets.image_file import size_or_damage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sfd2_lab.datasets.problems import Problems
    from sfd2_ros.core.types import Camera

_AGAIN = "unpack or download them again"


def check_images(folder: Path, images: Iterable[tuple[str, Camera]], kind: str, problems: Problems) -> None:
    """Note images that are missing, damaged, or of another size than their camera.

    Args:
        folder: what the names are relative to.
        images: names and intrinsics.
        kind: what to call them.
        problems: where to note them.
    """
    missing, damaged, others = [], [], []
    for name, camera in images:
        path = folder / name
        if not path.is_file():
            missing.append(name)
            continue
        size = size_or_damage(path)
        if isinstance(size, str):
            damaged.append(f"{name} {size}")
        elif size != (camera.width, camera.height):
            others.append(f"{name} {size[0]}x{size[1]} instead of {camera.width}x{camera.height}")
    problems.add_files(f"{kind} are missing in {folder.name}/", missing, _AGAIN)
    problems.add_files(f"{kind} are damaged", damaged, _AGAIN)
    problems.add_files(f"{kind} have another size than their camera", others, _AGAIN)
