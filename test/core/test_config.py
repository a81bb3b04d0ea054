# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings: what is not allowed is refused by name, and nothing is repaired."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfd2_ros.core.config import check_config, config_from_mapping, describe, setting
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features import ExtractorConfig
from sfd2_ros.localization import GatesConfig, LocalizerConfig, MatchingConfig, RetrievalConfig
from sfd2_ros.mapping import MapConfig

CONFIGS = (ExtractorConfig, GatesConfig, MatchingConfig, RetrievalConfig, MapConfig)


@dataclass(frozen=True)
class _Config:
    count: int = setting(3, "How many.", minimum=1, maximum=9)
    share: float = setting(0.5, "Which share.", minimum=0.0, maximum=1.0)
    mode: str = setting("fast", "Which mode.", choices=("fast", "good"))
    on: bool = setting(True, "Whether.")
    free: float = setting(0.0, "Any number.")
    cameras: tuple[str, ...] = setting(("front",), "Names.")


def test_what_is_not_named_keeps_its_default() -> None:
    assert config_from_mapping(_Config, {}) == _Config()
    assert config_from_mapping(_Config, {"count": 9}) == _Config(count=9)


def test_an_unknown_setting_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match=r"unknown setting 'cuont' of _Config; known: cameras, count"):
        config_from_mapping(_Config, {"cuont": 3})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("count", 0, "at least 1"),
        ("count", 10, "at most 9"),
        ("count", 3.0, "type int"),
        ("count", True, "type int"),
        ("count", "3", "type int"),
        ("count", None, "type int"),
        ("share", -1e-9, "at least 0.0"),
        ("share", 1.1, "at most 1.0"),
        ("share", math.inf, "at most 1.0"),
        ("share", math.nan, "must be a number"),
        ("free", math.nan, "must be a number"),
        ("share", "0.5", "type float"),
        ("share", False, "type float"),
        ("mode", "slow", "allowed: 'fast', 'good'"),
        ("mode", 1, "type str"),
        ("on", 1, "type bool"),
        ("cameras", ["front"], "tuple of strings"),
        ("cameras", ("front", 1), "tuple of strings"),
        ("cameras", "front", "tuple of strings"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_name(name: str, value: Any, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        config_from_mapping(_Config, {name: value})
    assert f"setting {name!r} is {value!r}" in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("share", 1), ("free", -3), ("free", math.inf), ("cameras", ())])
def test_a_value_at_the_edge_is_allowed(name: str, value: Any) -> None:
    assert getattr(config_from_mapping(_Config, {name: value}), name) == value


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "count": st.integers(1, 9),
            "share": st.floats(0, 1),
            "mode": st.sampled_from(["fast", "good"]),
            "on": st.booleans(),
            "free": st.floats(allow_nan=False),
            "cameras": st.lists(st.text()).map(tuple),
        },
    )
)
def test_a_dump_loads_to_the_same_settings(values: dict[str, Any]) -> None:
    config = config_from_mapping(_Config, values)
    assert config_from_mapping(_Config, dataclasses.asdict(config)) == config
    assert all(getattr(config, name) == value for name, value in values.items())


@pytest.mark.parametrize("config_class", CONFIGS)
def test_defaults_are_allowed_and_described(config_class: type[Any]) -> None:
    check_config(config_class())
    described = describe(config_class)
    assert set(described) == {field.name for field in dataclasses.fields(config_class)}
    assert len(described) >= 3
    for name, each in described.items():
        assert each.help.endswith("."), name


@pytest.mark.parametrize("config_class", CONFIGS)
def test_every_limit_of_every_setting_is_held(config_class: type[Any]) -> None:
    limited = 0
    for name, each in describe(config_class).items():
        for limit, step in ((each.minimum, -1), (each.maximum, 1)):
            if limit is None:
                continue
            kind = type(getattr(config_class(), name))
            with pytest.raises(ConfigError, match=name):
                config_from_mapping(config_class, {name: kind(limit) + kind(step)})
            limited += 1
    assert limited > 3


def test_settings_in_groups_are_checked_too() -> None:
    check_config(LocalizerConfig())
    with pytest.raises(ConfigError, match="'min_inliers' is 3; it must be at least 4"):
        check_config(LocalizerConfig(gates=GatesConfig(min_inliers=3)))
