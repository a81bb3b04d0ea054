# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The command as a whole: help, exit codes, one-line errors, interrupts."""

from __future__ import annotations

import importlib.util
import logging
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import sfd2_ros
from sfd2_ros.core.errors import ConfigError, MapError
from sfd2_ros.tools import main as main_module
from sfd2_ros.tools.main import COMMANDS, LABORATORY_COMMANDS, main


def test_help_names_every_command(sfd2: Callable[..., Any]) -> None:
    for arguments in (["--help"], ["-h"]):
        said = sfd2(*arguments).succeeded()
        for name, (_, text) in {**COMMANDS, **LABORATORY_COMMANDS}.items():
            assert f"  {name} " in said
            assert text[:20] in said


def test_the_version_is_that_of_the_package(sfd2: Callable[..., Any]) -> None:
    assert sfd2_ros.__version__ in sfd2("--version").succeeded()


@pytest.mark.parametrize("name", [*COMMANDS, *LABORATORY_COMMANDS])
def test_every_command_is_there_and_has_help(sfd2: Callable[..., Any], name: str) -> None:
    module = COMMANDS[name][0] if name in COMMANDS else f"sfd2_lab.{LABORATORY_COMMANDS[name][0]}"
    assert importlib.util.find_spec(module) is not None
    said = sfd2(name, "--help").succeeded()
    assert said.startswith(f"Usage: sfd2 {name}")


