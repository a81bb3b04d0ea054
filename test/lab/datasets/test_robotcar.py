# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A miniature RobotCar, from its folders to a bag, a scene, a map and poses by night."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.miniatures.robotcar import KIT, SEQUENCES, SIMULATED_FROM_BASE

from sfd2_lab.datasets.robotcar.plan import Stretch
from sfd2_lab.datasets.robotcar.sequence import open_sequence
from sfd2_lab.datasets.robotcar.to_bag import BagSettings, convert_to_bag
from sfd2_lab.simulation.drive import DriveConfig, World
from sfd2_ros.bags.reader import BagReader
from sfd2_ros.core.errors import DatasetError, OutputError

DAY, NIGHT = SEQUENCES["overcast"], SEQUENCES["night"]
CAMERAS = ["left", "rear", "right"]
Sfd2 = Callable[..., tuple[int, str, str]]


def test_poses_are_those_that_the_town_was_driven_with(
    mini: Callable[[str], Path], town: World, small_drive: DriveConfig
) -> None:
    root = mini("robotcar")
    for truth in ("ins", "rtk"):
        sequence = open_sequence(root / DAY, root / KIT, CAMERAS, truth=truth)
        assert sequence.truth is not None
        poses, _ = town.poses(small_drive)
        for stamp_us, pose in zip(sequence.cameras["rear"].stamps_us, poses, strict=True):
            told = sequence.truth.at(stamp_us * 1000, 0)
            assert told == pytest.approx(pose @ SIMULATED_FROM_BASE, abs=1e-5)
    assert sequence.odometry is not None
    assert sequence.odometry.poses[0] == pytest.approx(np.eye(4))
    assert sequence.odometry.poses[-1][0, 3] > 3.0  # ahead is x


def test_a_sequence_becomes_a_bag_with_cameras_transforms_odometry_and_truth(
    mini: Callable[[str], Path], tmp_path: Path, sfd2: Sfd2
) -> None:
    root, bag = mini("robotcar"), tmp_path / "drive.mcap"
    figures_path = tmp_path / "figures.json"
    code, out, err = sfd2("robotcar", "to-bag", root / DAY, "--sdk", root / KIT, "-o", bag, "--json", figures_path)
    assert (code, err) == (0, "")
    assert "12 images of left, rear, right" in out
    figures = json.loads(figures_path.read_text("utf-8"))
    assert figures["images"] == 12
    assert figures["cameras"] == CAMERAS
    assert figures["duration_s"] == pytest.approx(1.0, abs=1e-3)
    assert figures["times_without_truth"] == 0
    with BagReader(bag) as reader:
        counts = {topic.name: topic.count for topic in reader.topics}
        (static,) = [reader.decode(one) for one in reader.messages(["/tf_static"])]
        image = reader.decode(next(reader.messages(["/camera/left/image_raw"])))
        info = reader.decode(next(reader.messages(["/camera/left/camera_info"])))
    assert [counts[f"/camera/{name}/image_raw"] for name in CAMERAS] == [4, 4, 4]
    assert counts["/ground_truth"] == 4
    assert counts["/tf"] == counts["/odom"] == 13
    assert {(one.header.frame_id, one.child_frame_id) for one in static.transforms} == {
        ("base_link", f"{name}_optical") for name in CAMERAS
    }
    assert image.header.frame_id == info.header.frame_id == "left_optical"
    assert (image.width, image.height, image.encoding) == (info.width, info.height, "rgb8")
    assert not np.any(info.d)
    code, _, err = sfd2("robotcar", "to-bag", root / DAY, "--sdk", root / KIT, "-o", bag)
    assert code == 1
    assert "exists" in err


