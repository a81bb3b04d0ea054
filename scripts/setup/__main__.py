# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Set up .venv and .ros in this checkout; a second time it takes a second. Uses the standard library only."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
import time
from pathlib import Path

from activation import write_activation
from machine import check_build_tools, check_writable
from overlay import Overlay
from packages import Packages
from plan import make_plan
from problem import SetupError
from route import WHEELS, check_route_kept
from stamps import Stamp

ROOT = Path(__file__).resolve().parent.parent.parent


def say(line: str) -> None:
    """Print one line of progress at once."""
    print(f"setup: {line}", flush=True)


def set_up() -> None:
    """Bring .venv and .ros to what this machine and this checkout ask for.

    Raises:
        SetupError: something is missing.
    """
    start = time.monotonic()
    check_writable(ROOT)
    with (ROOT / ".ros" / "lock").open("w") as lock:
        _wait_for(lock.fileno())
        plan = make_plan(ROOT, os.environ)
        route = Stamp(ROOT / ".ros" / "route")
        check_route_kept(plan.route, route.read())
        packages, overlay = Packages(plan, say), Overlay(plan, say)
        if not (packages.is_ready() and overlay.is_ready()):
            check_build_tools(plan.env)
            say(f"{plan.route}, Python {plan.interpreter.name} ({plan.interpreter.executable})")
        if not packages.is_ready():
            packages.install()
        if not overlay.is_ready():
            overlay.build()
        write_activation(plan)
        route.write(plan.route.distro or WHEELS)
    say(f"ready after {time.monotonic() - start:.1f} s; for a shell of your own: source {ROOT}/.ros/setup.bash")


def _wait_for(lock: int) -> None:
    """Wait until no other set-up works in this checkout."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("another set-up works in this checkout; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def main() -> int:
    """Run the set-up and return its exit code: 0 success, 1 something is missing, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="scripts/setup.sh", description=__doc__)
    parser.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")
    arguments = parser.parse_args()
    try:
        if arguments.plan:
            print(make_plan(ROOT, os.environ).describe())
        else:
            set_up()
    except SetupError as err:
        print(f"setup: error: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
