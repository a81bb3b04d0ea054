# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of other places: a count that was interrupted goes on where it was, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


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


def test_photographs_leave_room_for_towns_and_are_taken_from_all_folders(
    random_place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2

    from sfd2_lab.bench.trials import foreign
    from sfd2_ros.core.types import Features

    for i in range(12):
        (tmp_path / "data" / str(i)).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "data" / str(i) / "a.png"), np.zeros((36, 48, 3), np.uint8))

    class Extracting:
        weights_id = "random-64d"

        def __call__(self, image: Any) -> Features:
            nothing = np.empty((0, 64), np.float32)
            return Features(nothing[:, :2], nothing[:, 0], nothing[:, 0], nothing, image.shape[:2], self.weights_id)

    monkeypatch.setattr(foreign, "render_drive", lambda config: [Picture(config.frames)] * config.frames)
    seen = []
    monkeypatch.setattr(foreign, "_read_reduced", lambda path: seen.append(path.parent.name) or Picture(1).image)
    found = foreign.count_false_poses(
        random_place.map_folder, tmp_path / "data", tmp_path / "work", Extracting(), count=5, progress=lambda *_: None
    )
    assert (found["real"], found["simulated"]) == (4, 1)
    assert seen == [sorted(map(str, range(12)))[i] for i in (0, 3, 6, 9)]


def test_the_command_tells_which_image_was_localized_and_fails(
    random_place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from sfd2_lab.bench import simulated_scenes
    from sfd2_lab.bench.trials import foreign
    from sfd2_ros import features, mapping
    from sfd2_ros.mapping import scene
    from sfd2_ros.tools.main import main

    class Building:
        def __init__(self, extractor: Any, *, progress: Any) -> None: ...

        def from_poses(self, _images: Any, _folder: Path, output: Path) -> None:
            output.symlink_to(random_place.map_folder, target_is_directory=True)

    class Drive:
        image_folder = tmp_path

        def select(self, name: str) -> list[str]:
            return [name]

    class Named:
        weights_id = "random-64d"

    def accepting(image: Any, places: Any, *_: Any) -> dict[str, list[str]]:
        return {place.name: ["localized" if "night" in image.name else "few_matches", "why"] for place in places}

    monkeypatch.setattr(simulated_scenes, "simulated_scene", lambda *_, **__: tmp_path)
    monkeypatch.setattr(scene, "load_scene", lambda _: Drive())
    monkeypatch.setattr(mapping, "MapBuilder", Building)
    monkeypatch.setattr(features, "load_extractor", lambda *_, **__: Named())
    monkeypatch.setattr(foreign, "_asked", accepting)
    words = ["bench", "foreign", "--work", str(tmp_path), "--json", str(tmp_path / "f.json"), "--images"]
    assert main([*words, "10"]) == 0
    assert capsys.readouterr().out.startswith("10 images of other places (0 real, 10 simulated), 10 queries: 0")
    assert main([*words, "21"]) == 1
    assert json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))["false_poses"] == 1
    assert "town 902 night 0 in simulated town" in capsys.readouterr().out


class Picture:
    def __init__(self, seed: int) -> None:
        self.image = np.full((36, 48, 3), seed, np.uint8)
