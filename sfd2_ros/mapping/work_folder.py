# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The folder that COLMAP's database lies in while a map is built."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CANNOT_WRITE = ("database or disk is full", "disk I/O error", "No registered database factory succeeded")
"""Texts of SQLITE_FULL and SQLITE_IOERR, and COLMAP's own of a new database: all that COLMAP passes on."""


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """Yield an empty folder that is removed at the end.

    Raises:
        OutputError: COLMAP cannot write its database there.
    """
    with tempfile.TemporaryDirectory(prefix="sfd2_map_") as folder:
        try:
            yield Path(folder)
        except RuntimeError as err:
            if not any(text in str(err) for text in _CANNOT_WRITE):
                raise
            raise OutputError(
                f"cannot write temporary files in {tempfile.gettempdir()!r}: is the disk full? Free some space, or "
                "name another folder by the environment variable TMPDIR"
            ) from err
