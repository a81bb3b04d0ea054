# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs are written whole or not at all, and nothing of another kind is ever replaced."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from support.full_disk import room_for

from sfd2_ros.core.errors import OutputError
from sfd2_ros.core.files import (
    atomic_file,
    atomic_folder,
    refuse_existing,
    refuse_existing_folder,
    sha256_of_file,
    write_array,
)


class _BrokenError(Exception):
    pass


def _write_half(path: Path) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text("half")
        raise _BrokenError


def _interrupt(path: Path) -> None:
    with atomic_folder(path) as folder:
        (folder / "half").write_text("x")
        raise KeyboardInterrupt


def _fill(path: Path, *, text: str, fail: bool = False) -> None:
    with atomic_folder(path, overwrite=True, marker="mark") as folder:
        (folder / "mark").write_text(text)
        (folder / "inner").mkdir()
        if fail:
            raise _BrokenError


def test_a_file_appears_whole_and_its_folders_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "poses.txt"
    with atomic_file(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert temporary.suffix == ".txt"
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_no_file_and_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "poses.txt"
    for old in (None, "old"):
        if old is not None:
            path.write_text(old)
        with pytest.raises(_BrokenError):
            _write_half(path)
        assert (path.read_text() if path.exists() else None) == old
        assert len(list(tmp_path.iterdir())) == (0 if old is None else 1)


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupt(tmp_path / "map")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_file(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_file_never_replaces_a_folder_or_a_device(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path / "folder", pipe):
        with pytest.raises(OutputError, match="a file is to be written there"), atomic_file(path):
            pass
    for path in (tmp_path / "folder", pipe, Path("/dev/null")):
        with pytest.raises(OutputError, match="a file is to be written there"):
            refuse_existing(path, overwrite=True)


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    _fill(tmp_path / "a" / "map", text="new")
    assert sorted(path.name for path in (tmp_path / "a" / "map").iterdir()) == ["inner", "mark"]
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_overwriting_a_folder_replaces_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "map"
    _fill(path, text="old")
    (path / "left over").write_text("x")
    _fill(path, text="new")
    assert sorted(each.name for each in path.iterdir()) == ["inner", "mark"]
    assert (path / "mark").read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_keeps_the_old_folder(tmp_path: Path) -> None:
    path = tmp_path / "map"
    _fill(path, text="old")
    with pytest.raises(_BrokenError):
        _fill(path, text="new", fail=True)
    assert (path / "mark").read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_of_the_last_rename_brings_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "map"
    _fill(path, text="old")
    rename = Path.replace
    calls = []

    def fail_second(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fail_second)
    with pytest.raises(OutputError, match="No space left"):
        _fill(path, text="new")
    assert (path / "mark").read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_of_another_kind_is_never_replaced(tmp_path: Path) -> None:
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    (photographs / "0.jpg").write_text("the only copy")
    for marker, reason in (("mark", "has no mark"), (None, "is not empty")):
        with (
            pytest.raises(OutputError, match=f"{reason} and so is not replaced"),
            atomic_folder(photographs, overwrite=True, marker=marker),
        ):
            pass
    assert (photographs / "0.jpg").read_text() == "the only copy"


def test_an_empty_folder_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "map").mkdir()
    _fill(tmp_path / "map", text="new")
    assert (tmp_path / "map" / "mark").is_file()


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    _fill(tmp_path / "real", text="old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    _fill(tmp_path / "link", text="new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "mark").read_text() == "new"


@pytest.mark.parametrize("refuse", [refuse_existing, refuse_existing_folder])
def test_what_exists_is_refused_without_overwrite(tmp_path: Path, refuse: object) -> None:
    path = tmp_path / "there"
    path.write_text("x")
    assert callable(refuse)
    with pytest.raises(OutputError, match="exists; name another path, or pass --overwrite"):
        refuse(path, overwrite=False)


def test_a_file_where_a_folder_is_to_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file, a folder is to be written there"):
        refuse_existing_folder(tmp_path / "file", overwrite=True, marker="*")


@pytest.mark.parametrize("refuse", [refuse_existing, refuse_existing_folder])
def test_what_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, refuse: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    assert callable(refuse)
    refuse(tmp_path / "new" / "deeper" / "out", overwrite=False)
    assert not (tmp_path / "new").exists()
    with pytest.raises(OutputError, match="is no folder; name a folder that can be written"):
        refuse(tmp_path / "file" / "out", overwrite=False)
    # Root may write anywhere, so that a folder without permission is only to be had by asking the system otherwise.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="may not be written"):
        refuse(tmp_path / "new" / "out", overwrite=False)


@pytest.mark.parametrize("path", ["/proc/nowhere/out", "/dev/null/out"])
def test_what_cannot_be_written_is_an_output_error(path: str) -> None:
    with pytest.raises(OutputError, match="cannot write"), atomic_file(Path(path)):
        pass
    with pytest.raises(OutputError, match="cannot write"), atomic_folder(Path(path)):
        pass


def test_a_name_that_is_too_long_is_an_output_error(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    with pytest.raises(OutputError, match="cannot write"), atomic_file(path):
        pass
    with pytest.raises(OutputError, match="cannot write"), atomic_folder(path):
        pass


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_checksums_are_those_of_hashlib(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "x").write_bytes(content[:size])
    assert sha256_of_file(tmp_path / "x") == hashlib.sha256(content[:size]).hexdigest()


def test_arrays_are_written_as_numpy_writes_them(tmp_path: Path) -> None:
    arrays = (np.arange(12).reshape(3, 4).T, np.empty((0, 3), np.float16), np.array(1.5), np.ones((2, 3), bool)[:, ::2])
    for array in arrays:
        write_array(tmp_path / "a.npy", array)
        np.save(tmp_path / "b.npy", array)
        assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    with pytest.raises(ValueError, match="allow_pickle"):
        write_array(tmp_path / "a.npy", np.array([None]))


def test_an_array_that_a_full_disk_cuts_off_is_reported_by_its_path(tmp_path: Path) -> None:
    with (
        room_for(5000),
        pytest.raises(OutputError, match=r"map': File too large; free some space"),
        atomic_folder(tmp_path / "map") as folder,
    ):
        write_array(folder / "a.npy", np.zeros(1000))
    assert list(tmp_path.iterdir()) == []
