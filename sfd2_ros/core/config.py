# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings: frozen dataclasses whose fields say what they mean and what is allowed; the only home of defaults."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, TypeVar, get_origin, get_type_hints

from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ConfigT = TypeVar("ConfigT")


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is known of one setting beside its default.

    Attributes:
        help: meaning, unit and effect, in one sentence.
        minimum: smallest allowed number, or None.
        maximum: largest allowed number, or None.
        choices: allowed values, or empty for any.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()


def setting(
    default: Any,
    help_text: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[Any] = (),
) -> Any:
    """Declare a field of a settings dataclass with its default, help and limits."""
    described = Setting(help_text, minimum, maximum, tuple(choices))
    return dataclasses.field(default=default, metadata={"setting": described})


def describe(config_class: type[Any]) -> dict[str, Setting]:
    """Return the description of every setting of a dataclass, by field name; groups of settings are left out."""
    return {
        field.name: field.metadata["setting"]
        for field in dataclasses.fields(config_class)
        if "setting" in field.metadata
    }


def config_from_mapping(config_class: type[ConfigT], values: Mapping[str, Any]) -> ConfigT:
    """Make a settings object; what is not named keeps its default.

    Args:
        config_class: a frozen dataclass whose fields were declared with `setting`.
        values: settings by name.

    Raises:
        ConfigError: a key is unknown, a value has the wrong type or is not allowed. Nothing is repaired.
    """
    known = {field.name for field in dataclasses.fields(config_class)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise ConfigError(f"unknown setting {key!r} of {config_class.__name__}; known: {', '.join(sorted(known))}")
    config = config_class(**values)
    check_config(config)
    return config


def check_config(config: Any) -> None:
    """Check type and limits of every setting of a settings object, and of its groups.

    Raises:
        ConfigError: names the setting, the value and what is allowed.
    """
    types = get_type_hints(type(config))
    for name, described in describe(type(config)).items():
        check_value(name, getattr(config, name), types[name], described)
    for group in vars(config).values():
        if dataclasses.is_dataclass(group):
            check_config(group)


def check_value(name: str, value: Any, expected: type, described: Setting) -> None:
    """Check one value against its type and limits.

    Raises:
        ConfigError: names the setting, the value and what is allowed.
    """
    if not _has_type(value, expected):
        named = "tuple of strings" if get_origin(expected) is tuple else expected.__name__
        raise ConfigError(f"setting {name!r} is {value!r}; it must be of type {named}")
    if isinstance(value, float) and math.isnan(value):
        raise ConfigError(f"setting {name!r} is {value!r}; it must be a number")
    if described.choices and value not in described.choices:
        raise ConfigError(f"setting {name!r} is {value!r}; allowed: {', '.join(map(repr, described.choices))}")
    if described.minimum is not None and not value >= described.minimum:
        raise ConfigError(f"setting {name!r} is {value!r}; it must be at least {described.minimum}")
    if described.maximum is not None and not value <= described.maximum:
        raise ConfigError(f"setting {name!r} is {value!r}; it must be at most {described.maximum}")


def _has_type(value: Any, expected: Any) -> bool:
    """Return whether a value is of a setting's type: int, float (whole ones do), bool, str, tuple[str, ...]."""
    if get_origin(expected) is tuple:
        return type(value) is tuple and all(type(each) is str for each in value)
    return type(value) in ((int, float) if expected is float else (expected,))
