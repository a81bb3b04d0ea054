# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the cameras of a bag sit on the robot, by TF: the robot is the frame that all of them are fixed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_ros.bags.transform_history import TransformUnavailableError
from sfd2_ros.core.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_ros.bags.transform_history import TransformHistory


@dataclass(frozen=True, eq=False)
class Mounts:
    """Cameras on a robot.

    Attributes:
        base: frame of the robot.
        base_from: (4, 4) of each optical frame.
    """

    base: str
    base_from: dict[str, NDArray[np.float64]]


def mounted_cameras(history: TransformHistory, frames: Sequence[str], world: str) -> Mounts:
    """Find the frame that all cameras are fixed to and that moves in the world.

    Args:
        history: of the whole bag.
        frames: optical frames of the cameras.
        world: frame of odometry.

    Raises:
        BagError: no TF to a camera, or cameras that move against each other.
    """
    carriers = {frame: history.carrier(frame) for frame in frames}
    for frame, carrier in carriers.items():
        if carrier == world.lstrip("/"):
            raise BagError(f"camera frame {frame!r} does not move in {world!r}; name odometry's frame with --frame")
    bases = sorted(set(carriers.values()))
    if len(bases) != 1:
        raise BagError(
            f"the cameras move against each other (they are fixed to {', '.join(map(repr, bases))}); map "
            "those of one frame with --image-topic, or keep the given poses with --trust-poses"
        )
    try:
        return Mounts(bases[0], {frame: history.lookup(bases[0], frame, 0) for frame in frames})
    except TransformUnavailableError as err:
        raise BagError(f"the mount of a camera cannot be read from TF: {err}; record /tf_static") from err
