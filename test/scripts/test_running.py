# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `make test` and `make demo` run things with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASK = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
REPORT = """<testsuites><testsuite>
<testcase name="a"><skipped message="no GPU"/></testcase>
<testcase name="b"><skipped message="no GPU"/></testcase><testcase name="c"/>
</testsuite></testsuites>"""


def test_what_is_run_can_be_interrupted_although_a_script_runs_it_in_the_background(
    skip_without: Callable[[str, str], None],
) -> None:
    if not (ROOT / ".ros" / "setup.bash").exists():
        skip_without("ros", "no .ros/setup.bash (make setup)")
    # Without run.sh the same call says False: what a script starts with & ignores SIGINT.
    plain = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -c '{ASK}' & wait"], capture_output=True, text=True, check=True
    )
    assert plain.stdout == "False\n"
    run = subprocess.run(
        ["bash", "-c", f"'{ROOT}/scripts/run.sh' python3 -c '{ASK}' & wait"], capture_output=True, text=True, check=True
    )
    assert run.stdout == "True\n"


@pytest.mark.parametrize(
    ("in_ci", "maximum", "code"), [("true", "2", 0), ("true", "1", 1), ("", "1", 0), ("true", "0", 1)]
)
def test_skips_are_counted_and_bounded_in_ci(tmp_path: Path, in_ci: str, maximum: str, code: int) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    done = count_skips(tmp_path / "report.xml", in_ci, maximum)
    assert "skipped 2: no GPU" in done.stdout
    assert "tests skipped: 2" in done.stdout
    assert done.returncode == code


def test_missing_report_is_an_error(tmp_path: Path) -> None:
    done = count_skips(tmp_path / "report.xml", "", "9")
    assert done.returncode == 1
    assert "pytest did not finish" in done.stderr


def count_skips(report: Path, in_ci: str, maximum: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a report."""
    command = [sys.executable, str(ROOT / "scripts" / "count_skips.py"), str(report), "--maximum", maximum]
    return subprocess.run(command, env={"CI": in_ci}, capture_output=True, text=True, check=False)
