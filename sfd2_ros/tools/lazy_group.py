# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A group of commands whose modules are imported when they are called, with those of the laboratory where it is."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

import click

from sfd2_ros.core.errors import DependencyError
from sfd2_ros.tools.termination import INTERRUPTED_CODE, InterruptedCommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

LABORATORY = "sfd2_lab"
"""The package with simulation, training, benchmarks and data sets; a robot does without it."""
REMEDY = "run `pip install '.[lab]'` in a checkout of sfd2_ros"


def has_laboratory() -> bool:
    """Return whether the laboratory is installed."""
    try:
        return importlib.util.find_spec(LABORATORY) is not None
    except ValueError:  # a module without a spec stands in its place
        return False


def laboratory_module(name: str, *, used_by: str) -> Any:
    """Import a module of the laboratory.

    Args:
        name: below `sfd2_lab`, such as "tools.simulate".
        used_by: what needs it, for the error message.

    Raises:
        DependencyError: the laboratory, or a library that it needs, is not installed.
    """
    if not has_laboratory():
        raise DependencyError(f"{used_by} needs the laboratory, which is not installed; {REMEDY}")
    try:
        return importlib.import_module(f"{LABORATORY}.{name}")
    except ModuleNotFoundError as err:
        if err.name is None or err.name.partition(".")[0] in {LABORATORY, "sfd2_ros"}:
            raise
        raise DependencyError(f"{used_by} needs the library {err.name}, which is not installed; {REMEDY}") from err


class LazyGroup(click.Group):
    """A group that imports the module of a command when that command is called.

    Args:
        robot_commands: (module, line of help) by name, in the order of the help; the module names it `command`.
        laboratory_commands: the same for the laboratory; modules are named below `sfd2_lab`.
    """

    def __init__(
        self,
        *args: Any,
        robot_commands: Mapping[str, tuple[str, str]],
        laboratory_commands: Mapping[str, tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._robot, self._laboratory = robot_commands, laboratory_commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, those for a robot first."""
        del ctx
        return [*self.commands, *self._robot, *self._laboratory]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None when there is no such command.

        Raises:
            DependencyError: it is a command of the laboratory, which is not installed.
        """
        if cmd_name in self._robot:
            module = importlib.import_module(self._robot[cmd_name][0])
        elif cmd_name in self._laboratory:
            used_by = f"{ctx.command_path} {cmd_name}"
            module = laboratory_module(self._laboratory[cmd_name][0], used_by=used_by)
        else:
            return super().get_command(ctx, cmd_name)
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; click would write an empty line after Ctrl-C.

        Raises:
            InterruptedCommandError: Ctrl-C.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as err:
            raise InterruptedCommandError(INTERRUPTED_CODE) from err

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        own = {name: command.get_short_help_str(100) for name, command in self.commands.items()}
        robot = own | {name: text for name, (_, text) in self._robot.items()}
        laboratory = {name: text for name, (_, text) in self._laboratory.items()}
        title = "Laboratory" if has_laboratory() else f"Laboratory (not installed: {REMEDY})"
        for heading, texts in (("Commands", robot), (title, laboratory)):
            with formatter.section(heading):
                formatter.write_dl(list(texts.items()))
