# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps a recording with the command, and compares its poses with the true ones and with odometry."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from sfd2_lab.bench.drives.scores import absolute_errors_m, placement, trajectory_scores
from sfd2_lab.simulation.recording import MAP, ODOM
from sfd2_lab.simulation.sensors import DATUM
from sfd2_ros.bags.bag_transforms import bag_transforms
from sfd2_ros.bags.reader import BagReader
from sfd2_ros.core.transforms import inverse
from sfd2_ros.evaluation.metrics import THRESHOLDS, pose_error
from sfd2_ros.localization import Localized, Localizer, View
from sfd2_ros.mapping import load_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.bench.drives.recordings import TakenImage
    from sfd2_lab.bench.drives.scores import Placed, TrajectoryScores
    from sfd2_lab.simulation.recording import Recording
    from sfd2_lab.simulation.rigs import RigCamera
    from sfd2_ros.core.errors import Sfd2Error
    from sfd2_ros.core.types import Features

    Poses = NDArray[np.float64]
    Commands = Callable[[Sequence[str]], None]

TRUE_POSES = ("--trust-poses", "--frame", MAP, "--pose-topic", "/ground_truth")
"""Options of `sfd2 map build` for a map of the bag's true poses."""


@dataclass(frozen=True, eq=False)
class MappedDrive:
    """A map of a recording beside its true poses.

    Attributes:
        folder: of the map.
        before: scores of odometry, at the images of the map.
        after: scores of the map.
        absolute_m: median error on the earth, metres; None of a map without a datum.
        placed: where the map lies in the true frame; with a scale where nothing but odometry observes it.
        report: what the command wrote as JSON.
        seconds: that the command took.
    """

    folder: Path
    before: TrajectoryScores
    after: TrajectoryScores
    absolute_m: float | None
    placed: Placed
    report: dict[str, Any]
    seconds: float


def map_drive(
    bag: Path,
    recording: Recording,
    folder: Path,
    *,
    run: Commands,
    clock: Callable[[], float],
    options: Sequence[str] = (),
) -> MappedDrive:
    """Build a map of a bag by the command and score it.

    Args:
        bag: from the simulator.
        recording: its true motion.
        folder: of the map; a map that is there already is scored again.
        run: runs `sfd2` with arguments.
        clock: seconds.
        options: of `sfd2 map build`, further ones.

    Raises:
        Sfd2Error: no map can be made.
    """
    report = folder.with_suffix(".json")
    started = clock()
    if not folder.exists():
        run(["map", "build", str(bag), "-o", str(folder), "--json", str(report), *options])
        seconds = clock() - started
        report.write_text(json.dumps({**json.loads(report.read_text("utf-8")), "bench_seconds": seconds}), "utf-8")
    content = json.loads(report.read_text("utf-8"))
    opened = load_map(folder)
    true_poses = dict(zip(recording.stamps_ns, recording.poses, strict=True))
    found = []
    for image in opened.images:
        camera, stamp = camera_and_stamp(image.name, recording.rig)
        found.append((camera, stamp, inverse(image.cam_from_world), true_poses[stamp] @ camera.base_from_cam))
    found.sort(key=lambda one: (one[0].name, one[1]))
    tracks = [camera.name for camera, *_ in found]
    estimated, true = np.array([one[2] for one in found]), np.array([one[3] for one in found])
    before = np.array(odometry_of(bag, [(camera, stamp) for camera, stamp, *_ in found]))
    return MappedDrive(
        folder=folder,
        before=trajectory_scores(before, true, tracks),
        after=trajectory_scores(estimated, true, tracks),
        absolute_m=_absolute_m(content, estimated, true),
        placed=placement(estimated, true, with_scale=_has_free_scale(content)),
        report=content,
        seconds=content["bench_seconds"],
    )


def _has_free_scale(report: dict[str, Any]) -> bool:
    return "drive" in report and report["drive"]["scale_sigma"] is None


