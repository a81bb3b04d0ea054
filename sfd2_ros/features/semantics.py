# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How lasting things are: labels of known label sets, the groups they belong to, and the stability of each group."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

import sfd2_ros
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

STABILITY_TABLE = Path(sfd2_ros.__file__).parent / "data" / "stability.yaml"
"""The table that comes with the package."""
NOT_LABELLED = 255
"""Class of pixels whose label says nothing about stability."""
CLASS_COUNT = 3
"""Classes of the network's stability head."""

_GROUPS = ("volatile", "dynamic", "short_term", "long_term")


@dataclass(frozen=True)
class StabilityTable:
    """Groups and label sets.

    Attributes:
        values: stability in [0, 1] by group: volatile, dynamic, short_term, long_term.
        classes: class of the network's stability head by group.
        label_sets: by name, the (label, group) pairs in the order of the label numbers; group None: not labelled.
    """

    values: dict[str, float]
    classes: dict[str, int]
    label_sets: dict[str, tuple[tuple[str, str | None], ...]]

    @property
    def class_values(self) -> tuple[float, ...]:
        """Stability by class of the network."""
        by_class = {self.classes[group]: self.values[group] for group in _GROUPS}
        return tuple(by_class[index] for index in range(CLASS_COUNT))

    def classes_of(self, label_set: str) -> NDArray[np.uint8]:
        """Return the network's class by label number, (L,) uint8, `NOT_LABELLED` for labels without a class.

        Raises:
            ConfigError: there is no such label set.
        """
        if label_set not in self.label_sets:
            known = ", ".join(sorted(self.label_sets))
            raise ConfigError(f"label set {label_set!r} is not known; allowed: {known}")
        groups = [group for _, group in self.label_sets[label_set]]
        return np.array([NOT_LABELLED if group is None else self.classes[group] for group in groups], np.uint8)


def load_stability_table(path: Path = STABILITY_TABLE) -> StabilityTable:
    """Read and check a stability table.

    Raises:
        ConfigError: the file is missing or no YAML, a group is missing or unknown, a value is out of range, groups of
            one class differ in value, or a label is there twice.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise ConfigError(f"stability table {str(path)!r} cannot be read: {err}") from err
    try:
        return _checked_table(content)
    except ConfigError as err:
        raise ConfigError(f"stability table {str(path)!r}: {err}") from err


def _checked_table(content: Any) -> StabilityTable:
    if not isinstance(content, dict) or set(content) != {"groups", "label_sets"}:
        raise ConfigError("it must have the two keys 'groups' and 'label_sets'")
    groups = content["groups"]
    if not isinstance(groups, dict) or set(groups) != set(_GROUPS):
        raise ConfigError(f"groups must be {', '.join(_GROUPS)}")
    for name, group in groups.items():
        _check_group(name, group)
    values = {name: float(group["value"]) for name, group in groups.items()}
    classes = {name: int(group["class"]) for name, group in groups.items()}
    pairs = {(classes[name], values[name]) for name in _GROUPS}
    if sorted(number for number, _ in pairs) != list(range(CLASS_COUNT)):
        raise ConfigError(
            f"every class from 0 to {CLASS_COUNT - 1} needs one value, got (class, value) {sorted(pairs)}"
        )
    if not isinstance(content["label_sets"], dict):
        raise ConfigError("'label_sets' must name label sets")
    return StabilityTable(
        values, classes, {name: _checked_labels(name, rows) for name, rows in content["label_sets"].items()}
    )


def _check_group(name: str, group: Any) -> None:
    if not isinstance(group, dict) or set(group) != {"value", "class"}:
        raise ConfigError(f"group {name!r} is {group!r}; it needs 'value' and 'class'")
    if type(group["value"]) not in (int, float) or not 0 <= group["value"] <= 1:
        raise ConfigError(f"value of group {name!r} is {group['value']!r}; a number in [0, 1] is needed")
    if type(group["class"]) is not int or not 0 <= group["class"] < CLASS_COUNT:
        raise ConfigError(
            f"class of group {name!r} is {group['class']!r}; a whole number below {CLASS_COUNT} is needed"
        )


def _checked_labels(name: str, rows: Any) -> tuple[tuple[str, str | None], ...]:
    if not isinstance(rows, list) or not rows:
        raise ConfigError(f"label set {name!r} must be a list of [label, group]")
    for row in rows:
        if not isinstance(row, list) or len(row) != 2 or not isinstance(row[0], str):
            raise ConfigError(f"label set {name!r} has the entry {row!r}; [label, group] is needed")
        if row[1] is not None and row[1] not in _GROUPS:
            raise ConfigError(f"label {row[0]!r} of {name!r} has group {row[1]!r}; allowed: {', '.join(_GROUPS)}, null")
    labels = [row[0] for row in rows]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ConfigError(f"label set {name!r} has {', '.join(map(repr, twice))} more than once")
    return tuple((row[0], row[1]) for row in rows)
