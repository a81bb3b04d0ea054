# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The command `sfd2`: finds the subcommand, and turns errors into one line and an exit code."""

from __future__ import annotations

from sfd2_ros.tools import early_interrupt

# isort: split
import logging
import os
import sys
from typing import TYPE_CHECKING

import click

import sfd2_ros
from sfd2_ros.core.errors import ConfigError, Sfd2Error
from sfd2_ros.thread_environment import set_thread_environment
from sfd2_ros.tools.lazy_group import LazyGroup
from sfd2_ros.tools.termination import (
    INTERRUPTED_CODE,
    TERMINATED_CODE,
    InterruptedCommandError,
    TerminatedError,
    end_on_termination,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

early_interrupt.restore()

# name: (module, line of help)
COMMANDS = {
    "extract": ("sfd2_ros.tools.extract", "Extract features of images into an HDF5 file."),
    "map": ("sfd2_ros.tools.map", "Build, inspect, merge and export maps."),
    "localize": ("sfd2_ros.tools.localize", "Localize images in a map."),
    "evaluate": ("sfd2_ros.tools.evaluate", "Score poses against reference poses."),
    "weights": ("sfd2_ros.tools.weights", "Inspect, convert and quantise weights."),
    "play": ("sfd2_ros.tools.play", "Publish a rosbag2 on ROS topics."),
    "view": ("sfd2_ros.tools.view", "Show the running nodes in a browser."),
}
# name: (module below sfd2_lab, line of help)
LABORATORY_COMMANDS = {
    "demo": ("tools.demo", "Localize a drive with the real nodes and score their poses."),
    "simulate": ("tools.simulate", "Render drives through a street, with ground truth."),
    "bench": ("tools.bench", "Compare features and pipelines on the same data."),
    "train": ("tools.train", "Train weights with the SFD2 losses."),
    "ablate": ("tools.ablate", "Train variants of the losses with several seeds and compare them."),
    "dataset": ("tools.dataset", "Run RobotCar-Seasons, Aachen Day-Night, Extended CMU-Seasons."),
    "robotcar": ("tools.robotcar", "Convert Oxford RobotCar sequences to rosbag2 or scenes."),
}


@click.group(
    cls=LazyGroup,
    robot_commands=COMMANDS,
    laboratory_commands=LABORATORY_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(sfd2_ros.__version__, prog_name="sfd2")
def cli() -> None:
    """Visual localization with SFD2 features: build maps, localize images and robots in them, measure the result."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `sfd2` and return its exit code: 0 success, 1 failure, 2 wrong use, 130 interrupted, 143 terminated."""
    set_thread_environment()
    end_on_termination()
    _write_whatever_names_hold()
    _show_warnings()
    # OpenCV reads this when it is loaded; it would otherwise comment on a damaged image beside our own error.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        result = cli.main(args=None if arguments is None else list(arguments), prog_name="sfd2", standalone_mode=False)
    except (InterruptedCommandError, click.exceptions.Abort, KeyboardInterrupt, TerminatedError) as err:
        return _ended(is_terminated=isinstance(err, TerminatedError))
    except click.ClickException as err:
        return _wrong_use(err, sys.argv[1:] if arguments is None else arguments)
    except ConfigError as err:
        return _fail(err, 2)
    except Sfd2Error as err:
        return _fail(err, 1)
    except OSError as err:
        # A full disk, a folder that vanished: nothing that a user should read a traceback for.
        where = f"{err.filename!r}: " if err.filename else ""
        return _fail(f"{where}{err.strerror or err}", 1)
    return result if isinstance(result, int) else 0


class _WarningLines(logging.Handler):
    """Writes the warnings of the library to standard error, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        sys.stderr.write(f"sfd2: warning: {' '.join(record.getMessage().split())}\n")


def _show_warnings() -> None:
    library = logging.getLogger("sfd2_ros")
    if not any(isinstance(each, _WarningLines) for each in library.handlers):
        library.addHandler(_WarningLines(logging.WARNING))


def _write_whatever_names_hold() -> None:
    """Names of files need not be UTF-8; without this, printing one ends a command after all its work."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _ended(*, is_terminated: bool) -> int:
    before = "\n" if sys.stderr.isatty() else ""  # on a terminal a progress bar stands in the line
    sys.stderr.write(f"{before}sfd2: {'terminated' if is_terminated else 'interrupted'}\n")
    return TERMINATED_CODE if is_terminated else INTERRUPTED_CODE


def _wrong_use(err: click.ClickException, arguments: Sequence[str]) -> int:
    """Print in one line what is wrong with a command, or the help of one called without arguments."""
    if isinstance(err, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        err.show()
        return err.exit_code
    context = getattr(err, "ctx", None)
    program = context.command_path if context else _command_path(arguments)
    return _fail(f"{err.format_message()} See '{program} --help'.", err.exit_code)


def _command_path(arguments: Sequence[str]) -> str:
    """Return the command that arguments name; click does not, where an option of it lacks its value."""
    command: click.Command = cli
    context = click.Context(cli, info_name="sfd2")
    for name in arguments:
        found = command.get_command(context, name) if isinstance(command, click.Group) else None
        if found is None:
            break
        command, context = found, click.Context(found, parent=context, info_name=name)
    return context.command_path


def _fail(said: object, code: int) -> int:
    """Write an error in one line, whatever the libraries below put into it."""
    sys.stderr.write(f"sfd2: error: {' '.join(str(said).split())}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
