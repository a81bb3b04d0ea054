# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The command `sfd2`: finds the subcommand, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

import click

import sfd2_ros
from sfd2_ros.core.errors import ConfigError, Sfd2Error
from sfd2_ros.tools.termination import TerminatedError, end_on_termination

if TYPE_CHECKING:
    from collections.abc import Sequence

# name: (module below sfd2_ros.tools, line of help); a module is imported when its command is used, so that
# `sfd2 evaluate` does not wait for torch.
COMMANDS = {
    "extract": ("extract", "Extract features of images into an HDF5 file."),
    "map": ("map", "Build, inspect and check maps."),
    "localize": ("localize", "Localize images in a map."),
    "evaluate": ("evaluate", "Score poses against reference poses."),
    "bench": ("bench", "Compare features and pipelines on the same data."),
    "simulate": ("simulate", "Render drives through a street, with ground truth."),
    "dataset": ("dataset", "Run RobotCar-Seasons, Aachen Day-Night, Extended CMU-Seasons."),
    "robotcar": ("robotcar", "Convert Oxford RobotCar sequences to rosbag2 or scenes."),
    "play": ("play", "Publish a rosbag2 on ROS topics."),
    "view": ("view", "Show the running nodes in a browser."),
    "demo": ("demo", "Localize a drive with the real nodes and score what they said."),
    "train": ("train", "Train weights with the SFD2 losses."),
    "ablate": ("ablate", "Train variants of the losses with several seeds and compare them."),
    "weights": ("weights", "Import, inspect and verify weights."),
}


class LazyGroup(click.Group):
    """A group that imports the module of a command when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of a user's work."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None when there is no such command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"sfd2_ros.tools.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(sfd2_ros.__version__, prog_name="sfd2")
def cli() -> None:
    """Tell a robot with a camera where it is, by day, by night and in another season."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `sfd2` and return its exit code: 0 success, 1 failure, 2 wrong use, 130 interrupted, 143 terminated."""
    end_on_termination()
    # OpenCV reads this when it is loaded; it would otherwise comment on a damaged image beside our own error.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        result = cli.main(args=None if arguments is None else list(arguments), prog_name="sfd2", standalone_mode=False)
    except (click.exceptions.Abort, TerminatedError) as err:
        is_interrupt = isinstance(err, click.exceptions.Abort)  # click has ended the line of a progress bar then
        sys.stderr.write("sfd2: interrupted\n" if is_interrupt else "\nsfd2: terminated\n")
        return 130 if is_interrupt else 143
    except click.ClickException as err:
        return _wrong_use(err)
    except ConfigError as err:
        return _fail(err, 2)
    except Sfd2Error as err:
        return _fail(err, 1)
    except OSError as err:
        # A full disk, a folder that vanished: nothing that a user should read a traceback for.
        where = f"{err.filename!r}: " if err.filename else ""
        return _fail(f"{where}{err.strerror or err}", 1)
    return result if isinstance(result, int) else 0


def _wrong_use(err: click.ClickException) -> int:
    """Say in one line what is wrong with a command, or show the help of one that was called without arguments."""
    if isinstance(err, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        err.show()
        return err.exit_code
    context = getattr(err, "ctx", None)
    program = context.command_path if context else "sfd2"
    return _fail(f"{err.format_message()} See '{program} --help'.", err.exit_code)


def _fail(said: object, code: int) -> int:
    """Write an error in one line, whatever the libraries below put into it."""
    sys.stderr.write(f"sfd2: error: {' '.join(str(said).split())}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
