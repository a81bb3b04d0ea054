# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ROS parameters made from settings dataclasses, so that names, defaults, limits and help have one home.

A node's settings are a mapping from a prefix to a dataclass: "" for the node's own (`device`), "extractor" for those
of a component (`extractor.max_keypoints`).
"""

from __future__ import annotations

import dataclasses
import enum
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, get_type_hints

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from sfd2_ros.core.config import Setting, config_from_mapping, describe
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rclpy.node import Node

INT64_MAX = 2**63 - 1
# What rclpy declares by itself.
FOREIGN_PREFIXES = ("use_sim_time", "start_type_description_service", "qos_overrides.")
# Topics and services are made from these when a node is made.
AT_START = ("autostart", "cameras")


RENAMED = {
    "localizer.min_agreement": "localizer.gates.min_log_likelihood_ratio",
    "tracker.max_jump": "localizer.gates.max_jump",
}
"""Parameters whose last part or node changed, by their former name. A parameter that only moved into a group is found
by its last part."""


class Moment(enum.Enum):
    """When a parameter is read, in the words of its description."""

    START = "Read when the node is started."
    CONFIGURE = "Read when the node is configured."
    ALWAYS = "May be changed at any time."


def declare(
    node: Node,
    settings: Mapping[str, type[Any]],
    ignored: Mapping[str, type[Any]] | None = None,
    changeable: Sequence[str] = (),
) -> dict[str, Any]:
    """Declare the parameters of a node and return its settings, by the same prefixes.

    Args:
        node: made with `automatically_declare_parameters_from_overrides=True`, which is rclpy's only public way to
            learn what a user has set, misspelt names included.
        settings: settings dataclass by prefix.
        ignored: settings of another node in the same process, for which parameters may be meant that name no node.
        changeable: patterns of the names that may be changed at any time.

    Raises:
        ConfigError: a parameter is unknown, has the wrong type or is out of range. Nothing is repaired.
    """
    given = {name: parameter.value for name, parameter in node.get_parameters_by_prefix("").items()}
    given = {name: value for name, value in given.items() if not name.startswith(FOREIGN_PREFIXES)}
    foreign = _known(ignored or {}).keys() - _known(settings).keys()
    for name in foreign & given.keys():
        node.undeclare_parameter(name)
    configs = resolve({name: value for name, value in given.items() if name not in foreign}, settings)
    for prefix, config_class in settings.items():
        types = get_type_hints(config_class)
        for name, described in describe(config_class).items():
            full_name = parameter_name(prefix, name)
            if node.has_parameter(full_name):
                node.undeclare_parameter(full_name)
            value = getattr(configs[prefix], name)
            descriptor = _descriptor(full_name, types[name], described, moment_of(full_name, changeable))
            node.declare_parameter(full_name, _to_ros(value), descriptor, ignore_override=True)
    return configs


def resolve(given: Mapping[str, Any], settings: Mapping[str, type[Any]]) -> dict[str, Any]:
    """Return the settings, by prefix, that parameters by full name stand for.

    Raises:
        ConfigError: a name is unknown, a value has the wrong type or is out of range.
    """
    known = _known(settings)
    chosen: dict[str, dict[str, Any]] = {prefix: {} for prefix in settings}
    for full_name, value in given.items():
        if full_name not in known:
            raise ConfigError(f"unknown parameter {full_name!r}; {_advice(full_name, known)}")
        prefix, name = known[full_name]
        types = get_type_hints(settings[prefix])
        chosen[prefix][name] = _from_ros(value, types[name])
    return {prefix: _make(prefix, config_class, chosen[prefix]) for prefix, config_class in settings.items()}


def _advice(full_name: str, known: Mapping[str, Any]) -> str:
    """Return the new name of a parameter that was renamed or moved into a group, or all known names."""
    prefix, _, last = full_name.rpartition(".")
    moved = [name for name in known if name.startswith(f"{prefix}.") and name.rpartition(".")[2] == last]
    new_name = RENAMED.get(full_name) or (moved[0] if prefix and len(moved) == 1 else None)
    return f"its name is now {new_name!r}" if new_name in known else f"known: {', '.join(sorted(known))}"


def moment_of(full_name: str, changeable: Sequence[str]) -> Moment:
    """Return when a parameter is read."""
    if full_name in AT_START:
        return Moment.START
    return Moment.ALWAYS if any(fnmatchcase(full_name, each) for each in changeable) else Moment.CONFIGURE


def refuse_late_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], changeable: Sequence[str], *, is_configured: bool
) -> None:
    """Refuse changes that would have no effect any more.

    Args:
        before: settings by prefix.
        after: the same with what was changed.
        changeable: patterns of those that may be changed at any time.
        is_configured: whether the node has read the others.

    Raises:
        ConfigError: names the parameter and what to do.
    """
    old, new = _flat(before), _flat(after)
    for name in (name for name in new if new[name] != old[name]):
        moment = moment_of(name, changeable)
        if moment is Moment.START:
            raise ConfigError(f"parameter {name!r} is read when the node is started; restart the node with it")
        if moment is Moment.CONFIGURE and is_configured:
            raise ConfigError(
                f"parameter {name!r} needs configure: it is read when the node is configured; deactivate and clean up "
                "the node (ros2 lifecycle set), change it, then configure and activate"
            )


def changed(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, by prefix, with some parameters changed.

    Args:
        settings: settings objects by prefix.
        given: values by full name.

    Raises:
        ConfigError: a name is unknown, a value has the wrong type or is out of range.
    """
    return resolve({**_flat(settings), **given}, {prefix: type(config) for prefix, config in settings.items()})


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of settings by full name."""
    return {
        parameter_name(prefix, name): value
        for prefix, config in settings.items()
        for name, value in vars(config).items()
    }


def parameter_name(prefix: str, name: str) -> str:
    """Return the full name of a setting."""
    return f"{prefix}.{name}" if prefix else name


def _known(settings: Mapping[str, type[Any]]) -> dict[str, tuple[str, str]]:
    """Return prefix and field of every setting, by the full name of its parameter."""
    return {
        parameter_name(prefix, field.name): (prefix, field.name)
        for prefix, config_class in settings.items()
        for field in dataclasses.fields(config_class)
    }


def _make(prefix: str, config_class: type[Any], values: Mapping[str, Any]) -> Any:
    try:
        return config_from_mapping(config_class, values)
    except ConfigError as err:
        where = f" (parameter prefix {prefix!r})" if prefix else ""
        raise ConfigError(f"{err}{where}") from err


def _to_ros(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _from_ros(value: Any, expected: Any) -> Any:
    """Return a parameter's value as a setting: a list is a tuple, and a whole number given for a real one is real."""
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if expected is float and type(value) is int:
        return float(value)
    return value


def _descriptor(name: str, expected: Any, described: Setting, moment: Moment) -> ParameterDescriptor:
    choices = f"one of: {', '.join(map(str, described.choices))}" if described.choices else ""
    descriptor = ParameterDescriptor(
        name=name,
        description=f"{described.help} {moment.value}",
        additional_constraints=choices,
        read_only=moment is Moment.START,
    )
    limits = (described.minimum, described.maximum)
    if limits == (None, None):
        return descriptor
    low, high = limits
    if expected is int:
        lowest, highest = -INT64_MAX if low is None else int(low), INT64_MAX if high is None else int(high)
        descriptor.integer_range = [IntegerRange(from_value=lowest, to_value=highest, step=1)]
    else:
        largest = sys.float_info.max
        lowest_real, highest_real = -largest if low is None else float(low), largest if high is None else float(high)
        descriptor.floating_point_range = [FloatingPointRange(from_value=lowest_real, to_value=highest_real, step=0.0)]
    return descriptor
