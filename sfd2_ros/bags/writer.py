# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes rosbag2 folders without ROS: images, intrinsics, transforms, odometry, poses."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from sfd2_ros.core.errors import BagError
from sfd2_ros.core.files import atomic_folder
from sfd2_ros.core.transforms import quaternion_xyzw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_ros.core.types import Camera

    Transform = tuple[str, str, NDArray[np.float64]]

BAG_MARKER = "metadata.yaml"
STORAGES = {"sqlite3": StoragePlugin.SQLITE3, "mcap": StoragePlugin.MCAP}

# Version 8 is the newest whose metadata Humble still reads; later releases read it too.
_METADATA_VERSION: Literal[8] = 8


@contextlib.contextmanager
def open_bag(path: Path, *, storage: str = "sqlite3", overwrite: bool = False) -> Iterator[BagWriter]:
    """Yield a writer whose bag appears at `path` when the block ends without an error.

    Args:
        path: the folder to make.
        storage: "sqlite3" or "mcap".
        overwrite: replace an existing bag.

    Raises:
        BagError: the storage is unknown.
        OutputError: `path` exists and `overwrite` is false, or it cannot be written.
    """
    plugin = storage_named(storage)
    with atomic_folder(path, overwrite=overwrite, marker=BAG_MARKER) as folder:
        # The library names the data file after its folder, so the folder must have the final name already.
        inner = folder / path.name
        with Writer(inner, version=_METADATA_VERSION, storage_plugin=plugin) as writer:
            yield BagWriter(writer)
        for part in inner.iterdir():
            part.rename(folder / part.name)
        inner.rmdir()


def storage_named(name: str) -> StoragePlugin:
    """Return the storage of a name.

    Raises:
        BagError: there is none of that name.
    """
    if name not in STORAGES:
        raise BagError(f"unknown bag storage {name!r}; allowed: {', '.join(STORAGES)}")
    return STORAGES[name]


