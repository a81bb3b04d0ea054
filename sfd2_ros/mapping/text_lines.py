# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lines of the text files of a COLMAP model, and numbers in them; every error names file and line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_ros.core.errors import SceneError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LARGEST_ID = 2**32 - 2
"""COLMAP numbers cameras and images by 32 bits; the largest number means none."""
LARGEST_POINT_ID = 2**64 - 2
"""COLMAP numbers points by 64 bits; the largest number means none."""


@dataclass(frozen=True)
class Line:
    """A line of a text file.

    Attributes:
        path: of the file.
        number: of the line, counted from 1.
        text: without the spaces around it.
    """

    path: Path
    number: int
    text: str

    @property
    def fields(self) -> list[str]:
        """The parts between spaces."""
        return self.text.split()

    def error(self, problem: str) -> SceneError:
        """Return an error that names file and line."""
        return SceneError(f"{str(self.path)!r}, line {self.number}: {problem}")

    def number_in(self, field: str, name: str) -> float:
        """Return a field as a finite number.

        Raises:
            SceneError: it is none.
        """
        try:
            value = float("none" if "_" in field else field)
        except ValueError:
            if "," in field:
                raise self.error(f"{name} {field!r} has a decimal comma; write a decimal point") from None
            raise self.error(f"{name} {field!r} is no number") from None
        if not math.isfinite(value):
            raise self.error(f"{name} is {field}; a finite number is needed")
        return value

    def whole_number_in(self, field: str, name: str, largest: int = LARGEST_ID) -> int:
        """Return a field as a whole number of at least 0.

        Raises:
            SceneError: it is none, or too large.
        """
        if not (field.isascii() and field.removeprefix("-").isdigit()) or not 0 <= int(field) <= largest:
            raise self.error(f"{name} {field!r} is no whole number from 0 to {largest}")
        return int(field)

    def numbers_in(self, fields: list[str], name: str) -> NDArray[np.float64]:
        """Return fields as finite numbers.

        Raises:
            SceneError: one of them is none.
        """
        try:
            values = np.array(fields, np.float64)
        except ValueError:
            values = np.array([np.nan])
        if "_" in self.text or not np.all(np.isfinite(values)):
            return np.array([self.number_in(field, name) for field in fields])
        return values


def read_lines(path: Path) -> list[Line]:
    """Return the lines of a text file; a byte order mark is dropped, and lines may end in CR, LF or both.

    Raises:
        SceneError: the file cannot be read, is not in UTF-8, or holds zero bytes.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as err:
        raise SceneError(f"{str(path)!r} cannot be read: {err.strerror or err}") from err
    except UnicodeDecodeError as err:
        number = content[: err.start].count(b"\n") + 1
        raise SceneError(f"{str(path)!r}, line {number}: not in UTF-8 ({err.reason}); save the file in UTF-8") from err
    if "\0" in text:
        raise SceneError(f"{str(path)!r} holds zero bytes; is it in UTF-16? Save the file in UTF-8")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [Line(path, number, line.strip()) for number, line in enumerate(lines, start=1)]


def entries_of(lines: list[Line]) -> list[Line]:
    """Return the lines that are neither empty nor comments."""
    return [line for line in lines if line.text and not line.text.startswith("#")]


def check_new(line: Line, number: int | str, name: str, seen: dict[Any, Line]) -> None:
    """Check that a number or a name stands for the first time, and remember where.

    Raises:
        SceneError: names both lines.
    """
    if number in seen:
        raise line.error(f"{name} {number} stands twice, on lines {seen[number].number} and {line.number}")
    seen[number] = line
