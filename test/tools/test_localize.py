# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 localize`: poses, reasons, intrinsics, and what it refuses."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sfd2_ros.evaluation.poses_file import read_poses
from sfd2_ros.evaluation.trajectory_file import read_tum
from sfd2_ros.features.weights import read_weights, weights_of_network, write_weights
from sfd2_ros.mapping import load_map
from sfd2_ros.mapping.scene import load_scene

Run = Callable[..., Any]
CAMERA = "PINHOLE,320,240,300,300,160,120"


def _localize(sfd2: Run, map_: Path, images: Path, out: Path, *options: object) -> Any:
    return sfd2("localize", map_, images, "-o", out / "p.txt", "--json", out / "f.json", "--device", "cpu", *options)


def test_queries_are_localized_where_they_are(sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path) -> None:
    said = _localize(sfd2, painted_map, painted, tmp_path, "--list", "query.txt").succeeded()
    assert f"{tmp_path / 'p.txt'}: 2 of 2 localized; details in {tmp_path / 'p.details.json'}" in said
    truth = load_scene(painted).images
    for name, pose in read_poses(tmp_path / "p.txt").items():
        np.testing.assert_allclose(pose, truth[name].cam_from_world, atol=0.02)
    figures = json.loads((tmp_path / "f.json").read_text())
    assert (figures["queries"], figures["localized"], figures["refused"], figures["reasons"]) == (2, 2, 0, {})
    assert figures["map_id"] == load_map(painted_map).map_id
    assert figures["median_inliers"] > 50
    details = json.loads((tmp_path / "p.details.json").read_text())
    assert {one["status"] for one in details.values()} == {"localized"}


def test_the_python_calls_of_the_product_page_give_the_same(
    sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path
) -> None:
    from sfd2_ros.features import load_extractor  # noqa: PLC0415
    from sfd2_ros.features.images import read_image  # noqa: PLC0415
    from sfd2_ros.localization import Localizer  # noqa: PLC0415

    _localize(sfd2, painted_map, painted / "images" / "2.png", tmp_path, "--camera", CAMERA).succeeded()
    extractor = load_extractor(weights=None, device="cpu", max_keypoints=2048)
    features = extractor(read_image(painted / "images" / "2.png"))
    estimate = Localizer(load_map(str(painted_map))).localize(features, load_scene(painted).camera_of("2.png"))
    assert estimate.map_from_cam is not None
    found = read_poses(tmp_path / "p.txt")["2.png"]
    np.testing.assert_allclose(np.linalg.inv(found), estimate.map_from_cam, atol=1e-9)


@pytest.mark.parametrize("source", ["scene", "map", "yaml", "text"])
def test_intrinsics_may_come_from_anywhere(
    sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path, source: str
) -> None:
    yaml = tmp_path / "camera.yaml"
    yaml.write_text(
        "image_width: 320\nimage_height: 240\ncamera_matrix: {data: [300, 0, 159.5, 0, 300, 119.5, 0, 0, 1]}\n"
        "distortion_model: plumb_bob\ndistortion_coefficients: {data: [0, 0, 0, 0, 0]}\n"
    )
    given = {"scene": painted, "map": painted_map, "yaml": yaml, "text": CAMERA}[source]
    _localize(sfd2, painted_map, painted / "images", tmp_path, "--camera", given).succeeded()
    truth = load_scene(painted).images
    found = read_poses(tmp_path / "p.txt")
    assert len(found) == 6
    for name, pose in found.items():
        np.testing.assert_allclose(pose, truth[name].cam_from_world, atol=0.02)


