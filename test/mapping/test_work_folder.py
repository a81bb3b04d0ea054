# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pycolmap
import pytest
from support.full_disk import room_for

from sfd2_ros.core.errors import OutputError
from sfd2_ros.mapping.work_folder import work_folder


def test_a_full_disk_under_colmaps_database_is_reported_with_the_way_out() -> None:
    for size in (0, 1000, 20_000):
        with (
            pytest.raises(OutputError, match=r"cannot write temporary files in .* by the environment variable TMPDIR"),
            work_folder() as folder,
            room_for(size),
        ):
            pycolmap.Database.open(folder / "database.db").close()
    assert not folder.exists()


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="other"), work_folder():
        raise RuntimeError("other")
