# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Debts of the pages: words, length, tables of figures. Reports are history and stay as they were measured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from words import words_to_replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINES = 200
MAX_WIDTH = 120
"""Of a line of prose: a page of few long lines is no shorter."""
MAX_TABLES = 1
RESULTS = "docs/results.md"
"""The home of current figures, so it may have tables of figures."""


def pages(root: Path) -> list[Path]:
    """Return the manual pages."""
    return [root / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + sorted(root.glob("docs/*.md"))


def words_in_pages(root: Path) -> Iterator[str]:
    """Yield words to replace in the prose of the pages; code is left out."""
    for page in pages(root):
        text = page.read_text("utf-8")
        prose = re.sub(r"```.*?```|`[^`\n]+`|\]\([^)]*\)", _blank, text, flags=re.DOTALL)
        prose = re.sub(r"^ {4}.*$", _blank, prose, flags=re.MULTILINE)
        for offset, problem in words_to_replace(prose):
            yield f"{page.relative_to(root)}:{prose.count(chr(10), 0, offset) + 1}: {problem}"


def _blank(found: re.Match[str]) -> str:
    """Return as many lines as a match has, so that line numbers stay."""
    return re.sub(r"[^\n]", " ", found.group())


def long_pages(root: Path) -> Iterator[str]:
    """Yield pages that are too long, and lines of prose that are too wide."""
    for page in pages(root):
        lines = page.read_text("utf-8").splitlines()
        if len(lines) > MAX_LINES:
            yield f"{page.relative_to(root)}: {len(lines)} lines, {MAX_LINES} are allowed; move tables to docs/reports/"
        for number, line in enumerate(lines, 1):
            is_prose = not line.startswith(("|", "    ", "!["))
            if is_prose and len(line) > MAX_WIDTH:
                yield f"{page.relative_to(root)}:{number}: {len(line)} characters, {MAX_WIDTH} are allowed"


def tables_of_figures(root: Path) -> Iterator[str]:
    """Yield pages with more than one table whose cells are mostly figures."""
    for page in pages(root):
        name = page.relative_to(root).as_posix()
        tables = re.findall(r"(?:^\|.*\n)+", page.read_text("utf-8"), re.MULTILINE)
        figures = sum(is_of_figures(table) for table in tables)
        if figures > MAX_TABLES and name != RESULTS:
            yield f"{name}: {figures} tables of figures, {MAX_TABLES} is allowed; move them to docs/reports/"


def is_of_figures(table: str) -> bool:
    """Return whether at least half of the cells right of the first column begin with a number."""
    rows = [line.strip("|").split("|")[1:] for line in table.splitlines()[2:]]
    cells = [cell.strip(" *") for row in rows for cell in row if cell.strip()]
    return bool(cells) and 2 * sum(bool(re.match(r"[-+]?\d", cell)) for cell in cells) >= len(cells)
