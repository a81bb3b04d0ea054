# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the files of the RobotCar development kit mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.miniatures.robotcar import KIT, lens_table, mosaic, through_lens

from sfd2_lab.datasets.robotcar.calibration import (
    CAMERAS,
    Calibration,
    euler_from_matrix,
    matrix_from_euler,
    read_calibration,
)
from sfd2_lab.datasets.robotcar.pictures import read_undistorted
from sfd2_ros.core.errors import DatasetError, ImageError
from sfd2_ros.core.types import Camera

SIZE = (224, 176)


def write_kit(kit: Path, mount: str, size: tuple[int, int] = (4, 2)) -> Path:
    """Write the files of the left camera; its table leaves pixels where they are."""
    (kit / "models").mkdir(parents=True)
    (kit / "extrinsics").mkdir()
    optical = "0 -0 1 0\n1 0 -0 0\n0 1 0 0\n0 0 0 1\n"
    (kit / "models/mono_left.txt").write_text(f"400.0 401.0 1.5 0.5\n{optical}")
    rows, columns = np.indices((size[1], size[0]), dtype=np.float64)
    np.stack([columns, rows]).tofile(kit / "models/mono_left_distortion_lut.bin")
    (kit / "extrinsics/mono_left.txt").write_text(mount)
    return kit


def test_mounts_take_the_vehicle_to_the_camera_so_that_the_left_one_looks_left(tmp_path: Path) -> None:
    # As in the kit: the left camera, whose file has y and yaw positive (y is right there), looks to the left.
    kit = write_kit(tmp_path / "kit", "-0.09 1.64 0.28 0.0 0.0 1.2321\n")
    calibration = read_calibration(kit, CAMERAS["left"], (4, 2))
    ahead, left, _up = calibration.base_from_cam[:3, 2]
    assert left > 0.9
    assert ahead > 0.3
    assert calibration.base_from_cam[2, 1] == pytest.approx(-1.0)  # y of the optical frame points down
    assert calibration.base_from_cam[0, 3] < -1.4  # behind the stereo camera
    assert calibration.base_from_cam[1, 3] > 0.5
    assert calibration.camera == Camera(4, 2, 400.0, 401.0, 1.5, 0.5)


def test_the_table_has_all_x_before_all_y(tmp_path: Path) -> None:
    kit = write_kit(tmp_path / "kit", "0 0 0 0 0 0")
    calibration = read_calibration(kit, CAMERAS["left"], (4, 2))
    assert calibration.distorted_x.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert calibration.distorted_y.tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]


def test_euler_angles_come_back() -> None:
    wanted = [1.0, -2.0, 3.0, 0.3, -0.7, 2.9]
    assert euler_from_matrix(matrix_from_euler(wanted)) == pytest.approx(wanted)
    turn = matrix_from_euler([0, 0, 0, 0.0, 0.0, np.pi / 2])
    assert turn[:3, :3] @ [1, 0, 0] == pytest.approx([0, 1, 0])


@pytest.mark.parametrize("bayer", ["rggb", "gbrg"])
def test_a_mosaic_gets_its_colours_back(bayer: str, tmp_path: Path) -> None:
    colour = np.empty((16, 20, 3), np.uint8)
    colour[:] = (200, 90, 30)
    cv2.imwrite(str(tmp_path / "raw.png"), mosaic(colour, bayer))
    rows, columns = np.indices((16, 20), dtype=np.float32)
    calibration = Calibration(Camera(20, 16, 10.0, 10.0, 9.5, 7.5), columns, rows, np.eye(4))
    picture = read_undistorted(tmp_path / "raw.png", bayer, calibration)
    assert np.abs(picture[2:-2, 2:-2].astype(int) - (200, 90, 30)).max() <= 1


def test_undistorting_undoes_the_lens(mini: Callable[[str], Path]) -> None:
    camera = read_calibration(mini("robotcar") / KIT, CAMERAS["left"], SIZE).camera
    rows, columns = np.indices((SIZE[1], SIZE[0]))
    smooth = np.stack([columns, rows, 100 + 0 * rows], axis=-1).astype(np.uint8)
    table = lens_table(camera).astype(np.float32)
    back = cv2.remap(through_lens(smooth, camera), table[0], table[1], cv2.INTER_LINEAR)
    inside = (slice(4, -4), slice(4, -4))
    assert np.abs(back[inside].astype(int) - smooth[inside]).max() <= 2
    assert np.abs(through_lens(smooth, camera)[inside].astype(int) - smooth[inside]).max() > 10


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda kit: (kit / "models/mono_left.txt").write_text("400 400 1\n"), "5 are needed"),
        (lambda kit: (kit / "models/mono_left.txt").unlink(), "cannot be read"),
        (lambda kit: (kit / "models/mono_left_distortion_lut.bin").write_bytes(b"x" * 100), "has 100 bytes, 128 are"),
        (lambda kit: (kit / "models/mono_left_distortion_lut.bin").write_bytes(b"\xff" * 128), "not finite"),
        (lambda kit: (kit / "extrinsics/mono_left.txt").write_text("1 2 3"), "3 numbers, 6 are needed"),
        (lambda kit: (kit / "extrinsics/mono_left.txt").write_text("1 2 3 4 5 x"), "could not convert"),
    ],
)
def test_damaged_files_of_the_kit_are_named(spoil: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    kit = write_kit(tmp_path / "kit", "0 0 0 0 0 0")
    read_calibration(kit, CAMERAS["left"], (4, 2))
    spoil(kit)
    with pytest.raises(DatasetError, match=message):
        read_calibration(kit, CAMERAS["left"], (4, 2))


def test_pictures_that_are_no_mosaics_are_refused(tmp_path: Path) -> None:
    calibration = read_calibration(write_kit(tmp_path / "kit", "0 0 0 0 0 0"), CAMERAS["left"], (4, 2))
    cv2.imwrite(str(tmp_path / "colour.png"), np.zeros((2, 4, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "large.png"), np.zeros((4, 4), np.uint8))
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(DatasetError, match="a raw mosaic"):
        read_undistorted(tmp_path / "colour.png", "rggb", calibration)
    with pytest.raises(DatasetError, match="has shape"):
        read_undistorted(tmp_path / "large.png", "rggb", calibration)
    for name in ("text.png", "none.png"):
        with pytest.raises(ImageError, match=name):
            read_undistorted(tmp_path / name, "rggb", calibration)
