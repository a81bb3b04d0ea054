# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The text files of the benchmarks: what they mean, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from sfd2_lab.datasets.benchmarks.lists import (
    read_centre_poses,
    read_colmap_poses,
    read_intrinsics,
    read_matrix_poses,
    read_pairs,
)
from sfd2_lab.datasets.benchmarks.nvm import read_nvm_poses
from sfd2_lab.datasets.benchmarks.published import published_rows
from sfd2_lab.datasets.benchmarks.registry import Choice, load_benchmark
from sfd2_ros.core.errors import ConfigError, DatasetError
from sfd2_ros.core.transforms import inverse, rigid, rotation_from_vector
from sfd2_ros.core.types import PosedImage
from sfd2_ros.mapping.colmap_io import posed_images, read_model

CAMERAS = "./a/1.png\t400 1 0 0 0 1 2 3 0 0\nb.jpg 400 0.70710678 0 0.70710678 0 1 2 3 0 0\n"
NVM = f"NVM_V3 \n\n2\n{CAMERAS}\n1\n1 2 3 4 5 6 0\n"


def test_nvm_has_positions_where_others_have_translations(tmp_path: Path) -> None:
    (tmp_path / "m.nvm").write_text(NVM)
    poses = read_nvm_poses(tmp_path / "m.nvm")
    assert list(poses) == ["a/1.png", "b.jpg"]
    for pose in poses.values():
        assert inverse(pose)[:3, 3] == pytest.approx([1, 2, 3])
    # A quarter turn about y: what is ahead in the world (z) is to the right of this camera (x).
    assert poses["b.jpg"][:3, :3] @ [0, 0, 1] == pytest.approx([1, 0, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "NVM_V3 is needed"),
        (NVM[:60], "cut"),
        (NVM[: NVM.index("1 2 3 4 5")], "ends after 0 of 1 points"),
        (NVM.replace("\n2\n", "\n3\n", 1), "cut"),
        (NVM.replace("400 1 0 0 0", "400 0 0 0 0"), "no rotation"),
        (NVM.replace("400 1 0 0 0", "400 1 0 0 x"), "could not convert"),
        ("NVM_V3\n\n0\n\n0\n", "no cameras"),
    ],
)
def test_damaged_nvm_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "m.nvm").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_nvm_poses(tmp_path / "m.nvm")


def test_all_formats_of_one_model_say_the_same(mini: Callable[[str], Path]) -> None:
    root = mini("robotcar-seasons")
    folder = root / "3D-models/individual/colmap_reconstructions/001_aligned"
    text, nvm = read_colmap_poses(folder / "images.txt"), read_nvm_poses(root / "3D-models/all-merged/all.nvm")
    whole = {image.name: image.cam_from_world for image in posed_images(read_model(folder))}
    assert set(text) == set(nvm) == set(whole)
    for name, pose in whole.items():
        assert text[name] == pytest.approx(pose, abs=1e-9)
        assert nvm[name] == pytest.approx(pose, abs=1e-6)


def test_the_two_kinds_of_pose_lists(tmp_path: Path) -> None:
    world_from_cam = rigid(rotation_from_vector([0.1, 0.2, 0.3]), [4, 5, 6])
    (tmp_path / "matrix.txt").write_text("a.png " + " ".join(f"{value:.12f}" for value in world_from_cam.ravel()))
    assert read_matrix_poses(tmp_path / "matrix.txt")["a.png"] == pytest.approx(inverse(world_from_cam), abs=1e-9)
    (tmp_path / "centre.txt").write_text("a.jpg 1 0 0 0 4 5 6\n")
    assert read_centre_poses(tmp_path / "centre.txt")["a.jpg"][:3, 3] == pytest.approx([-4, -5, -6])


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_matrix_poses, "a.png 1 2 3", "3 numbers, 16 are needed"),
        (read_matrix_poses, "a.png" + " 1" * 16, "no rotation"),
        (read_centre_poses, "a.jpg 1 0 0 0 4 5", "6 numbers, 7 are needed"),
        (read_centre_poses, "a.jpg 0 0 0 0 4 5 6", "no rotation"),
        (read_intrinsics, "a.jpg SIMPLE_RADIAL 10 10 5", "takes 4 parameters"),
        (read_intrinsics, "a.jpg THIN_PRISM 10 10 5", "not supported"),
        (read_intrinsics, "a.jpg", "file.txt:1"),
        (read_intrinsics, "# nothing", "no intrinsics"),
        (read_colmap_poses, "1 1 0 0 0 1 2 3 1", "images.txt"),
        (read_colmap_poses, "# nothing\n", "no images"),
        (read_pairs, "a.jpg b.jpg c.jpg", "not two names"),
    ],
)
def test_malformed_lists_are_refused_with_the_place(
    read: Callable[[Path], object], text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "file.txt").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read(tmp_path / "file.txt")
    with pytest.raises(DatasetError):
        read(tmp_path / "none.txt")