def test_another_place_a_black_and_a_blank_image_are_refused_with_a_reason(
    sfd2: Run, painted_map: Path, paint_scene: Callable[..., Any], tmp_path: Path
) -> None:
    paint_scene(tmp_path / "other", count=3, seed=50)
    images = tmp_path / "other" / "images"
    cv2.imwrite(str(images / "black.png"), np.zeros((240, 320, 3), np.uint8))
    cv2.imwrite(str(images / "white.png"), np.full((240, 320, 3), 255, np.uint8))
    said = _localize(sfd2, painted_map, images, tmp_path, "--camera", CAMERA).succeeded()
    figures = json.loads((tmp_path / "f.json").read_text())
    assert (figures["queries"], figures["localized"], figures["refused"]) == (5, 0, 5)
    assert sum(figures["reasons"].values()) == 5
    assert figures["median_inliers"] is None
    for reason, count in figures["reasons"].items():
        assert f"rejected {count:5d}  {reason}" in said
    assert (tmp_path / "p.txt").read_text() == ""
    details = json.loads((tmp_path / "p.details.json").read_text())
    assert all(one["reason"] and one["covariance"] is None for one in details.values())


def test_a_camera_without_intrinsics_is_refused(sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path) -> None:
    for images in (painted / "images", painted / "images" / "2.png"):
        _localize(sfd2, painted_map, images, tmp_path).refused(1, "has no model with intrinsics", "--camera")
    for camera in ("nosuch.yaml", "", "PINHOLE", tmp_path):
        said = _localize(sfd2, painted_map, painted / "images", tmp_path, "--camera", camera)
        said.refused(1, "--camera", "allowed: a scene folder")
    assert list(tmp_path.iterdir()) == []


def test_a_camera_of_another_size_is_a_refusal_of_every_image(
    sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path
) -> None:
    _localize(
        sfd2, painted_map, painted / "images", tmp_path, "--camera", "PINHOLE,640,480,600,600,320,240"
    ).succeeded()
    assert json.loads((tmp_path / "f.json").read_text())["reasons"] == {"wrong_image_size": 6}


def test_no_map_and_a_damaged_map_are_refused(sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path) -> None:
    _localize(sfd2, tmp_path / "nowhere", painted, tmp_path).refused(1, "does not exist; make one with")
    shutil.copytree(painted_map, tmp_path / "damaged")
    (tmp_path / "damaged" / "images.json").unlink()
    _localize(sfd2, tmp_path / "damaged", painted, tmp_path).refused(1, "is damaged: images.json is missing")


def test_a_map_made_with_other_weights_is_refused(sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path) -> None:
    shipped = read_weights()
    from sfd2_ros.features.weights import build_network  # noqa: PLC0415

    network = build_network(shipped)
    parameter = next(network.parameters())
    parameter.data[0] += 0.01
    others = weights_of_network(network, training="none", terms="none")
    write_weights(tmp_path / "other.safetensors", others)
    said = _localize(sfd2, painted_map, painted, tmp_path, "--weights", tmp_path / "other.safetensors")
    said.refused(1, f"was made with weights '{shipped.weights_id}', these are '{others.weights_id}'", "--weights")
    (tmp_path / "none.pth").write_bytes(b"no weights")
    said = _localize(sfd2, painted_map, painted, tmp_path, "--weights", tmp_path / "none.pth")
    said.refused(1, "none.pth")
    assert not (tmp_path / "p.txt").exists()


@pytest.mark.parametrize("content", [b"", b"this is no image"])
def test_an_image_that_is_no_image_costs_only_itself(sfd2: Run, painted_map: Path, scene: Path, content: bytes) -> None:
    (scene / "images" / "4.png").write_bytes(content)
    out = scene.parent
    said = _localize(sfd2, painted_map, scene, out, "--list", "query.txt")
    assert said.code == 1
    assert "1 of 2 localized" in said.out
    assert "rejected     1  bad_image" in said.out
    (line,) = said.err.splitlines()
    assert line.startswith("sfd2: error: 1 of 2 images cannot be read and are rejected as bad_image")
    assert "4.png" in line
    assert list(read_poses(out / "p.txt")) == ["2.png"]
    assert json.loads((out / "f.json").read_text())["reasons"] == {"bad_image": 1}
    details = json.loads((out / "p.details.json").read_text())
    assert details["4.png"]["status"] == "bad_image"
    assert "4.png" in details["4.png"]["reason"]