def without_laboratory(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `sfd2` in a process that finds sfd2_ros alone, as on a robot that colcon installed it on."""
    hidden = (
        "import sys; sys.modules['sfd2_lab'] = None; from sfd2_ros.tools.main import main; sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run([sys.executable, "-c", hidden, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments", [["simulate", "-o", "x"], ["bench", "features"], ["train"], ["weights", "average"], ["demo", "--help"]]
)
def test_a_command_of_the_laboratory_says_in_one_line_what_to_install(arguments: list[str]) -> None:
    run = without_laboratory(*arguments)
    assert run.returncode == 1, run
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
    assert "needs the laboratory, which is not installed; run `pip install '.[lab]'`" in run.stderr


def test_help_without_the_laboratory_says_what_is_missing() -> None:
    run = without_laboratory("--help")
    assert run.returncode == 0, run
    assert "Laboratory (not installed: run `pip install '.[lab]'` in a checkout" in run.stdout
    assert "  simulate " in run.stdout


def test_without_arguments_the_help_is_shown_as_wrong_use(sfd2: Callable[..., Any]) -> None:
    for arguments in ([], ["map"]):
        said = sfd2(*arguments)
        assert said.code == 2
        assert "Commands:" in said.err + said.out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["nosuch"], ["No such command 'nosuch'", "See 'sfd2 --help'."]),
        (["map", "nosuch"], ["No such command 'nosuch'", "See 'sfd2 map --help'."]),
        (["map", "build"], ["Missing argument 'SOURCE'", "See 'sfd2 map build --help'."]),
        (["map", "info", "a", "b"], ["unexpected extra argument", "See 'sfd2 map info --help'."]),
        (["evaluate", "a", "b", "--html"], ["'--html' requires an argument", "See 'sfd2 evaluate --help'."]),
        (["map", "build", "-o"], ["'-o' requires an argument", "See 'sfd2 map build --help'."]),
        (["localize", "m", "i"], ["Missing option '-o' / '--output'"]),
        (["evaluate", "p", "r", "--nosuch"], ["No such option", "--nosuch"]),
        (["map", "build", "s", "-o", "m", "--max-keypoints", "many"], ["'many' is not a valid integer"]),
    ],
)
def test_wrong_use_is_one_line_and_code_2(sfd2: Callable[..., Any], arguments: list[str], parts: list[str]) -> None:
    sfd2(*arguments).refused(2, *parts)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("setting x"), 2, "setting x"),
        (MapError("two\nlines  and\ttabs"), 1, "two lines and tabs"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (FileNotFoundError(2, "No such file", "a b"), 1, "'a b': No such file"),
        (click.UsageError("wrong"), 2, "wrong See 'sfd2 map --help'."),
        (click.FileError("f", "why"), 1, "why"),
    ],
)
def test_errors_become_one_line_and_a_code(
    sfd2: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main_module.cli, "main", fail)
    sfd2("map").refused(code, said)


def test_an_error_that_nobody_expected_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("a mistake in the program")

    monkeypatch.setattr(main_module.cli, "main", fail)
    with pytest.raises(RuntimeError, match="a mistake in the program"):
        main(["map"])


ENDS = {signal.SIGINT: (130, b"sfd2: interrupted"), signal.SIGTERM: (143, b"sfd2: terminated")}


@pytest.mark.parametrize("command", ["build SIGINT", "localize SIGINT", "build SIGTERM"])
def test_a_signal_ends_with_a_code_of_its_own_and_leaves_nothing(
    sfd2_process: Callable[..., Any], painted: Path, painted_map: Path, tmp_path: Path, command: str
) -> None:
    command, name = command.split()
    number = signal.Signals[name]
    code, last_line = ENDS[number]
    images = tmp_path / "many" / "images"
    images.mkdir(parents=True)
    for i in range(100):
        (images / f"{i}.png").symlink_to(painted / "images" / "0.png")
    out = tmp_path / "out"
    out.mkdir()
    arguments = {
        "build": ["map", "build", images, "-o", out / "map", "--json", out / "f.json"],
        "localize": ["localize", painted_map, images, "-o", out / "p.txt", "--json", out / "f.json"],
    }[command]
    # On a terminal the command shows how far it is.
    screen, terminal = pty.openpty()
    process = sfd2_process(*arguments, "--device", "cpu", "--camera", painted, stderr=terminal)
    os.close(terminal)
    _read_until(screen, b"/100")
    process.send_signal(number)
    assert process.wait(timeout=60) == code
    rest = _read_until(screen, None)
    os.close(screen)
    assert rest.splitlines()[-1] == last_line
    assert b"Traceback" not in rest
    assert b"stack trace" not in rest
    assert list(out.iterdir()) == []


def _read_until(screen: int, wanted: bytes | None) -> bytes:
    """Read what a program shows until it shows something, or to the end of the program."""
    shown = b""
    while wanted is None or wanted not in shown:
        try:
            part = os.read(screen, 4096)
        except OSError:  # how Linux says that the program closed its terminal
            part = b""
        if not part:
            assert wanted is None, f"the command ended without showing {wanted!r}: {shown!r}"
            break
        shown += part
    return shown


def test_the_module_runs_as_a_program(sfd2_process: Callable[..., Any], tmp_path: Path) -> None:
    process = sfd2_process("map", "check", tmp_path / "nowhere", cwd=tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert out == ""
    assert err.startswith("sfd2: error: map ")
    assert err.count("\n") == 1


INTERRUPTED_AT = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from sfd2_ros.tools.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("module", ["logging", "click", "sfd2_ros.core.errors", "numpy", "torch", "cv2", "h5py"])
def test_an_interrupt_while_libraries_are_imported_is_one_line_and_code_130(module: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    arguments = ["extract", str(tmp_path / "a.png"), "-o", str(tmp_path / "x.h5"), "--device", "cpu"]
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, module, *arguments], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "sfd2: interrupted\n")


def test_a_program_that_was_started_with_interrupts_ignored_goes_on_ignoring_them(tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + INTERRUPTED_AT
    arguments = ["map", "check", str(tmp_path / "nowhere")]
    run = subprocess.run(
        [sys.executable, "-c", ignoring, "click", *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr.startswith("sfd2: error: map ")


def test_importing_the_program_leaves_ctrl_c_as_it_was() -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "import signal, sfd2_ros.tools.main\nassert signal.getsignal(signal.SIGINT) is signal.default_int_handler",
        ],
        check=False,
    )
    assert run.returncode == 0


def test_a_warning_of_the_library_is_one_line(sfd2: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(**_: object) -> None:
        logging.getLogger("sfd2_ros.features.images").warning("3 files in %r\n are left out", "x")

    monkeypatch.setattr(main_module.cli, "main", warn)
    for _ in range(2):
        assert sfd2("map").err == "sfd2: warning: 3 files in 'x' are left out\n"
