# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults of cameras, transforms and places, injected into running nodes; each is checked."""

from __future__ import annotations

import dataclasses
import os
import resource
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from sfd2_lab.bench.trials.stand import is_false, is_right
from sfd2_ros.bags.read_poses import NS_PER_S
from sfd2_ros.core.transforms import inverse
from sfd2_ros.core.types import Camera

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfd2_lab.bench.demo.replay import Outcome
    from sfd2_lab.bench.trials.stand import Stand

KIDNAPPED_FRAMES = 6
WAITING = ("transport", "hand_over", "transform")  # steps that are no processing
HOUR_NS = 3_600_000_000_000
LARGE_SIZE = (1600, 1200)  # as large as the network takes: the allocator kept far less of earlier images
ROOM_BYTES = 64 * (1 << 20)  # for the message and its pixels, and not for the network on them


class Seen(NamedTuple):
    """What a fault led to: whether that was right, and in words."""

    is_right: bool
    words: str


def refused(outcome: Outcome, *statuses: str) -> Seen:
    """Return that a frame was rejected, for one of the given reasons where any is given."""
    right = outcome.map_from_base is None and outcome.status not in ("localized", "no_answer")
    return Seen(right and (not statuses or outcome.status in statuses), f"{outcome.status}: {outcome.reason}")


def black(stand: Stand) -> Seen:
    """A covered lens."""
    frame = stand.next_frame()
    return refused(stand.play(frame, image=np.zeros_like(frame.image)))


def over_exposed(stand: Stand) -> Seen:
    """A sensor that is saturated everywhere."""
    frame = stand.next_frame()
    return refused(stand.play(frame, image=np.full_like(frame.image, 255)))


def frozen(stand: Stand) -> Seen:
    """A driver that sends one image again and again, with new stamps, while the robot drives on."""
    first = stand.next_frame()
    told = [stand.play(dataclasses.replace(stand.next_frame(), image=first.image)) for _ in range(5)]
    false = sum(map(is_false, told))
    words = ", ".join(f"{one.status}" for one in told)
    return Seen(false == 0, f"{words}; {false} of {len(told)} poses false")


def truncated(stand: Stand) -> Seen:
    """Less data than step x height."""
    frame = stand.next_frame()
    data = frame.image.tobytes()[:-1000]
    return refused(stand.play(frame, image_changes={"data": data}), "bad_image")


def wrong_step(stand: Stand) -> Seen:
    """A step that is no row."""
    frame = stand.next_frame()
    return refused(stand.play(frame, image_changes={"step": frame.image.shape[1]}), "bad_image")


def wrong_encoding(stand: Stand) -> Seen:
    """An unknown encoding."""
    return refused(stand.play(stand.next_frame(), image_changes={"encoding": "rgb9"}), "bad_image")


def size_without_info(stand: Stand) -> Seen:
    """Images of another size, camera_info as before."""
    frame = stand.next_frame()
    return refused(stand.play(frame, image=_half(frame.image)), "no_camera_info")


def size_with_info(stand: Stand) -> Seen:
    """Images of half the size, with the camera_info that belongs to them: is to be localized."""
    frame = stand.next_frame()
    outcome = stand.play(frame, image=_half(frame.image), camera=_half_camera(frame.camera))
    return Seen(is_right(outcome), f"{outcome.status}: {outcome.reason}")


def uncalibrated(stand: Stand) -> Seen:
    """A camera_info that loses its calibration."""
    return refused(stand.play(stand.next_frame(), info_changes={"k": [0.0] * 9}), "no_camera_info")


def tf_gap(stand: Stand) -> Seen:
    """No odometry around the image."""
    return refused(stand.play(stand.next_frame(), odometry=[]), "no_transform")


def tf_from_the_future(stand: Stand) -> Seen:
    """Odometry an hour ahead of the image."""
    frame = stand.next_frame()
    now_ns = stand.player.now_ns()
    ahead = [type(one)(now_ns + HOUR_NS + i * NS_PER_S, one.odom_from_base) for i, one in enumerate(frame.odometry)]
    return refused(stand.play(frame, odometry=ahead), "no_transform")


