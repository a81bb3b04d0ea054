# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a download, collected and listed at once, before hours of work."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import CameraError, DatasetError, SceneError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_MOST_NAMED = 5


class Problems:
    """Gathers what is wrong with a folder."""

    def __init__(self, path: Path) -> None:
        """Start with none.

        Args:
            path: of the folder that is looked at; named in the error.
        """
        self._path = path
        self.found: list[str] = []

    def add(self, problem: str) -> None:
        """Note one problem: what, which value, what is allowed."""
        self.found.append(problem)

    def add_files(self, kind: str, names: Sequence[str], remedy: str) -> None:
        """Note files that share a problem, if there are any."""
        if names:
            self.add(f"{len(names)} {kind}: {some(names)}; {remedy}")

    @contextlib.contextmanager
    def gathered(self) -> Iterator[None]:
        """Note what the block raises instead of passing it on."""
        try:
            yield
        except (DatasetError, CameraError, SceneError) as err:
            self.add(str(err))

    def raise_any(self) -> None:
        """Raise all problems in one error.

        Raises:
            DatasetError: there is at least one.
        """
        if self.found:
            listed = "; ".join(f"({number}) {one}" for number, one in enumerate(self.found, start=1))
            count = "1 problem" if len(self.found) == 1 else f"{len(self.found)} problems"
            raise DatasetError(f"{str(self._path)!r} has {count}: {listed}")


def some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown}, ... and {len(names) - _MOST_NAMED} more"


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file without their ends; empty ones are left out.

    Raises:
        DatasetError: it is missing or no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else "it is no text"
        raise DatasetError(f"{str(path)!r} cannot be read: {reason}; copy it again from the data set") from err
    return [line.strip() for line in text.split("\n") if line.strip()]


def numbers_in(line: str, count: int, where: str, separator: str | None = None) -> list[float]:
    """Return the numbers of a line.

    Raises:
        DatasetError: there are more or fewer, or one is no number.
    """
    try:
        values = [float(part) for part in line.split(separator)]
    except ValueError as err:
        raise DatasetError(f"{where}: {err}; {count} numbers are needed; is the file cut?") from err
    if len(values) != count:
        raise DatasetError(f"{where} has {len(values)} numbers, {count} are needed; is the file cut?")
    return values