def test_images_that_are_not_there_are_refused(sfd2: Run, painted_map: Path, scene: Path) -> None:
    out = scene.parent
    _localize(sfd2, painted_map, scene / "nowhere", out).refused(1, "do not exist; name a scene, a folder of images")
    (scene / "mine.txt").write_text("2.png\nnosuch.png\n")
    _localize(sfd2, painted_map, scene, out, "--list", "mine.txt").refused(1, "1 images are missing", "nosuch.png")
    _localize(sfd2, painted_map, scene, out, "--list", "no.txt").refused(1, "'no.txt' cannot be read")
    image = scene / "images" / "2.png"
    _localize(sfd2, painted_map, image, out, "--list", "mine.txt").refused(2, "--list is for a folder of images")
    (scene / "empty").mkdir()
    _localize(sfd2, painted_map, scene / "empty", out, "--camera", CAMERA).refused(1, "no images in")


def test_outputs_that_exist_are_kept(sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path) -> None:
    for name in ("p.txt", "p.details.json"):
        (tmp_path / name).write_text("old")
        _localize(sfd2, painted_map, painted, tmp_path).refused(1, name, "exists", "--overwrite")
        (tmp_path / name).unlink()
    (tmp_path / "p.txt").write_text("old")
    _localize(sfd2, painted_map, painted, tmp_path, "--overwrite").succeeded()
    assert len(read_poses(tmp_path / "p.txt")) == 6


def test_an_output_that_another_run_writes_is_rejected_before_the_work(
    sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path
) -> None:
    for name in ("p.txt", "p.details.json", "t.txt"):
        with (tmp_path / f".{name}.sfd2_claim").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            done = _localize(sfd2, painted_map, painted, tmp_path, "--tum", tmp_path / "t.txt", "--overwrite")
            done.refused(1, f"{name}' is being written by another run; wait for it")
        assert [one.name for one in tmp_path.iterdir()] == [f".{name}.sfd2_claim"]
        (tmp_path / f".{name}.sfd2_claim").unlink()


def test_outputs_never_lie_on_top_of_each_other(sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path) -> None:
    for name in ("p.txt", "p.details.json"):
        said = sfd2("localize", painted_map, painted, "-o", tmp_path / "p.txt", "--json", tmp_path / name)
        said.refused(2, "--json and --output both write")
    for path in (tmp_path, Path("/"), painted / "images" / "0.png" / "p.txt"):
        assert sfd2("localize", painted_map, painted, "-o", path, "--overwrite").code == 1
    assert list(tmp_path.iterdir()) == []


