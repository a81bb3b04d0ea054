# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A RobotCar sequence as it is downloaded: which images there are, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_lab.datasets.image_file import size_or_damage
from sfd2_lab.datasets.problems import Problems, read_lines, some
from sfd2_lab.datasets.robotcar.calibration import CAMERAS, Calibration, read_calibration, read_mount
from sfd2_lab.datasets.robotcar.trajectory import Trajectory, read_absolute, read_odometry
from sfd2_ros.core.errors import ConfigError, DatasetError
from sfd2_ros.core.transforms import inverse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sfd2_lab.datasets.robotcar.calibration import CameraFiles

ODOMETRY = ("vo", "ins", "none")
TRUTH = ("ins", "rtk", "none")
_AGAIN = "download them again"


@dataclass(frozen=True, eq=False)
class SequenceCamera:
    """The images of one camera that are there.

    Attributes:
        files: where they lie.
        calibration: of the camera.
        stamps_us: times of the images, ascending; also their names.
        chunks_left_out: parts of the list of times of which not one image is there: not downloaded.
    """

    files: CameraFiles
    calibration: Calibration
    stamps_us: tuple[int, ...]
    chunks_left_out: int


@dataclass(frozen=True, eq=False)
class RobotCarSequence:
    """A checked sequence.

    Attributes:
        path: its folder.
        cameras: by name.
        odometry: odom_from_base, or None.
        truth: map_from_base, or None.
    """

    path: Path
    cameras: dict[str, SequenceCamera]
    odometry: Trajectory | None
    truth: Trajectory | None

    def image_path(self, camera: str, stamp_us: int) -> Path:
        """Return where an image lies."""
        return self.path / self.cameras[camera].files.images / f"{stamp_us}.png"


def open_sequence(
    path: Path, kit: Path, cameras: Sequence[str], *, odometry: str = "vo", truth: str = "ins"
) -> RobotCarSequence:
    """Look at all files of a sequence that are needed.

    Args:
        path: folder of the sequence, with mono_left/, mono_left.timestamps, vo/, gps/, ...
        kit: folder of robotcar-dataset-sdk.
        cameras: names, see `calibration.CAMERAS`.
        odometry: "vo", "ins" or "none".
        truth: "ins", "rtk" or "none".

    Raises:
        ConfigError: there is no such camera or source.
        DatasetError: files are missing, cut or misnamed; names all of them.
    """
    _check_choices(cameras, odometry, truth)
    problems = Problems(path)
    if not path.is_dir():
        raise DatasetError(f"sequence {str(path)!r} is no folder; name one such as 2014-11-28-12-07-13")
    found: dict[str, SequenceCamera] = {}
    for name in cameras:
        with problems.gathered():
            found[name] = _open_camera(path, kit, CAMERAS[name], problems)
    moved = actual = None
    with problems.gathered():
        moved = _read_trajectory(path, kit, odometry)
    with problems.gathered():
        actual = _read_trajectory(path, kit, truth)
    problems.raise_any()
    if moved is not None and odometry == "ins":
        start = inverse(moved.poses[0])
        moved = Trajectory(moved.stamps_ns, start @ moved.poses)
    return RobotCarSequence(path, found, moved, actual)


def _check_choices(cameras: Sequence[str], odometry: str, truth: str) -> None:
    for name in cameras:
        if name not in CAMERAS:
            raise ConfigError(f"unknown RobotCar camera {name!r}; allowed: {', '.join(CAMERAS)}")
    if not cameras or len(set(cameras)) < len(cameras):
        raise ConfigError(f"cameras are {list(cameras)!r}; at least one is needed, each once")
    for kind, value, allowed in (("odometry", odometry, ODOMETRY), ("truth", truth, TRUTH)):
        if value not in allowed:
            raise ConfigError(f"{kind} is {value!r}; allowed: {', '.join(allowed)}")


def _open_camera(path: Path, kit: Path, files: CameraFiles, problems: Problems) -> SequenceCamera:
    listed = _read_stamps(path / files.timestamps)
    folder = path / files.images
    if not folder.is_dir():
        raise DatasetError(f"there is no folder {files.images}/; download the camera {files.images!r}, or leave it out")
    names = sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
    expected = {f"{stamp}.png": chunk for stamp, chunk in listed.items()}
    present = [name for name in names if name in expected]
    per_chunk = Counter(expected[name] for name in present)
    missing = [name for name, chunk in expected.items() if chunk in per_chunk and not (folder / name).is_file()]
    strangers = [name for name in names if name not in expected]
    problems.add_files(f"images of {files.images} are missing", missing, _AGAIN)
    problems.add_files(
        f"files in {files.images}/ are not in {files.timestamps}", strangers, "names are microseconds and .png"
    )
    if not present:
        raise DatasetError(f"there are no images in {files.images}/ that {files.timestamps} lists")
    size = _common_size(folder, present, files.images, problems)
    calibration = read_calibration(kit, files, size)
    stamps = tuple(sorted(int(name.removesuffix(".png")) for name in present))
    return SequenceCamera(files, calibration, stamps, len(set(listed.values()) - set(per_chunk)))


def _read_stamps(path: Path) -> dict[int, int]:
    """Return the chunk of each time in a list of times, one `microseconds chunk` a line."""
    listed: dict[int, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        parts = line.split()
        if len(parts) != 2 or not all(part.isdigit() for part in parts):
            raise DatasetError(
                f"{path}:{number}: {line!r} is not two whole numbers, microseconds and chunk; is it cut?"
            )
        listed[int(parts[0])] = int(parts[1])
    if not listed:
        raise DatasetError(f"{str(path)!r} is empty; download it again")
    return listed


def _common_size(folder: Path, names: Sequence[str], label: str, problems: Problems) -> tuple[int, int]:
    """Return (w, h) of most images; note those that are damaged or of another size."""
    sizes: dict[str, tuple[int, int]] = {}
    damaged = []
    for name in names:
        size = size_or_damage(folder / name)
        if isinstance(size, str):
            damaged.append(f"{name} {size}")
        else:
            sizes[name] = size
    problems.add_files(f"images of {label} are damaged", damaged, _AGAIN)
    if not sizes:
        raise DatasetError(f"not one image of {label} can be read")
    usual = Counter(sizes.values()).most_common(1)[0][0]
    others = [f"{name} {size[0]}x{size[1]}" for name, size in sizes.items() if size != usual]
    problems.add_files(f"images of {label} are not {usual[0]}x{usual[1]} as the others", others, _AGAIN)
    return usual


def _read_trajectory(path: Path, kit: Path, source: str) -> Trajectory | None:
    if source == "none":
        return None
    if source == "vo":
        return read_odometry(path / "vo" / "vo.csv")
    places = [path / "gps" / "ins.csv"]
    if source == "rtk":
        places = [path / "gps" / "rtk.csv", path / "rtk.csv", path.parent / "rtk" / path.name / "rtk.csv"]
    there = [place for place in places if place.is_file()]
    if not there:
        raise DatasetError(
            f"there is no {some([str(place) for place in places])}; download the sequence's {source.upper()} data, or "
            "choose another source"
        )
    return read_absolute(there[0], read_mount(kit / "extrinsics" / "ins.txt"))