def _absolute_m(report: dict[str, Any], estimated: Poses, true: Poses) -> float | None:
    datum = report.get("drive", {}).get("datum")
    if datum is None:
        return None
    origin = (datum["latitude_deg"], datum["longitude_deg"], datum["altitude_m"])
    return float(np.median(absolute_errors_m(estimated, true, origin, DATUM)))


def camera_and_stamp(name: str, rig: Sequence[RigCamera]) -> tuple[RigCamera, int]:
    """Return the camera and the time of an image that `sfd2 map build` took from a bag, by its name in the map."""
    path = PurePosixPath(name)
    parts = "/".join(path.parts[:-1]).replace("/", "_").split("_")
    camera = rig[0] if len(rig) == 1 else next(one for one in rig if one.name in parts)
    return camera, int(path.stem)


def odometry_of(bag: Path, images: Iterable[tuple[RigCamera, int]]) -> list[Poses]:
    """Return odom_from_cam (4, 4) of images of a bag, by TF."""
    with BagReader(bag) as reader:
        history = bag_transforms(reader)
        return [history.lookup(ODOM, "base_link", stamp) @ camera.base_from_cam for camera, stamp in images]


def recall_in(mapped: MappedDrive, queries: Sequence[tuple[TakenImage, Features]]) -> tuple[int, int, float | None]:
    """Localize the instants of another drive in a map.

    Args:
        mapped: the map, with its place in the true frame.
        queries: images with their features; those of one time are localized together.

    Returns:
        The instants, those localized within `THRESHOLDS[0]` (0.25 m, 2 degrees), and the median error in metres of
        the localized ones; None without any.
    """
    localizer = Localizer(load_map(mapped.folder))
    instants: dict[int, list[tuple[TakenImage, Features]]] = {}
    for image, features in queries:
        instants.setdefault(image.stamp_ns, []).append((image, features))
    errors = []
    for together in instants.values():
        views = [View(features, image.camera.camera, image.camera.base_from_cam) for image, features in together]
        result = localizer.localize_rig(views)
        if isinstance(result, Localized):
            estimated = mapped.placed.moved(result.map_from_base)
            errors.append(pose_error(inverse(estimated), inverse(together[0][0].map_from_base)))
    within = sum(metres <= THRESHOLDS[0][0] and degrees <= THRESHOLDS[0][1] for metres, degrees in errors)
    return len(instants), within, float(np.median([one[0] for one in errors])) if errors else None


def drive_row(
    name: str,
    mapped: MappedDrive,
    reference: MappedDrive | None,
    queries: Sequence[tuple[TakenImage, Features]],
) -> dict[str, Any]:
    """Return the figures of a drive.

    Args:
        name: of the case.
        mapped: its map.
        reference: the map of the true poses; None where no session is localized.
        queries: of another session.
    """
    drive = mapped.report.get("drive", {})
    row: dict[str, Any] = {
        "scene": name,
        "images": mapped.report["images"],
        "landmarks": mapped.report["landmarks"],
        "seconds": mapped.seconds,
        "absolute_m": mapped.absolute_m,
        "loops_found": drive.get("loops"),
        "loops_rejected": drive.get("loops_rejected"),
        **{f"before_{key}": value for key, value in dataclasses.asdict(mapped.before).items()},
        **{f"after_{key}": value for key, value in dataclasses.asdict(mapped.after).items()},
    }
    if reference is not None:
        instants, within, median_m = recall_in(mapped, queries)
        _, best, best_m = recall_in(reference, queries)
        row |= {"queries": instants, "recall": within / instants, "recall_true_poses": best / instants}
        row |= {"query_median_m": median_m, "query_median_true_poses_m": best_m}
    return row


def failed_row(name: str, error: Sfd2Error) -> dict[str, Any]:
    """Return the row of a drive of which no map can be made, with the reason."""
    return {"scene": name, "failed": str(error)}
