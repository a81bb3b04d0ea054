# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of one source of training pairs."""

from __future__ import annotations

from dataclasses import dataclass

from sfd2_lab.training.teachers.registry import SEMANTIC_TEACHERS
from sfd2_ros.core.config import setting

KINDS = ("photographs", "webcams", "fixed_cameras", "panoramas", "views")
"""What a source can be: photographs (labelled or not), fixed webcams, the same with named lights and corners that last,
HDR panoramas, views with depth and pose."""


@dataclass(frozen=True)
class SourceConfig:
    """One source. Paths are relative to the folder that `--data` names."""

    kind: str = setting("photographs", "What it is.", choices=KINDS)
    folder: str = setting("", "Folder of images or panoramas, of one folder per camera, or of views.")
    without: tuple[str, ...] = setting((), "Cameras or panoramas that are left out, by name.")
    names: str = setting("", "File of image names, one a line; empty: all images in the folder.")
    labels: str = setting("", "Folder of label images; empty: no labels.")
    label_set: str = setting("", "Label set of the stability table; empty: no labels.")
    teacher: str = setting("none", "Network that labels images without label images.", choices=SEMANTIC_TEACHERS)
    teacher_weights: str = setting("", "Its weights, relative to the data folder; for transformers also a hub name.")
    label_offset: int = setting(
        0, "Subtracted from label numbers first; 1 for ADE20K's annotation images and the simulator.", minimum=0
    )
    share: float = setting(1.0, "How often it is drawn, relative to the others.", minimum=0.0)
    terms: str = setting("", "Licence of the source in words; goes into the weights' header.")
    is_open: bool = setting(False, "Whether the terms allow any use, so that it may train the open set.")
    towns: int = setting(0, "For views: number of simulated towns to render; 0: the folder is there.", minimum=0)
    first_town: int = setting(1000, "Seed of the first simulated town.", minimum=0)
    frames: int = setting(12, "Instants per simulated drive.", minimum=2)
    conditions: tuple[str, ...] = setting(
        ("overcast", "night"), "Conditions; each town is driven through once under each."
    )
    repeat_in: int = setting(
        0, "For views: views under other conditions that corners are looked for again in; 0: none.", minimum=0
    )
    overlay: str = setting(
        "", "For fixed cameras: an image in each camera's folder; where it is not 0 no loss looks. Empty: none."
    )
    lights: tuple[str, ...] = setting(
        ("day", "night"), "For fixed cameras: a corner must be found under each; the first part of a frame's name."
    )
    voters: int = setting(
        8, "For fixed cameras: frames of each light, evenly chosen, in which corners are looked for.", minimum=1
    )
    lasting: float = setting(
        0.25,
        "For fixed cameras and panoramas: lowest reliability of a corner over all lights.",
        minimum=0.0,
        maximum=1.0,
    )
    width: int = setting(448, "Width of rendered views, pixels; the height is 3/4 of it.", minimum=64)
