# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Print how many tests were skipped, and why; under CI=true, fail when they are too many."""

from __future__ import annotations

import argparse
import collections
import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def skip_reasons(report: Path) -> collections.Counter[str]:
    """Count the reasons of skipped tests in a JUnit report."""
    root = ET.fromstring(report.read_text("utf-8"))  # noqa: S314  our own pytest wrote it
    return collections.Counter(skip.get("message", "no reason") for skip in root.iter("skipped"))


def main() -> int:
    """Return 0, or 1 when CI=true and more tests are skipped than allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("--maximum", type=int, required=True)
    arguments = parser.parse_args()
    if not arguments.report.exists():
        print(f"tests: error: no report at {arguments.report}: pytest did not finish", file=sys.stderr)
        return 1
    reasons = skip_reasons(arguments.report)
    for reason, count in reasons.most_common():
        print(f"skipped {count}: {reason}")
    is_bounded = os.environ.get("CI") == "true"
    bound = f" (at most {arguments.maximum} in CI)" if is_bounded else ""
    print(f"tests skipped: {reasons.total()}{bound}")
    if is_bounded and reasons.total() > arguments.maximum:
        print(f"tests: error: {reasons.total()} skipped, at most {arguments.maximum} may be", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