def test_intrinsics_have_colmaps_pixel_centre(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("# camera\nq/a.jpg SIMPLE_RADIAL 100 80 70 50 40 0.1\n")
    camera = read_intrinsics(tmp_path / "file.txt")["q/a.jpg"]
    assert (camera.width, camera.height, camera.cx, camera.cy) == (100, 80, 49.5, 39.5)
    assert camera.distortion[0] == 0.1


def test_published_rows_are_those_of_the_paper() -> None:
    robotcar = {row.method: row.recall for row in published_rows("robotcar-seasons")}
    assert robotcar["SFD2"] == {
        "day": (56.9, 81.6, 97.4),
        "night": (27.6, 66.2, 90.2),
        "night-rain": (43.0, 71.1, 90.0),
    }
    assert len(robotcar) == 19
    aachen = {row.method: row.recall for row in published_rows("aachen-v1.1")}
    assert aachen["SFD2"]["night"] == (78.0, 92.1, 99.5)
    assert len(aachen) == 16
    for table in ("robotcar-seasons", "aachen", "aachen-v1.1", "cmu"):
        for row in published_rows(table):
            for values in row.recall.values():
                assert list(values) == sorted(values)


def test_conditions_views_and_names_of_robotcar_seasons(mini: Callable[[str], Path]) -> None:
    root = mini("robotcar-seasons")
    first = load_benchmark("robotcar-seasons", root)
    assert {query.condition for query in first.queries} == {"night"}
    assert all(query.name.startswith("night/rear/") and query.name.endswith(".jpg") for query in first.queries)
    assert all(name.startswith("rear/") and name.endswith(".jpg") for name in first.submitted_names)
    assert {image.name.split("/")[1] for image in first.parts[0].references} == {"left", "rear", "right"}
    assert len(load_benchmark("robotcar-seasons", root, Choice(all_views=True)).queries) == 3 * len(first.queries)
    second = load_benchmark("robotcar-seasons-v2", root)
    assert len(second.queries) == len(first.queries)
    assert 0 < len(second.submitted_names) < len(second.queries)
    assert all(name.endswith(".png") for name in second.submitted_names)


def test_public_poses_of_robotcar_seasons_are_read_without_the_hidden_truth(
    mini_copy: Callable[[str], Path], mini: Callable[[str], Path]
) -> None:
    known = load_benchmark("robotcar-seasons-v2", mini("robotcar-seasons")).truth
    root = mini_copy("robotcar-seasons")
    marker = root / "mini.json"
    marker.write_text(marker.read_text().split('"truth"')[0] + '"truth": {}}')
    public = load_benchmark("robotcar-seasons-v2", root).truth
    assert 0 < len(public) < len(known)
    for name, pose in public.items():
        assert pose == pytest.approx(known[name], abs=1e-6)


def test_scenes_of_cmu_and_its_public_poses(mini: Callable[[str], Path]) -> None:
    benchmark = load_benchmark("cmu", mini("cmu"))
    assert [part.name for part in benchmark.parts] == ["slice3", "slice21"]
    assert {query.condition for query in benchmark.parts[0].queries} == {"urban"}
    assert {query.condition for query in benchmark.parts[1].queries} == {"park"}
    assert len(load_benchmark("cmu", mini("cmu"), Choice(slices=(21,))).parts) == 1
    poses = read_centre_poses(next((mini("cmu") / "slice3/camera-poses").glob("*.txt")))
    assert poses
    for name, pose in poses.items():
        assert benchmark.truth[name] == pytest.approx(pose, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "choice", "message"),
    [
        ("kitti", None, "unknown data set"),
        ("aachen", Choice(slices=(2,)), "slices are for cmu"),
        ("cmu", Choice(all_views=True), "robotcar-seasons"),
        ("cmu", Choice(slices=(1,)), "no slice 1"),
    ],
)
def test_choices_that_do_not_fit_are_refused(
    name: str, choice: Choice | None, message: str, mini: Callable[[str], Path]
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_benchmark(name, mini("cmu"), choice)


def _jpegs(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.jpg"))


def test_everything_that_is_wrong_with_robotcar_seasons_is_said_at_once(mini_copy: Callable[[str], Path]) -> None:
    root = mini_copy("robotcar-seasons")
    (root / "intrinsics/left_intrinsics.txt").write_text("fx 1\nfy 1\ncx 1\n")
    (root / "extrinsics/rear_extrinsics.txt").unlink()
    train = root / "robotcar_v2_train.txt"
    train.write_text(train.read_text()[:-60])
    (root / "3D-models/individual/colmap_reconstructions/001_aligned/images.txt").unlink()
    with pytest.raises(DatasetError) as raised:
        load_benchmark("robotcar-seasons-v2", root)
    for part in ("lacks cy", "rear_extrinsics.txt", "robotcar_v2_train.txt", "001", "4 problems"):
        assert part in str(raised.value)


def test_missing_cut_and_scaled_images_are_said_at_once(mini_copy: Callable[[str], Path]) -> None:
    root = mini_copy("aachen")
    db, night = _jpegs(root / "images_upright/db"), _jpegs(root / "images_upright/query")
    db[1].unlink()
    db[2].write_bytes(db[2].read_bytes()[:-500])
    db[3].write_bytes(b"")
    night[0].rename(night[0].with_suffix(".JPG"))
    night[1].write_bytes(_scaled(night[1]))
    with pytest.raises(DatasetError) as raised:
        load_benchmark("aachen", root)
    said = str(raised.value)
    for part in (
        "reference images are missing in images_upright/: db/2.jpg",
        "db/3.jpg ends too early, db/4.jpg is empty",
        f"queries are missing in images_upright/: query/night/nexus5x/{night[0].name}",
        f"{night[1].name} 10x10 instead of",
        "4 problems",
    ):
        assert part in said


def _scaled(path: Path) -> bytes:
    return bytes(cv2.imencode(".jpg", cv2.resize(cv2.imread(str(path)), (10, 10)))[1].tobytes())


def test_everything_that_is_wrong_with_cmu_is_said_at_once(mini_copy: Callable[[str], Path]) -> None:
    root = mini_copy("cmu")
    lists = root / "slice3/ground-truth-database-images-slice3.txt"
    lists.write_text(lists.read_text().replace("img_00000", "image_00000"))
    (root / "slice21/test-images-slice21.txt").unlink()
    with pytest.raises(DatasetError) as raised:
        load_benchmark("cmu", root)
    for part in ("image_00000_c0", "test-images-slice21.txt", "2 problems"):
        assert part in str(raised.value)
    (root / "intrinsics.txt").unlink()
    with pytest.raises(DatasetError, match=r"intrinsics\.txt"):
        load_benchmark("cmu", root)


def test_places_cannot_be_told_apart_in_the_merged_model(mini_copy: Callable[[str], Path]) -> None:
    root = mini_copy("robotcar-seasons")
    before = load_benchmark("robotcar-seasons", root)
    shutil.rmtree(root / "3D-models/individual/colmap_reconstructions")
    after = load_benchmark("robotcar-seasons", root)
    assert [image.name for image in after.parts[0].references] == [image.name for image in before.parts[0].references]
    for one, other in zip(before.parts[0].references, after.parts[0].references, strict=True):
        assert isinstance(one, PosedImage)
        assert np.allclose(one.cam_from_world, other.cam_from_world, atol=1e-6)
    lists = root / "3D-models/individual/queries_per_location"
    shutil.copy(lists / "queries_location_1.txt", lists / "queries_location_2.txt")
    with pytest.raises(DatasetError, match="does not record which place an image shows"):
        load_benchmark("robotcar-seasons", root)
