# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one file to source: .ros/setup.bash."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from route import Route

_HEAD = """\
# Made by `make setup`. Use: source .ros/setup.bash
{guard}. {venv}/bin/activate
"""
# Two versions of one library in one process crash without a word.
_GUARD = """\
if [ -n "${{ROS_DISTRO:-}}" ]; then
    echo "ROS 2 $ROS_DISTRO is sourced, this set-up is one from wheels: run make setup, which then uses yours" >&2
    return 1
fi
"""
_NATIVE = """\
. {overlay}/setup.bash
"""
# The wheels keep their libraries and their package index below .venv, which nobody else sources.
_WHEELS = """\
_sfd2_ros_prepend() {{
    case ":${{!1:-}}:" in *":$2:"*) ;; *) export "$1=$2${{!1:+:${{!1}}}}" ;; esac
}}
_sfd2_ros_prepend AMENT_PREFIX_PATH {venv}
_sfd2_ros_prepend LD_LIBRARY_PATH {venv}/lib
. {overlay}/local_setup.bash
unset -f _sfd2_ros_prepend
"""


def activation_text(root: Path, route: Route) -> str:
    """Return the bash that puts .venv and the overlay in front of everything else; sourcing it twice does no harm."""
    text = _HEAD + (_NATIVE if route.is_native else _WHEELS)
    guard = "" if route.is_native else _GUARD.format()
    return text.format(guard=guard, venv=shlex.quote(f"{root}/.venv"), overlay=shlex.quote(f"{root}/.ros/install"))


def write_activation(root: Path, route: Route) -> None:
    """Write .ros/setup.bash when it is not as it should be."""
    path = root / ".ros" / "setup.bash"
    text = activation_text(root, route)
    if path.exists() and path.read_text("utf-8") == text:
        return
    temporary = path.with_name("setup.bash.new")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