def kidnapped(stand: Stand) -> Seen:
    """The robot is carried along the street, unseen by odometry, and drives on from there."""
    start = stand.next_frame()
    far = int(np.argmax([np.linalg.norm(_place(one) - _place(start)) for one in stand.frames]))
    step = 1 if far < len(stand.frames) // 2 else -1
    here_from_there = start.odom_from_base @ inverse(stand.frames[far].odom_from_base)
    told, seconds = [], 0.0
    for frame in (stand.frames[far + step * i] for i in range(KIDNAPPED_FRAMES)):
        moved = tuple(
            dataclasses.replace(one, odom_from_base=here_from_there @ one.odom_from_base) for one in frame.odometry
        )
        told.append(stand.play(dataclasses.replace(frame, odometry=(moved[0], moved[1]))))
        seconds += sum(value for name, value in told[-1].steps.items() if name not in WAITING)
        if is_right(told[-1]):
            break
    metres = float(np.linalg.norm(_place(stand.frames[far]) - _place(start)))
    words = (
        f"carried {metres:.0f} m: {', '.join(one.status for one in told)}; after {len(told)} frames and "
        f"{seconds:.2f} s of processing {'right again' if is_right(told[-1]) else 'still lost'}"
    )
    return Seen(is_right(told[-1]) and not any(map(is_false, told)), words)


def foreign_place(stand: Stand) -> Seen:
    """Images of another town."""
    told = [stand.play(stand.next_frame(), image=image) for image in stand.foreign]
    refusals = [refused(one) for one in told]
    return Seen(
        bool(told) and all(one.is_right for one in refusals),
        f"{len(told)} images: {', '.join(one.status for one in told)}",
    )


def slow_subscriber(stand: Stand) -> Seen:
    """A reliable subscriber of everything that never takes a message."""
    alone = stand.good().latency_s
    stand.player.subscribe_and_never_listen()
    told = [stand.good() for _ in range(4)]
    stand.player.unsubscribe()
    latency = float(np.median([one.latency_s for one in told]))
    words = f"{sum(map(is_right, told))} of 4 frames localized, latency {latency:.2f} s, {alone:.2f} s without it"
    return Seen(all(map(is_right, told)), words)


def map_damaged_at_run_time(stand: Stand) -> Seen:
    """~/load_map of a map with a changed byte: rejected, the old map stays."""
    good: Path = stand.nodes.settings.map_folder
    damaged = stand.nodes.settings.log_folder / "damaged_map"
    shutil.rmtree(damaged, ignore_errors=True)
    shutil.copytree(good, damaged)
    landmarks = damaged / "landmark_positions.npy"
    content = bytearray(landmarks.read_bytes())
    content[len(content) // 2] ^= 0xFF
    landmarks.write_bytes(content)
    loaded, said = stand.player.load_map(str(damaged))
    kept = stand.good()
    return Seen(not loaded and is_right(kept), f"refused: {said}; next frame {kept.status}")


def out_of_memory(stand: Stand) -> Seen:
    """A feature node that gets no more memory while an image comes that needs half a gigabyte."""
    frame, process = stand.next_frame(), stand.nodes.processes["feature_node"]
    camera, (width, height) = frame.camera, LARGE_SIZE
    large = cv2.resize(frame.image, LARGE_SIZE)
    across, down = width / camera.width, height / camera.height
    camera = Camera(width, height, camera.fx * across, camera.fy * down, camera.cx * across, camera.cy * down)
    before = resource.prlimit(process.pid, resource.RLIMIT_AS)
    resource.prlimit(process.pid, resource.RLIMIT_AS, (_address_space(process.pid) + ROOM_BYTES, before[1]))
    try:
        outcome = stand.play(frame, image=large, camera=camera)
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_AS, before)
    return refused(outcome, "bad_image")


RUNNING: dict[str, Callable[[Stand], Seen]] = {
    "black image": black,
    "over-exposed image": over_exposed,
    "frozen image": frozen,
    "truncated image": truncated,
    "wrong step": wrong_step,
    "wrong encoding": wrong_encoding,
    "size changes, camera_info does not": size_without_info,
    "size and camera_info change": size_with_info,
    "camera_info loses its calibration": uncalibrated,
    "TF gap": tf_gap,
    "TF from the future": tf_from_the_future,
    "kidnapped robot": kidnapped,
    "foreign place": foreign_place,
    "slow subscriber": slow_subscriber,
    "map damaged, loaded at run time": map_damaged_at_run_time,
    "out of memory": out_of_memory,
}


def _half(image: Any) -> Any:
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def _half_camera(camera: Camera) -> Camera:
    return Camera(
        camera.width // 2,
        camera.height // 2,
        camera.fx / 2,
        camera.fy / 2,
        (camera.cx - 0.5) / 2,
        (camera.cy - 0.5) / 2,
        camera.distortion_model,
        camera.distortion,
    )


def _place(frame: Any) -> Any:
    return frame.map_from_base[:3, 3]


def _address_space(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")
