# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Count debts of code and pages that may only fall, and compare them with the record, counts.json.

A count above its record fails: pay the new debt. A count below it fails too, until --lower writes it down; so no count
can rise again unnoticed. Nothing raises a record but an edit of counts.json, which a reviewer sees.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import code_debts
import pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).resolve().parent / "counts.json"
RATCHETS: dict[str, Callable[[Path], Iterator[str]]] = {
    "constants without a reason": code_debts.constants_without_reason,
    "functions of arrays without a shape": code_debts.arrays_without_shape,
    "words in pages": pages.words_in_pages,
    "words in messages": code_debts.words_in_messages,
    "words in docstrings": code_debts.words_in_docstrings,
    "long pages": pages.long_pages,
    "pages with several tables of figures": pages.tables_of_figures,
    "dependencies": code_debts.dependencies,
}
SHOWN = 20
"""Findings that are printed of a count that rose; --list prints all."""


def compare(found: dict[str, list[str]], recorded: dict[str, int]) -> list[str]:
    """Return what is wrong with the counts, one paragraph for each."""
    problems = []
    for name, findings in found.items():
        count, record = len(findings), recorded.get(name, 0)
        if count > record:
            shown = "\n  ".join([*findings[:SHOWN], *(["..."] if count > SHOWN else [])])
            problems.append(f"{name}: {count}, at most {record} are recorded; fix the new ones among\n  {shown}")
        elif count < record:
            problems.append(f"{name}: {count}, fewer than the {record} recorded; run scripts/ratchets --lower")
    return problems


def lowered(found: dict[str, list[str]], recorded: dict[str, int]) -> dict[str, int]:
    """Return the record with every count that fell."""
    return {name: min(len(findings), recorded.get(name, 0)) for name, findings in found.items()}


def main() -> int:
    """Return 0 when every count equals its record, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/ratchets", description=__doc__)
    parser.add_argument("--lower", action="store_true", help="Write counts that fell into the record.")
    parser.add_argument("--list", metavar="NAME", choices=RATCHETS, help="Print all findings of one count.")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(RATCHETS[arguments.list](ROOT)))
        return 0
    found = {name: list(find(ROOT)) for name, find in RATCHETS.items()}
    recorded: dict[str, int] = json.loads(RECORD.read_text("utf-8"))
    if arguments.lower:
        recorded = lowered(found, recorded)
        RECORD.write_text(json.dumps(recorded, indent=2) + "\n", "utf-8")
    problems = compare(found, recorded)
    for problem in problems:
        print(f"ratchets: error: {problem}", file=sys.stderr)
    print(f"ratchets: {', '.join(f'{len(findings)} {name}' for name, findings in found.items())}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