def test_an_interrupted_conversion_goes_on_and_gives_the_same_bag(mini: Callable[[str], Path], tmp_path: Path) -> None:
    root = mini("robotcar")
    sequence = open_sequence(root / DAY, root / KIT, CAMERAS)
    settings = BagSettings(is_compressed=True, images_per_part=4)

    def stop(_step: str, done: int, _total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_to_bag(sequence, tmp_path / "cut", settings, progress=stop)
    assert not (tmp_path / "cut").exists()
    with pytest.raises(OutputError, match="other settings"):
        convert_to_bag(sequence, tmp_path / "cut", BagSettings(is_compressed=False, images_per_part=4))
    figures = convert_to_bag(sequence, tmp_path / "cut", settings)
    assert figures["images_resumed"] == 8
    assert not (tmp_path / "cut.parts").exists()
    convert_to_bag(sequence, tmp_path / "whole", BagSettings(is_compressed=True))
    contents = []
    for name in ("cut", "whole"):
        with BagReader(tmp_path / name) as reader:
            contents.append([(one.topic, one.time_ns, one.data) for one in reader.messages()])
    assert sorted(contents[0]) == sorted(contents[1])
    assert len(contents[0]) > 40


def test_a_stretch_is_cut_and_thinned(mini: Callable[[str], Path], tmp_path: Path) -> None:
    root = mini("robotcar")
    sequence = open_sequence(root / DAY, root / KIT, ["rear"], odometry="ins", truth="none")
    settings = BagSettings(storage="sqlite3", stretch=Stretch(0.3, 1.1, 2))
    figures = convert_to_bag(sequence, tmp_path / "bag", settings)
    assert figures["images"] == 2
    with BagReader(tmp_path / "bag") as reader:
        counts = {topic.name: topic.count for topic in reader.topics}
    assert counts["/camera/rear/image_raw"] == 2
    assert "/ground_truth" not in counts
    with pytest.raises(Exception, match="no images from 9"):
        convert_to_bag(sequence, tmp_path / "none", BagSettings(stretch=Stretch(9.0)))


def test_a_map_of_the_day_localizes_the_night(mini: Callable[[str], Path], tmp_path: Path, sfd2: Sfd2) -> None:
    root = mini("robotcar")
    for name, scene in ((DAY, "day"), (NIGHT, "night")):
        arguments = ("robotcar", "to-scene", root / name, "--sdk", root / KIT, "-o", tmp_path / scene)
        assert sfd2(*arguments)[0] == 0
    assert sfd2("map", "build", tmp_path / "day", "-o", tmp_path / "map", "--device", "cpu")[0] == 0
    code, out, _ = sfd2("localize", tmp_path / "map", tmp_path / "night", "-o", tmp_path / "p.txt", "--device", "cpu")
    assert code == 0, out
    figures = tmp_path / "figures.json"
    assert sfd2("evaluate", tmp_path / "p.txt", tmp_path / "night", "--json", figures)[0] == 0
    scores = json.loads(figures.read_text("utf-8"))
    assert scores["queries"] == 12
    assert scores["recall"][1] >= 0.4
    assert scores["false_accepts"] == 0


def test_everything_that_is_wrong_is_said_at_once(mini_copy: Callable[[str], Path]) -> None:
    root = mini_copy("robotcar")
    sequence = root / DAY
    left, rear = (sorted((sequence / f"mono_{name}").iterdir()) for name in ("left", "rear"))
    left[1].unlink()
    left[2].write_bytes(left[2].read_bytes()[:-100])
    rear[0].rename(rear[0].with_name("front.png"))
    (sequence / "mono_right.timestamps").write_text("123\n")
    (sequence / "gps/ins.csv").unlink()
    lines = (sequence / "vo/vo.csv").read_text().splitlines()
    (sequence / "vo/vo.csv").write_text("\n".join(lines)[:-40])
    with pytest.raises(DatasetError) as raised:
        open_sequence(sequence, root / KIT, CAMERAS)
    said = str(raised.value)
    for part in (
        f"1 images of mono_left are missing: {left[1].name}",
        f"1 images of mono_left are damaged: {left[2].name} ends too early",
        "front.png",
        f"1 images of mono_rear are missing: {rear[0].name}",
        "mono_right.timestamps:1",
        "ins.csv",
        f"vo.csv:{len(lines)}",
        "7 problems",
    ):
        assert part in said


def test_a_chunk_that_was_not_downloaded_is_no_problem(mini_copy: Callable[[str], Path]) -> None:
    root = mini_copy("robotcar")
    stamps = root / DAY / "mono_left.timestamps"
    stamps.write_text(stamps.read_text("utf-8") + "1417176440000000 2\n1417176441000000 2\n")
    sequence = open_sequence(root / DAY, root / KIT, ["left"])
    assert sequence.cameras["left"].chunks_left_out == 1
    assert len(sequence.cameras["left"].stamps_us) == 4


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (["--cameras", "left,front"], (2, "'front'")),
        (["--odometry", "wheels"], (2, "'wheels'")),
        (["--truth", "gps"], (2, "'gps'")),
        (["--cameras", "stereo_left"], (1, "stereo.timestamps")),
        (["--sdk", "nowhere"], (1, "nowhere")),
    ],
)
def test_wrong_choices_are_refused(
    options: list[str], answer: tuple[int, str], mini: Callable[[str], Path], tmp_path: Path, sfd2: Sfd2
) -> None:
    root = mini("robotcar")
    said = sfd2("robotcar", "to-bag", root / DAY, "--sdk", root / KIT, "-o", tmp_path / "bag", *options)
    assert said[0] == answer[0]
    assert answer[1] in said[2]
    assert not (tmp_path / "bag").exists()
