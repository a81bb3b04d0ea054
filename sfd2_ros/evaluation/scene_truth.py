# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a scene folder knows of its images beside their poses: condition, time, classes (`truth.json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfd2_ros.core.errors import SceneError

if TYPE_CHECKING:
    from pathlib import Path

TRUTH_FILE = "truth.json"
NO_CONDITION = "all"
"""Condition of the images of a scene that records none."""
FOREIGN = "foreign"
"""Condition of foreign images that a scene with conditions does not record."""


@dataclass(frozen=True)
class ClassTruth:
    """A class of the pixels of `labels/`.

    Attributes:
        name: ADE20K's.
        is_lasting: whether things of that class are there on another day.
    """

    name: str
    is_lasting: bool


@dataclass(frozen=True)
class SceneTruth:
    """What is recorded of a scene; empty where it records nothing.

    Attributes:
        conditions: by image name.
        stamps_ns: time of each image, by name.
        classes: by the number that stands for them in `labels/`.
    """

    conditions: dict[str, str] = field(default_factory=dict)
    stamps_ns: dict[str, int] = field(default_factory=dict)
    classes: dict[int, ClassTruth] = field(default_factory=dict)

    def condition_of(self, name: str, *, is_foreign: bool = False) -> str:
        """Return the condition of an image; `NO_CONDITION`, or `FOREIGN` among conditions, where none is recorded."""
        default = FOREIGN if is_foreign and self.conditions else NO_CONDITION
        return self.conditions.get(name, default)


def read_scene_truth(folder: Path) -> SceneTruth:
    """Read `truth.json` of a scene folder; a scene without one has an empty truth.

    Raises:
        SceneError: the file is there and is damaged.
    """
    path = folder / TRUTH_FILE
    if not path.is_file():
        return SceneTruth()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        images = content["images"]
        return SceneTruth(
            conditions={str(one["name"]): str(one["condition"]) for one in images},
            stamps_ns={str(one["name"]): int(one["stamp_ns"]) for one in images},
            classes={
                int(number): ClassTruth(str(one["ade20k"]), bool(one["is_lasting"]))
                for number, one in content.get("classes", {}).items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise SceneError(
            f"{str(path)!r} is damaged: {type(err).__name__} {err}; it must hold 'images' with name, condition and "
            "stamp_ns; remove it to score without conditions"
        ) from err
