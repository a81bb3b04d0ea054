# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features import ExtractorConfig
from sfd2_ros.localization import FusionConfig
from sfd2_ros.ros.camera_settings import camera_turns, check_cameras
from sfd2_ros.ros.node_config import (
    LOCALIZER_SETTINGS,
    FeatureNodeConfig,
    LocalizerNodeConfig,
    check_frames,
    check_fusion,
)

FEATURE_NODE: dict[str, type[Any]] = {"": FeatureNodeConfig, "extractor": ExtractorConfig}
LOCALIZER_NODE = LOCALIZER_SETTINGS
CONFIG = Path(__file__).resolve().parents[2] / "config"


@pytest.mark.ros
@pytest.mark.usefixtures("ros")
class TestResolve:
    def test_what_is_not_given_has_its_default(self) -> None:
        from sfd2_ros.ros.parameters import resolve

        assert resolve({}, FEATURE_NODE) == {"": FeatureNodeConfig(), "extractor": ExtractorConfig()}

    def test_names_carry_the_prefix_of_their_component(self) -> None:
        from sfd2_ros.ros.parameters import resolve

        found = resolve({"extractor.max_keypoints": 99, "cameras": ["front", "rear"]}, FEATURE_NODE)
        assert found["extractor"].max_keypoints == 99
        assert found[""].cameras == ("front", "rear")

    def test_whole_number_given_for_a_real_one_is_real(self) -> None:
        from sfd2_ros.ros.parameters import resolve

        timeout = resolve({"transform_timeout_s": 2}, LOCALIZER_NODE)[""].transform_timeout_s
        assert (timeout, type(timeout)) == (2.0, float)

    @pytest.mark.parametrize(
        ("settings", "given", "words"),
        [
            (FEATURE_NODE, {"extractor.max_keypoint": 5}, "unknown parameter 'extractor.max_keypoint'; known: "),
            (FEATURE_NODE, {"max_keypoints": 5}, "unknown parameter 'max_keypoints'"),
            (FEATURE_NODE, {"extractor.max_keypoints": 0}, "'max_keypoints' is 0; it must be at least 1.*'extractor'"),
            (FEATURE_NODE, {"extractor.max_keypoints": 5.5}, "'max_keypoints' is 5.5; it must be of type int"),
            (FEATURE_NODE, {"image_transport": "theora"}, "'theora'; allowed: 'raw', 'compressed'"),
            (FEATURE_NODE, {"cameras": "front"}, "'front'; it must be of type tuple of strings"),
            (FEATURE_NODE, {"autostart": "yes"}, "'autostart' is 'yes'; it must be of type bool"),
            (LOCALIZER_NODE, {"publish": "odom_to_map"}, "'odom_to_map'; allowed: 'map_to_odom'"),
            (LOCALIZER_NODE, {"transform_timeout_s": -0.1}, "must be at least 0"),
            (LOCALIZER_NODE, {"diagnostics_period_s": 1e12}, "must be at most 3600"),
            (LOCALIZER_NODE, {"transform_tolerance_s": 1e300}, "must be at most 3600"),
            (FEATURE_NODE, {"diagnostics_period_s": 1e12}, "must be at most 3600"),
        ],
    )
    def test_wrong_parameters_are_refused_with_key_value_and_what_is_allowed(
        self, settings: dict[str, type[Any]], given: dict[str, Any], words: str
    ) -> None:
        from sfd2_ros.ros.parameters import resolve

        with pytest.raises(ConfigError, match=words):
            resolve(given, settings)


@pytest.mark.parametrize("cameras", [(), ("front", "front")])
def test_cameras_need_names_of_their_own(cameras: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="each once"):
        check_cameras(cameras)


@pytest.mark.parametrize("name", ["", "cam era", "front//left", "1cam", "front/", "käse", "{x}", "~front", "//front"])
def test_a_name_that_topics_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"'cameras' has .*allowed are letters"):
        check_cameras(("rear", name))
    with pytest.raises(ConfigError, match=r"'image_topic' is .*allowed are letters"):
        check_cameras(("rear",), name)


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("", {}),
        ("front:90", {"front": 90}),
        (" front : 180 , /robot_1/cam2:270,", {"front": 180, "/robot_1/cam2": 270}),
    ],
)
def test_single_cameras_can_be_turned(text: str, turns: dict[str, int]) -> None:
    config = FeatureNodeConfig(cameras=("front", "/robot_1/cam2", "rear"), camera_turns=text)
    assert camera_turns(config) == turns


@pytest.mark.parametrize("text", ["front", "front:45", "side:90", "front:90,front:90", ":90", "front:9O", "90:front"])
def test_turns_that_fit_no_camera_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"'camera_turns' has '.*name:degrees is needed"):
        camera_turns(FeatureNodeConfig(cameras=("front",), camera_turns=text))


