# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mend the CMake files of the ROS 2 wheels, which name include folders of the machine that built them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Both are written for one interpreter each, such as /opt/python/cp311-cp311/include/python3.11.
_NUMPY = re.compile(r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/_?core/include")
_PYTHON = re.compile(r"/opt/python/cp\d+-cp\d+/include/python3\.\d+")


def mend_wheels(prefix: Path, *, python_include: str, numpy_include: str) -> int:
    """Point every exported CMake target below `prefix`/share at this machine's include folders.

    Returns:
        The number of files that were changed; none when they had been mended before.
    """
    changed = 0
    for path in sorted((prefix / "share").rglob("*.cmake")):
        text = path.read_bytes().decode(errors="surrogateescape")
        mended = _NUMPY.sub(lambda _: numpy_include, text)
        mended = _PYTHON.sub(lambda _: python_include, mended)
        if mended != text:
            path.write_bytes(mended.encode(errors="surrogateescape"))
            changed += 1
    return changed
