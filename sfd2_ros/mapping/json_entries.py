# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Entries of JSON files with poses; every error names the file and the entry."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfd2_ros.core.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REQUIRED = object()


@dataclass(frozen=True)
class Entry:
    """A JSON object in a file.

    Attributes:
        path: of the file.
        name: where it stands in the file, in words.
        values: by key.
    """

    path: Path
    name: str
    values: dict[str, Any]

    def error(self, problem: str) -> SceneError:
        """Return an error that names file and entry."""
        return SceneError(f"{str(self.path)!r}, {self.name}: {problem}")

    def has(self, key: str) -> bool:
        """Return whether there is a value under a key."""
        return self.values.get(key) is not None

    def number(self, key: str, default: Any = _REQUIRED) -> float:
        """Return a finite number.

        Raises:
            SceneError: it is missing, without a default, or no finite number.
        """
        value = self.values.get(key)
        if value is None and default is not _REQUIRED:
            return float(default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.error(f"{key!r} is {value!r}; a finite number is needed")
        return float(value)

    def whole_number(self, key: str) -> int:
        """Return a positive whole number.

        Raises:
            SceneError: it is missing or none.
        """
        value = self.number(key)
        if value < 1 or value != int(value):
            raise self.error(f"{key!r} is {value!r}; a positive whole number is needed")
        return int(value)

    def text(self, key: str, default: Any = _REQUIRED) -> str:
        """Return a text that is not empty.

        Raises:
            SceneError: it is missing, without a default, or no text.
        """
        value = self.values.get(key)
        if value is None and default is not _REQUIRED:
            return str(default)
        if not isinstance(value, str) or not value:
            raise self.error(f"{key!r} is {value!r}; a text is needed")
        return value

    def numbers(self, key: str, count: int) -> list[float]:
        """Return a list of finite numbers, given as rows or as one list.

        Raises:
            SceneError: it is missing, of another length, or has what is no finite number.
        """
        value = self.values.get(key)
        rows = value if isinstance(value, list) else []
        flat = [item for row in rows for item in (row if isinstance(row, list) else [row])]
        if len(flat) != count or not all(type(item) in (int, float) and math.isfinite(item) for item in flat):
            raise self.error(f"{key!r} is {str(value)[:80]}; {count} finite numbers are needed")
        return [float(item) for item in flat]

    def entries(self, key: str) -> Iterator[tuple[str, Entry]]:
        """Yield the objects of an object by their keys.

        Raises:
            SceneError: there is no object, or one of its values is none.
        """
        found = self.values.get(key)
        if not isinstance(found, dict) or not found:
            raise self.error(f"{key!r} is missing or empty; an object of objects is needed")
        for name, values in found.items():
            if not isinstance(values, dict):
                raise self.error(f"{key} {name!r} is {str(values)[:80]}; an object is needed")
            yield name, Entry(self.path, f"{key} {name!r}", values)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        SceneError: it cannot be read or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as err:
        raise SceneError(f"{str(path)!r} cannot be read as JSON: {err}; export it again") from err