def test_names_with_parts_and_absolute_ones_are_allowed() -> None:
    check_cameras(("front", "/robot_1/cam2", "~/left", "rig/_x"), "depth/image_rect")


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ({"base_frame": ""}, "leading '/'"),
        ({"map_frame": "/map"}, "leading '/'"),
        ({"odom_frame": "base_link"}, "one frame twice"),
        ({"map_frame": "odom"}, "one frame twice"),
    ],
)
def test_frames_must_be_those_of_a_tree(frames: dict[str, str], words: str) -> None:
    check_frames(LocalizerNodeConfig())
    check_frames(LocalizerNodeConfig(map_frame="town"))
    check_frames(LocalizerNodeConfig(publish="map_to_base", odom_frame=""))
    with pytest.raises(ConfigError, match=words):
        check_frames(LocalizerNodeConfig(**frames))


@pytest.mark.parametrize("publish", ["map_to_base", "none"])
def test_fusion_without_odometry_is_refused(publish: str) -> None:
    check_fusion(LocalizerNodeConfig(), FusionConfig(enabled=True))
    check_fusion(LocalizerNodeConfig(publish=publish), FusionConfig())
    with pytest.raises(ConfigError, match=f"'fusion.enabled' is True and 'publish' is '{publish}'; .* map_to_odom"):
        check_fusion(LocalizerNodeConfig(publish=publish), FusionConfig(enabled=True))


@pytest.mark.parametrize(("node", "settings"), [("feature_node", FEATURE_NODE), ("localizer_node", LOCALIZER_NODE)])
def test_params_file_is_complete_and_equal_to_the_defaults(node: str, settings: dict[str, type[Any]]) -> None:
    given = yaml.safe_load((CONFIG / "localize.yaml").read_text("utf-8"))[f"/**/{node}"]["ros__parameters"]
    assert given == expected_tree(settings)


def test_the_first_five_settings_of_the_localizer_are_those_to_start_with() -> None:
    given = yaml.safe_load((CONFIG / "localize.yaml").read_text("utf-8"))["/**/localizer_node"]["ros__parameters"]
    assert list(given)[:5] == ["map", "cameras", "publish", "base_frame", "odom_frame"]


@pytest.mark.ros
@pytest.mark.usefixtures("ros")
@pytest.mark.parametrize(
    ("former", "new"),
    [
        ("localizer.candidates", "localizer.retrieval.candidates"),
        ("localizer.guided_radius_px", "localizer.matching.guided_radius_px"),
        ("localizer.min_inliers", "localizer.gates.min_inliers"),
        ("localizer.covariance_scale", "localizer.noise.covariance_scale"),
        ("localizer.min_agreement", "localizer.gates.min_log_likelihood_ratio"),
        ("tracker.max_jump", "localizer.gates.max_jump"),
    ],
)
def test_a_former_parameter_name_is_an_error_that_gives_the_new_one(former: str, new: str) -> None:
    from sfd2_ros.ros.parameters import resolve

    with pytest.raises(ConfigError, match=f"unknown parameter '{former}'; its name is now '{new}'"):
        resolve({former: 12}, LOCALIZER_NODE)


def test_params_file_explains_every_parameter() -> None:
    lines = (CONFIG / "localize.yaml").read_text("utf-8").splitlines()
    settings = [number for number, line in enumerate(lines) if ": " in line and not line.strip().startswith("#")]
    assert len(settings) > 30
    for number in settings:
        assert lines[number - 1].strip().startswith("#"), f"line {number + 1} has no comment above it: {lines[number]}"


def expected_tree(settings: dict[str, type[Any]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for prefix, config_class in settings.items():
        values = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(config_class()).items()}
        group, _, name = prefix.rpartition(".")
        place = tree.setdefault(group, {}) if group else tree
        place.update({name: values} if name else values)
    return tree


@pytest.mark.ros
@pytest.mark.usefixtures("ros")
def test_changes_that_come_too_late_are_refused_and_those_that_change_nothing_are_not() -> None:
    from sfd2_ros.ros.parameters import changed, refuse_late_changes, resolve

    before = resolve({"map": "/a"}, LOCALIZER_NODE)
    changeable = ("localizer.*", "max_age_s")

    def refused(*, is_configured: bool, **given: Any) -> str:
        after = changed(before, {name.replace("__", "."): value for name, value in given.items()})
        try:
            refuse_late_changes(before, after, changeable, is_configured=is_configured)
        except ConfigError as err:
            return str(err)
        return ""

    assert refused(is_configured=True, localizer__gates__min_inliers=50, max_age_s=1) == ""
    assert "'map' needs configure" in refused(is_configured=True, map="/b")
    assert refused(is_configured=False, map="/b") == ""
    assert refused(is_configured=True, map="/a", cameras=["camera"]) == ""
    assert "restart the node" in refused(is_configured=False, cameras=["front"])
