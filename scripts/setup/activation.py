# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one file to source: .ros/setup.bash."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plan import Plan

_HEAD = """\
# Made by `make setup`. Use: source .ros/setup.bash
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
# The wheels keep their package index and their libraries below .venv. On its own, every Python of .venv would start
# itself a second time to put these libraries, in no fixed order, in front (ros_wheels_bootstrapper); told that it has
# been done, it starts once.
_WHEELS = """\
_sfd2_ros_prepend() {{
    case ":${{!1:-}}:" in *":$2:"*) ;; *) export "$1=$2${{!1:+:${{!1}}}}" ;; esac
}}
_sfd2_ros_prepend AMENT_PREFIX_PATH {venv}
for _sfd2_ros_libs in {venv}/lib/python*/site-packages/ros_*.libs {venv}/lib; do
    _sfd2_ros_prepend LD_LIBRARY_PATH "$_sfd2_ros_libs"
done
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
# colcon would run the Python that it was built with by a path that it does not quote.
COLCON_PYTHON_EXECUTABLE={python} . {overlay}/local_setup.bash
unset -f _sfd2_ros_prepend
unset _sfd2_ros_libs
"""
# Last, so that its python3 comes first; a second activation would undo what was put in front of PATH since the first.
_PYTHON = """\
[ "$(command -v python3)" = {venv}/bin/python3 ] || . {venv}/bin/activate
"""
# The overlay holds what a robot runs. The laboratory is found through a folder of its own: the root of the checkout on
# the path would put our folder launch/ in the place of ROS 2's module.
_LABORATORY = """\
case ":${{PYTHONPATH:-}}:" in
    *:{laboratory}:*) ;;
    *) export PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}"{laboratory} ;;
esac
"""


def activation_text(plan: Plan) -> str:
    """Return the bash that puts .venv and the overlay in front of everything else; sourcing it twice does no harm."""
    text = _HEAD + (_NATIVE if plan.route.is_native else _GUARD + _WHEELS) + _PYTHON + _LABORATORY
    return text.format(
        venv=shlex.quote(f"{plan.root}/.venv"),
        overlay=shlex.quote(f"{plan.root}/.ros/install"),
        python=shlex.quote(plan.interpreter.executable),
        laboratory=shlex.quote(f"{plan.root}/.ros/laboratory"),
    )


def write_activation(plan: Plan) -> None:
    """Write .ros/setup.bash, and the folder through which the laboratory is found, where they are not up to date."""
    link = plan.root / ".ros" / "laboratory" / "sfd2_lab"
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("../../sfd2_lab")
    path = plan.root / ".ros" / "setup.bash"
    text = activation_text(plan)
    if path.exists() and path.read_text("utf-8") == text:
        return
    temporary = path.with_name("setup.bash.new")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
