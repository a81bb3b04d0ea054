# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two runs with one output, what killed runs leave, and full disks."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sfd2_ros.core.errors import OutputError
from sfd2_ros.core.files import atomic_file, atomic_folder, claimed_folder, write_bytes

HOLD = """
import sys, time
from pathlib import Path
from sfd2_ros.core.files import atomic_folder
with atomic_folder(Path(sys.argv[1]), overwrite=True, marker="half") as folder:
    (folder / "half").write_text("half")
    print("holds", flush=True)
    time.sleep(60)
"""
LIMITED = """
import resource, signal, sys
from pathlib import Path
from sfd2_ros.core.errors import OutputError
from sfd2_ros.core.files import atomic_file, atomic_folder, write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for write in (
    lambda path: path.write_bytes(bytes(5000)) if sys.argv[2] == "file" else write_bytes(path / "a.png", bytes(5000)),
):
    block = atomic_file if sys.argv[2] == "file" else atomic_folder
    try:
        with block(Path(sys.argv[1])) as temporary:
            write(temporary)
    except OutputError as err:
        print(err)
"""


def _write_theirs(folder: Path) -> None:
    folder.mkdir()
    (folder / "theirs").touch()


def _hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def _holding(path: Path) -> subprocess.Popen[str]:
    held = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert held.stdout is not None
    assert held.stdout.readline() == "holds\n"
    return held


def test_a_second_run_with_the_same_output_is_rejected_at_once(tmp_path: Path) -> None:
    with _holding(tmp_path / "map") as held:
        with (
            pytest.raises(OutputError, match="is being written by another run; wait for it, or name another path"),
            atomic_folder(tmp_path / "map"),
        ):
            pytest.fail("work must not begin")
        with claimed_folder(tmp_path / "map2"):
            assert len(_hidden(tmp_path)) == 3  # of the other run a lock and a folder; a lock of ours
        held.kill()


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    with _holding(tmp_path / "map") as held:
        held.kill()
    assert len(_hidden(tmp_path)) == 2
    (tmp_path / ".map.settings").mkdir()
    with atomic_folder(tmp_path / "map") as folder:
        (folder / "whole").touch()
    assert _hidden(tmp_path) == [".map.settings"]
    assert (tmp_path / "map" / "whole").exists()


def test_what_a_running_run_writes_is_not_removed(tmp_path: Path) -> None:
    with _holding(tmp_path / "map") as held:
        with pytest.raises(OutputError), atomic_folder(tmp_path / "map"):
            pass
        with atomic_folder(tmp_path / "ma"):
            pass
        assert len(_hidden(tmp_path)) == 2
        held.kill()


def test_a_folder_that_a_killed_run_was_about_to_replace_comes_back(tmp_path: Path) -> None:
    (tmp_path / ".map.abc12345.sfd2_replaced").mkdir()
    (tmp_path / ".map.abc12345.sfd2_replaced" / "old").touch()
    with pytest.raises(OutputError, match="exists"), atomic_folder(tmp_path / "map"):
        pytest.fail("the old folder is back only after the claim")
    assert (tmp_path / "map" / "old").exists()
    assert _hidden(tmp_path) == []


def test_an_output_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists"), atomic_folder(tmp_path / "map"):
        _write_theirs(tmp_path / "map")
    assert [path.name for path in (tmp_path / "map").iterdir()] == ["theirs"]
    assert _hidden(tmp_path) == []


def test_a_claim_holds_while_its_own_run_writes_the_output(tmp_path: Path) -> None:
    with claimed_folder(tmp_path / "map"):
        with atomic_folder(tmp_path / "map") as folder:
            (folder / "a").touch()
        assert _hidden(tmp_path) == [".map.sfd2_claim"]
    assert _hidden(tmp_path) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "out.bin"), kind]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "cannot write" in said
    assert "free some space" in said
    assert list(tmp_path.iterdir()) == []


def test_other_errors_of_the_system_keep_their_kind(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "a"):
        (tmp_path / "nosuch" / "b").touch()
    with pytest.raises(OutputError, match="No space left"), atomic_file(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    write_bytes(tmp_path / "new" / "c", b"1")
    assert time.time() - (tmp_path / "new" / "c").stat().st_mtime < 60
