# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Marks of finished steps, keyed on everything that went into them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Stamp:
    """A file that exists only while a step is finished and holds the key of what it was made from."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> str | None:
        """Return the key of the finished step, or None when it was never finished."""
        try:
            return self.path.read_text("utf-8").strip()
        except OSError:
            return None

    def clear(self) -> None:
        """Say that the step is under way; a step that is interrupted stays so."""
        self.path.unlink(missing_ok=True)

    def write(self, key: str) -> None:
        """Say that the step is finished."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(self.path.name + ".new")
        temporary.write_text(key + "\n", "utf-8")
        temporary.replace(self.path)


def key_of(values: Iterable[str], files: Iterable[Path] = ()) -> str:
    """Return a hash of some strings and of the names and bytes of some files."""
    digest = hashlib.sha256()
    for value in values:
        digest.update(repr(value).encode())
    for path in files:
        digest.update(repr(str(path)).encode() + path.read_bytes())
    return digest.hexdigest()
