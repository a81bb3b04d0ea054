# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a long trial has found so far, so that one that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sfd2_lab
import sfd2_ros
from sfd2_ros.core.files import atomic_file

if TYPE_CHECKING:
    from collections.abc import Mapping


class Journal:
    """Answers by key, a line of JSON each.

    Args:
        path: of the file; its folder is made when missing.
        header: what the answers depend on. A journal with another one is begun again.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._path = path
        first = json.dumps(header, sort_keys=True)
        self._answers = _read(path, first)
        lines = [first, *(json.dumps(pair) for pair in self._answers.items())]
        with atomic_file(path) as temporary:  # without a line that was cut, which the next one would be written onto
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: str) -> Any:
        """Return the answer of a key, or None."""
        return self._answers.get(key)

    def put(self, key: str, answer: Any) -> None:
        """Write an answer down; it is in the file when this returns."""
        self._answers[key] = answer
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps([key, answer]) + "\n")

    def finish(self) -> None:
        """Remove the file: the next trial begins again."""
        self._path.unlink(missing_ok=True)


def code_digest(*parts: str) -> str:
    """Return a digest of the source of parts of this package: answers of other code are not gone on with."""
    roots = [Path(sfd2_ros.__file__).parent, Path(sfd2_lab.__file__).parent]
    digest = hashlib.sha256()
    for folder in (root / part for part in parts for root in roots):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(path: Path, first: str) -> dict[str, Any]:
    """Return the answers of a file with that first line; its last line may have been cut."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    if lines[0] != first:
        return {}
    whole = lines[1:-1]  # what follows the last line break is nothing, or a line that was cut
    return dict(json.loads(line) for line in whole)
