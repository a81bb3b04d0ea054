# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Published results: percent of the queries within (0.25 m, 2 deg) / (0.5 m, 5 deg) / (5 m, 10 deg).

Source: Xue, Budvytis, Cipolla, "SFD2: Semantic-guided Feature Detection and Description", CVPR 2023, tables 2 to 4; for
CMU the README of the released code.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

_TABLES = Path(__file__).resolve().parents[2] / "data" / "published_recall.csv"


@dataclass(frozen=True)
class PublishedRow:
    """What one method was published with.

    Attributes:
        method: name.
        recall: percent at the three thresholds, by group of conditions.
        note: what is to be known of it, or "".
    """

    method: str
    recall: dict[str, tuple[float, float, float]]
    note: str


def published_rows(table: str) -> list[PublishedRow]:
    """Return the rows of a table, in the order of the paper."""
    rows: dict[str, PublishedRow] = {}
    with _TABLES.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            if line["table"] == table:
                row = rows.setdefault(line["method"], PublishedRow(line["method"], {}, line["note"]))
                row.recall[line["group"]] = (float(line["high"]), float(line["medium"]), float(line["coarse"]))
    return list(rows.values())