def test_names_with_spaces_letters_and_subfolders_come_through(
    sfd2: Run, paint_scene: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a b/0 0.png", "ü/ö.png", "c/日本.png", "d.PNG", "e.JPG", "f g.jpeg"]
    paint_scene(tmp_path / "my scene", names)
    monkeypatch.chdir(tmp_path)
    sfd2("map", "build", "my scene", "-o", "my map", "--device", "cpu").succeeded()
    sfd2("localize", "my map", "my scene", "-o", "my poses.txt", "--device", "cpu").succeeded()
    assert sorted(read_poses(Path("my poses.txt"))) == sorted(names)
    said = sfd2("evaluate", "my poses.txt", "my scene", "--json", "s.json").succeeded()
    assert "100.0%" in said
    assert json.loads(Path("s.json").read_text())["recall"] == [1.0, 1.0, 1.0]


def test_a_name_that_a_pose_file_cannot_hold_is_refused_before_the_work(
    sfd2: Run, painted_map: Path, scene: Path
) -> None:
    (scene / "images" / "2.png").rename(scene / "images" / "#2.png")
    (scene / "images" / "0.png").write_bytes(b"no image, which the work would stumble over first")
    _localize(sfd2, painted_map, scene, scene.parent).refused(1, "'#2.png' cannot stand in a pose file")


def test_images_whose_names_are_not_utf8_cost_only_themselves(
    sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/folder\xfe"))
    folder.mkdir()
    shutil.copy(painted / "images" / "2.png", folder / "2.png")
    bad = Path(os.fsdecode(os.fsencode(tmp_path / "bad") + b"\xff.png"))
    shutil.copy(painted / "images" / "2.png", bad)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "good").symlink_to(painted / "images")
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/out\xfd"))
    said = _localize(sfd2, painted_map, tmp_path, out, "--camera", CAMERA)
    assert said.code == 0, said
    assert sorted(read_poses(out / "p.txt")) == [f"good/{i}.png" for i in range(6)]
    assert said.err.startswith("sfd2: warning: 3 files in ")
    assert r"bad\udcff.png' has a name that is not UTF-8" in said.err
    assert "pipe.png' is a pipe" in said.err
    assert said.err.count("\n") == 1
    _localize(sfd2, painted_map, bad, tmp_path, "--camera", CAMERA).refused(1, "is not UTF-8")
    sfd2("extract", bad, "-o", tmp_path / "x.h5").refused(1, "is not UTF-8")


def test_a_list_with_intrinsics_as_hloc_has_them_needs_no_camera(
    sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path
) -> None:
    queries = "".join(f"{i}.png PINHOLE 320 240 300 300 160 120\n" for i in (2, 4))
    (tmp_path / "queries.txt").write_text(queries)
    listed = ("--list", tmp_path / "queries.txt")
    _localize(sfd2, painted_map, painted / "images", tmp_path, *listed).succeeded()
    assert sorted(read_poses(tmp_path / "p.txt")) == ["2.png", "4.png"]
    (tmp_path / "p.txt").unlink()
    (tmp_path / "p.details.json").unlink()
    said = _localize(sfd2, painted_map, painted / "images", tmp_path, *listed, "--camera", CAMERA)
    said.refused(1, "--camera 'PINHOLE", "both give intrinsics")


def test_a_camera_on_its_side_is_localized_when_its_images_are_turned(
    sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path
) -> None:
    upright = cv2.imread(str(painted / "images" / "2.png"))
    assert cv2.imwrite(str(tmp_path / "2.png"), np.rot90(upright))
    on_its_side = ("--camera", "PINHOLE,240,320,300,300,120,160")
    _localize(sfd2, painted_map, tmp_path / "2.png", tmp_path, *on_its_side, "--rotate", "90").succeeded()
    stored_from_upright = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    expected = stored_from_upright @ load_scene(painted).images["2.png"].cam_from_world
    np.testing.assert_allclose(read_poses(tmp_path / "p.txt")["2.png"], expected, atol=0.02)


def test_trajectories_are_written_beside_the_poses(sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number, stamp in enumerate(("100.0", "100.1")):
        shutil.copy(painted / "images" / f"{number}.png", images / f"{stamp}.png")
    options = ["--camera", CAMERA, "--tum", tmp_path / "t.txt", "--kitti", tmp_path / "k.txt"]
    _localize(sfd2, painted_map, images, tmp_path, *options).succeeded()
    poses = read_poses(tmp_path / "p.txt")
    tum = read_tum(tmp_path / "t.txt")
    np.testing.assert_allclose(list(tum.values()), [poses["100.0.png"], poses["100.1.png"]], atol=1e-9)
    assert list(tum) == [100_000_000_000, 100_100_000_000]
    kitti = np.loadtxt(tmp_path / "k.txt").reshape(2, 3, 4)
    np.testing.assert_allclose(kitti[1], np.linalg.inv(poses["100.1.png"])[:3], atol=1e-9)
    cv2.imwrite(str(images / "100.2.png"), np.zeros((240, 320, 3), np.uint8))
    said = _localize(sfd2, painted_map, images, tmp_path, *options, "--overwrite")
    assert said.code == 1
    assert "image '100.2.png' has no pose" in said.err
    assert len(read_tum(tmp_path / "t.txt")) == 2


def test_a_tum_trajectory_of_images_without_times_is_rejected_before_the_work(
    sfd2: Run, painted_map: Path, painted: Path, tmp_path: Path
) -> None:
    said = _localize(sfd2, painted_map, painted, tmp_path, "--tum", tmp_path / "t.txt")
    said.refused(1, "image name '0.png' holds no time stamp")
    assert not (tmp_path / "p.txt").exists()
    said = _localize(sfd2, painted_map, painted, tmp_path, "--kitti", tmp_path / "p.txt")
    said.refused(2, "is named for two outputs")
