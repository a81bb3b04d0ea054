# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of other places: a count that was interrupted goes on where it was, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def test_journal_keeps_what_was_written_and_leaves_out_a_line_that_was_cut(tmp_path: Path) -> None:
    from sfd2_lab.bench.trials.journal import Journal

    path = tmp_path / "below" / "j.jsonl"
    journal = Journal(path, {"code": "1"})
    journal.put("a", {"town": ["few_matches", "3 matches"]})
    journal.put("b", [])
    path.write_text(path.read_text(encoding="utf-8") + '["c", {"to', encoding="utf-8")
    again = Journal(path, {"code": "1"})
    assert (again.get("a"), again.get("b"), again.get("c"), len(again)) == (
        {"town": ["few_matches", "3 matches"]}, [], None, 2,
    )  # fmt: skip
    again.put("c", [])
    assert Journal(path, {"code": "1"}).get("c") == []
    assert len(Journal(path, {"code": "2"})) == 0, "other code, other answers"
    assert len(Journal(path, {"code": "1"})) == 0, "begun anew with the other"
    again.finish()
    assert not path.exists()


def test_code_digest_changes_with_the_parts() -> None:
    from sfd2_lab.bench.trials.journal import code_digest

    assert code_digest("core") == code_digest("core") != code_digest("core", "matching")


@pytest.mark.parametrize("given", ["", "data", "data/drives"])
def test_the_drive_is_found_however_deep_it_lies(tmp_path: Path, given: str) -> None:
    from sfd2_lab.bench.trials.foreign import drive_below

    drive = tmp_path / "data" / "drives" / "kitti_a"
    drive.mkdir(parents=True)
    assert drive_below(tmp_path / given) is None
    (drive / "map.txt").touch()
    assert drive_below(tmp_path / given) == (drive if given != "data/drives" else None)


def test_interrupted_count_goes_on_and_extracts_each_image_once(
    random_place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sfd2_lab.bench.trials import foreign
    from sfd2_ros.core.types import Features

    class Extracting:
        weights_id = "random-64d"

        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, image: Any) -> Features:
            self.calls += 1
            if self.calls == 4:
                raise KeyboardInterrupt
            nothing = np.empty((0, 64), np.float32)
            return Features(nothing[:, :2], nothing[:, 0], nothing[:, 0], nothing, image.shape[:2], self.weights_id)

    monkeypatch.setattr(foreign, "render_drive", lambda config: [Picture(config.frames)] * config.frames)
    extracting, done = Extracting(), []
    arguments = (random_place.map_folder, None, tmp_path, extracting)
    with pytest.raises(KeyboardInterrupt):
        foreign.count_false_poses(*arguments, count=9, progress=lambda *_: None)
    found = foreign.count_false_poses(*arguments, count=9, progress=lambda *args: done.append(args))
    assert extracting.calls == 4 + 6
    assert done[-1] == ("foreign images", 9, 9)
    assert (found["foreign_images"], found["simulated"], found["queries"], found["false_poses"]) == (9, 9, 9, 0)
    assert found["refused"] == {"no_features": 9}
    assert not list(tmp_path.glob("*.jsonl"))


class Picture:
    def __init__(self, seed: int) -> None:
        self.image = np.full((36, 48, 3), seed, np.uint8)
