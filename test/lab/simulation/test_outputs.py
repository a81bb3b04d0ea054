# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scene folders and bags as their readers see them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from sfd2_lab.simulation.drive import DriveConfig, Frame, World
from sfd2_lab.simulation.drive_bag import write_drive_bag
from sfd2_lab.simulation.recording import GROUND_TRUTH, ODOMETRY_PER_FRAME
from sfd2_lab.simulation.scene_folder import DEPTH_PER_M, Part, drives_by_condition, write_scene
from sfd2_lab.simulation.sensors import SensorConfig
from sfd2_ros.bags.reader import BagReader
from sfd2_ros.core.errors import BagError, ConfigError, OutputError
from sfd2_ros.core.transforms import inverse, rigid_from_quaternion
from sfd2_ros.evaluation.trajectory_file import read_tum
from sfd2_ros.mapping.scene import load_scene
from sfd2_ros.ros.node_config import FeatureNodeConfig, LocalizerNodeConfig


def test_a_scene_reads_back_with_its_truth(
    world: World, small_drive: DriveConfig, frames: list[Frame], tmp_path: Path
) -> None:
    parts = drives_by_condition(small_drive, ["overcast", "night"])
    assert write_scene(world, parts, tmp_path / "scene") == 4
    scene = load_scene(tmp_path / "scene")
    assert [image.name for image in scene.select("map.txt")] == ["overcast/000000.jpg", "overcast/000001.jpg"]
    assert [image.name for image in scene.select("query.txt")] == ["night/000000.jpg", "night/000001.jpg"]
    first = scene.images["overcast/000000.jpg"]
    np.testing.assert_allclose(first.cam_from_world, inverse(frames[0].map_from_cam), atol=1e-9)
    assert first.camera == frames[0].camera.camera
    labels = cv2.imread(str(tmp_path / "scene/labels/overcast/000000.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(labels, frames[0].labels)
    depth = cv2.imread(str(tmp_path / "scene/depth/overcast/000000.png"), cv2.IMREAD_UNCHANGED) / DEPTH_PER_M
    near = np.isfinite(frames[0].depth_m) & (frames[0].depth_m < 250)
    np.testing.assert_allclose(depth[near], frames[0].depth_m[near], atol=0.51 / DEPTH_PER_M)
    assert (depth[np.isinf(frames[0].depth_m)] == 0).all()
    truth = json.loads((tmp_path / "scene/truth.json").read_text(encoding="utf-8"))
    assert truth["classes"]["7"]["ade20k"] == "road"
    assert len(truth["images"]) == 4
    with pytest.raises(OutputError, match="--overwrite"):
        write_scene(world, parts, tmp_path / "scene")


def test_drives_that_share_a_folder_are_refused(world: World, small_drive: DriveConfig, tmp_path: Path) -> None:
    part = Part("day", small_drive, is_map=True)
    with pytest.raises(ConfigError, match="day, day"):
        write_scene(world, [part, part], tmp_path / "scene")


@pytest.mark.parametrize("is_compressed", [False, True], ids=["raw", "compressed"])
def test_a_bag_reads_back_with_its_truth(
    world: World, small_drive: DriveConfig, frames: list[Frame], tmp_path: Path, *, is_compressed: bool
) -> None:
    storage = "mcap" if is_compressed else "sqlite3"
    write_drive_bag(world, small_drive, tmp_path / "bag", storage=storage, is_compressed=is_compressed)
    messages = messages_of(tmp_path / "bag")
    topic = "/camera/image_raw" + ("/compressed" if is_compressed else "")
    assert len(messages[topic]) == len(messages["/camera/camera_info"]) == 2
    assert len(messages["/tf"]) == len(messages["/odom"]) == len(messages["/ground_truth"]) == ODOMETRY_PER_FRAME + 1
    image, info = messages[topic][0], messages["/camera/camera_info"][0]
    if not is_compressed:
        np.testing.assert_array_equal(image.data.reshape(frames[0].image.shape), frames[0].image)
    assert image.header.frame_id == info.header.frame_id == "front_optical"
    assert info.k[0] == frames[0].camera.camera.fx
    truth = messages["/ground_truth"][0]
    assert truth.header.stamp == image.header.stamp
    (mount,) = messages["/tf_static"][0].transforms
    map_from_cam = pose_matrix(truth.pose.position, truth.pose.orientation) @ pose_matrix(
        mount.transform.translation, mount.transform.rotation
    )
    np.testing.assert_allclose(map_from_cam, frames[0].map_from_cam, atol=1e-9)
    (moved,) = messages["/tf"][0].transforms
    assert (moved.header.frame_id, moved.child_frame_id) == ("odom", "base_link")


def test_bag_of_one_camera_has_the_topics_that_the_nodes_subscribe_to_by_default(
    world: World, small_drive: DriveConfig, tmp_path: Path
) -> None:
    write_drive_bag(world, small_drive, tmp_path / "bag")
    with AnyReader([tmp_path / "bag"], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        topics = {connection.topic for connection in reader.connections}
    defaults = FeatureNodeConfig()
    (camera,) = defaults.cameras
    assert LocalizerNodeConfig().cameras == defaults.cameras
    assert {f"/{camera}/{defaults.image_topic}", f"/{camera}/camera_info"} <= topics


def test_bag_of_a_rig_has_topics_by_the_names_of_its_cameras(
    world: World, small_drive: DriveConfig, tmp_path: Path
) -> None:
    drive = replace(small_drive, rig="stereo", frames=1)
    names = [camera.name for camera in world.rig(drive)]
    assert len(names) > 1
    write_drive_bag(world, drive, tmp_path / "bag")
    with AnyReader([tmp_path / "bag"], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        topics = {connection.topic for connection in reader.connections}
    assert {f"/camera/{name}/image_raw" for name in names} <= topics


def test_a_bag_with_sensors_holds_fixes_gravity_and_its_true_poses(
    world: World, small_drive: DriveConfig, frames: list[Frame], tmp_path: Path
) -> None:
    sensors = SensorConfig(gnss_noise_m=1.0, has_imu=True)
    write_drive_bag(world, small_drive, tmp_path / "bag", sensors=sensors)
    messages = messages_of(tmp_path / "bag")
    fix, imu = messages["/gps/fix"][0], messages["/imu/data"][0]
    assert (fix.header.frame_id, imu.header.frame_id) == ("gps_link", "base_link")
    np.testing.assert_allclose(fix.position_covariance.reshape(3, 3), np.diag([1.0, 1.0, 4.0]))
    mounts = {one.child_frame_id: one for one in messages["/tf_static"][0].transforms}
    assert set(mounts) == {"front_optical", "gps_link"}
    upwards = frames[0].map_from_base[2, :3] * 9.81
    np.testing.assert_allclose(pose_vector(imu.linear_acceleration), upwards, atol=0.3)
    truth = read_tum(tmp_path / "bag" / GROUND_TRUTH)
    assert list(truth) == [frame.stamp_ns for frame in frames]
    np.testing.assert_allclose(inverse(truth[frames[1].stamp_ns]), frames[1].map_from_base, atol=1e-9)


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        ("no_camera_info", {"/camera/camera_info": 0}),
        ("no_tf", {"/tf": 0, "/tf_static": 0}),
        # One image is from before the cameras are off, at a third of the drive; the other one would be from after it.
        ("camera_off", {"/camera/camera_info": 1, "/camera/image_raw": 1}),
    ],
)
def test_a_fault_removes_what_it_names_and_nothing_else(
    world: World, small_drive: DriveConfig, tmp_path: Path, fault: str, changed: dict[str, int]
) -> None:
    write_drive_bag(world, small_drive, tmp_path / "bag", sensors=SensorConfig(faults=(fault,)))
    messages = messages_of(tmp_path / "bag")
    poses = dict.fromkeys(("/tf", "/odom", "/ground_truth"), ODOMETRY_PER_FRAME + 1)
    whole = {"/camera/camera_info": 2, "/camera/image_raw": 2, "/tf_static": 1, **poses}
    assert {topic: len(messages.get(topic, [])) for topic in whole} == {**whole, **changed}


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_a_truncated_bag_cannot_be_read_and_says_what_to_do(
    world: World, small_drive: DriveConfig, tmp_path: Path, storage: str
) -> None:
    sensors = SensorConfig(faults=("truncated",))
    write_drive_bag(world, small_drive, tmp_path / "bag", storage=storage, sensors=sensors)
    with pytest.raises(BagError, match="copy it again, or repair"):
        read_all(tmp_path / "bag")


def read_all(bag: Path) -> None:
    with BagReader(bag) as reader:
        for message in reader.messages():
            reader.decode(message)


def messages_of(bag: Path) -> dict[str, list[Any]]:
    messages: dict[str, list[Any]] = {}
    with AnyReader([bag], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        for connection, _, raw in reader.messages():
            messages.setdefault(connection.topic, []).append(reader.deserialize(raw, connection.msgtype))
    return messages


def pose_vector(vector: Any) -> np.ndarray:
    return np.array([vector.x, vector.y, vector.z])


def pose_matrix(position: object, orientation: object) -> np.ndarray:
    quaternion = [getattr(orientation, axis) for axis in "xyzw"]
    return rigid_from_quaternion(quaternion, [getattr(position, axis) for axis in "xyz"])


def test_a_bag_without_frames_or_of_unknown_storage_is_refused(
    world: World, small_drive: DriveConfig, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="0 frames"):
        write_drive_bag(world, replace(small_drive, frames=0), tmp_path / "bag")
    assert not list(tmp_path.iterdir())
