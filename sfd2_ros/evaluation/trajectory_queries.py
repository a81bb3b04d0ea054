# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trajectories in place of pose files and scenes: poses and images that belong together have the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfd2_ros.core.errors import PoseFileError
from sfd2_ros.evaluation.poses_file import read_poses
from sfd2_ros.evaluation.queries import Queries, load_queries
from sfd2_ros.evaluation.trajectory_file import (
    check_stamps,
    is_tum,
    nearest_stamp,
    read_tum,
    seconds_text,
)
from sfd2_ros.mapping.image_list import read_image_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def load_reference(reference: Path, poses: Path, list_name: str | None, tried: Iterable[str]) -> Queries:
    """Read the queries of a scene folder, or of a TUM trajectory.

    Args:
        reference: a scene folder or a TUM trajectory.
        poses: that are scored; their images name the queries of a trajectory.
        list_name: of the queries; of a trajectory, the path of a file. None for the default of a scene, and for every
            pose of a trajectory.
        tried: names of images that were localized or rejected.

    Raises:
        SceneError: a part of the scene, or the list, is missing or unreadable.
        PoseFileError: a trajectory cannot be read, a name holds no time, or a listed image has no reference pose.
    """
    if not reference.is_file():
        return load_queries(reference, list_name)
    trajectory = read_tum(reference)
    if list_name is None:
        names = dict.fromkeys([*([] if is_tum(poses) else read_poses(poses)), *tried])
        return Queries(_by_name(trajectory, names), ())
    from pathlib import Path  # noqa: PLC0415

    listed = read_image_list(Path(list_name))
    by_name = _by_name(trajectory, listed)
    missing = [name for name in listed if name not in by_name]
    if missing:
        raise PoseFileError(
            f"{str(reference)!r} has no pose within a millisecond of {len(missing)} of {len(listed)} listed images, "
            f"such as {missing[0]!r}; list images that have one"
        )
    return Queries({name: by_name[name] for name in listed}, ())


def load_poses(poses: Path, names: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """Read a pose file, or a TUM trajectory whose poses belong to the named images of the same time.

    Returns:
        cam_from_map (4, 4) by image name; a pose of no named image is called by its time.

    Raises:
        PoseFileError: the file cannot be read, or it is a trajectory and a name holds no time.
    """
    names = list(names)
    if not is_tum(poses):
        return read_poses(poses)
    return _by_name(read_tum(poses), names)


def _by_name(trajectory: Mapping[int, NDArray[np.float64]], names: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """Return poses by the name of the image of the same time, or by their time in seconds."""
    stamps = list(trajectory)
    name_of: dict[int, str] = {}
    for stamp_ns, name in check_stamps(names).items():
        near = nearest_stamp(stamps, stamp_ns)
        if near is None:
            continue
        other = name_of.setdefault(near, name)
        if other != name:
            raise PoseFileError(
                f"images {other!r} and {name!r} are less than two milliseconds apart and would share the pose at "
                f"{seconds_text(near)}; score the images of one camera at a time"
            )
    return {name_of.get(stamp, seconds_text(stamp)): pose for stamp, pose in trajectory.items()}