class BagWriter:
    """Turns arrays into messages and writes them; stamps are nanoseconds and also the time of recording."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._connections: dict[str, Any] = {}

    def image(self, topic: str, stamp_ns: int, frame: str, picture: NDArray[np.uint8]) -> None:
        """Write a picture (h, w, 3) uint8 RGB as sensor_msgs/Image rgb8."""
        height, width = picture.shape[:2]
        fields = {
            "header": self._header(stamp_ns, frame),
            "height": height,
            "width": width,
            "encoding": "rgb8",
            "is_bigendian": 0,
            "step": width * 3,
            "data": np.ascontiguousarray(picture).reshape(-1),
        }
        self._write(topic, "sensor_msgs/msg/Image", stamp_ns, fields)

    def compressed_image(self, topic: str, stamp_ns: int, frame: str, encoded: bytes, image_format: str) -> None:
        """Write an encoded picture as sensor_msgs/CompressedImage; `image_format` is "jpeg" or "png"."""
        data = np.frombuffer(encoded, np.uint8)
        fields = {"header": self._header(stamp_ns, frame), "format": image_format, "data": data}
        self._write(topic, "sensor_msgs/msg/CompressedImage", stamp_ns, fields)

    def camera_info(self, topic: str, stamp_ns: int, frame: str, camera: Camera) -> None:
        """Write intrinsics as sensor_msgs/CameraInfo.

        A camera without distortion is written as plumb_bob with five zeros, as camera drivers do.
        """
        is_ideal = camera.distortion_model == "none"
        region = self._message(
            "sensor_msgs/msg/RegionOfInterest",
            {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False},
        )
        projection = np.concatenate([camera.matrix, np.zeros((3, 1))], axis=1)
        fields = {
            "header": self._header(stamp_ns, frame),
            "height": camera.height,
            "width": camera.width,
            "distortion_model": "plumb_bob" if is_ideal else camera.distortion_model,
            "d": np.zeros(5) if is_ideal else np.array(camera.distortion, dtype=np.float64),
            "k": camera.matrix.reshape(-1),
            "r": np.eye(3).reshape(-1),
            "p": projection.reshape(-1),
            "binning_x": 0,
            "binning_y": 0,
            "roi": region,
        }
        self._write(topic, "sensor_msgs/msg/CameraInfo", stamp_ns, fields)

    def transforms(self, stamp_ns: int, transforms: Sequence[Transform]) -> None:
        """Write (parent, child, parent_from_child) as one message on /tf."""
        fields = {"transforms": [self._transform(stamp_ns, *transform) for transform in transforms]}
        self._write("/tf", "tf2_msgs/msg/TFMessage", stamp_ns, fields)

    def static_transforms(self, stamp_ns: int, transforms: Sequence[Transform]) -> None:
        """Write (parent, child, parent_from_child) as one latched message on /tf_static."""
        fields = {"transforms": [self._transform(stamp_ns, *transform) for transform in transforms]}
        self._write("/tf_static", "tf2_msgs/msg/TFMessage", stamp_ns, fields, [_latched()])

    def odometry(
        self,
        topic: str,
        stamp_ns: int,
        frames: tuple[str, str],
        parent_from_child: NDArray[np.float64],
        twist: NDArray[np.float64],
    ) -> None:
        """Write nav_msgs/Odometry.

        Args:
            topic: where to.
            stamp_ns: time.
            frames: parent and child.
            parent_from_child: (4, 4) pose.
            twist: (6,) metres and radians a second, along and about the axes of the child.
        """
        zero = np.zeros(36)
        velocity = self._message(
            "geometry_msgs/msg/Twist", {"linear": self._vector(twist[:3]), "angular": self._vector(twist[3:])}
        )
        pose = {"pose": self._pose(parent_from_child), "covariance": zero}
        fields = {
            "header": self._header(stamp_ns, frames[0]),
            "child_frame_id": frames[1],
            "pose": self._message("geometry_msgs/msg/PoseWithCovariance", pose),
            "twist": self._message("geometry_msgs/msg/TwistWithCovariance", {"twist": velocity, "covariance": zero}),
        }
        self._write(topic, "nav_msgs/msg/Odometry", stamp_ns, fields)

    def pose(self, topic: str, stamp_ns: int, frame: str, frame_from_child: NDArray[np.float64]) -> None:
        """Write geometry_msgs/PoseStamped."""
        fields = {"header": self._header(stamp_ns, frame), "pose": self._pose(frame_from_child)}
        self._write(topic, "geometry_msgs/msg/PoseStamped", stamp_ns, fields)

    def nav_sat_fix(
        self, topic: str, stamp_ns: int, frame: str, geodetic: Sequence[float], stddev_m: Sequence[float]
    ) -> None:
        """Write sensor_msgs/NavSatFix.

        Args:
            topic: where to.
            stamp_ns: time.
            frame: of the antenna.
            geodetic: latitude and longitude in degrees, height in metres above the ellipsoid WGS84.
            stddev_m: (3,) standard deviations towards east, north and up, metres.
        """
        status = self._message("sensor_msgs/msg/NavSatStatus", {"status": 0, "service": 1})
        latitude, longitude, altitude = (float(value) for value in geodetic)
        fields = {
            "header": self._header(stamp_ns, frame),
            "status": status,
            "latitude": latitude,
            "longitude": longitude,
            "altitude": altitude,
            "position_covariance": np.diag(np.square(np.asarray(stddev_m, np.float64))).reshape(-1),
            "position_covariance_type": 2,  # COVARIANCE_TYPE_DIAGONAL_KNOWN
        }
        self._write(topic, "sensor_msgs/msg/NavSatFix", stamp_ns, fields)

    def imu(
        self,
        topic: str,
        stamp_ns: int,
        frame: str,
        acceleration_mps2: NDArray[np.float64],
        angular_radps: NDArray[np.float64],
    ) -> None:
        """Write sensor_msgs/Imu without an orientation: (3,) specific force and (3,) angular velocity in `frame`."""
        unknown, no_orientation = np.zeros(9), np.array([-1.0, *np.zeros(8)])
        fields = {
            "header": self._header(stamp_ns, frame),
            "orientation": self._quaternion(np.eye(4)),
            "orientation_covariance": no_orientation,
            "angular_velocity": self._vector(angular_radps),
            "angular_velocity_covariance": unknown,
            "linear_acceleration": self._vector(acceleration_mps2),
            "linear_acceleration_covariance": unknown,
        }
        self._write(topic, "sensor_msgs/msg/Imu", stamp_ns, fields)

    def attach(self, name: str, text: str) -> None:
        """Write a text file into the folder of the bag."""
        (self._writer.path / name).write_text(text, encoding="utf-8")

    def _write(self, topic: str, kind: str, stamp_ns: int, fields: dict[str, Any], qos: Sequence[Qos] = ()) -> None:
        if topic not in self._connections:
            connection = self._writer.add_connection(topic, kind, typestore=self._store, offered_qos_profiles=qos)
            self._connections[topic] = connection
        raw = self._store.serialize_cdr(self._message(kind, fields), kind)
        self._writer.write(self._connections[topic], stamp_ns, raw)

    def _message(self, kind: str, fields: dict[str, Any]) -> Any:
        return self._store.types[kind](**fields)

    def _header(self, stamp_ns: int, frame: str) -> Any:
        seconds, rest = divmod(stamp_ns, 1_000_000_000)
        stamp = self._message("builtin_interfaces/msg/Time", {"sec": seconds, "nanosec": rest})
        return self._message("std_msgs/msg/Header", {"stamp": stamp, "frame_id": frame})

    def _vector(self, xyz: NDArray[np.float64]) -> Any:
        x, y, z = (float(value) for value in xyz)
        return self._message("geometry_msgs/msg/Vector3", {"x": x, "y": y, "z": z})

    def _quaternion(self, a_from_b: NDArray[np.float64]) -> Any:
        x, y, z, w = (float(value) for value in quaternion_xyzw(a_from_b))
        return self._message("geometry_msgs/msg/Quaternion", {"x": x, "y": y, "z": z, "w": w})

    def _pose(self, a_from_b: NDArray[np.float64]) -> Any:
        x, y, z = (float(value) for value in a_from_b[:3, 3])
        point = self._message("geometry_msgs/msg/Point", {"x": x, "y": y, "z": z})
        fields = {"position": point, "orientation": self._quaternion(a_from_b)}
        return self._message("geometry_msgs/msg/Pose", fields)

    def _transform(self, stamp_ns: int, parent: str, child: str, parent_from_child: NDArray[np.float64]) -> Any:
        parts = {"translation": self._vector(parent_from_child[:3, 3]), "rotation": self._quaternion(parent_from_child)}
        fields = {
            "header": self._header(stamp_ns, parent),
            "child_frame_id": child,
            "transform": self._message("geometry_msgs/msg/Transform", parts),
        }
        return self._message("geometry_msgs/msg/TransformStamped", fields)


def _latched() -> Qos:
    """Return the quality of service of /tf_static: late subscribers still get it."""
    unset = QosTime(0, 0)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL,
        deadline=unset,
        lifespan=unset,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=unset,
        avoid_ros_namespace_conventions=False,
    )
