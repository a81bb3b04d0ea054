# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Classes of what the simulator draws: ids of ADE20K (1 to 150, 0 unlabelled) with the names of Cityscapes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SurfaceClass:
    """One class.

    Attributes:
        id: index in ADE20K's list of 150, counted from 1 as in its annotation images.
        ade20k: name there.
        cityscapes: name of the Cityscapes class that holds it.
        is_lasting: whether it is there in the next session.
    """

    id: int
    ade20k: str
    cityscapes: str
    is_lasting: bool


UNLABELLED = 0
WALL, BUILDING, SKY, FLOOR, TREE, CEILING, ROAD, WINDOW = 1, 2, 3, 4, 5, 6, 7, 9
SIDEWALK, PERSON, EARTH, DOOR, PLANT, CAR, PAINTING, FENCE = 12, 13, 14, 15, 18, 21, 23, 33
RAILING, COLUMN, SIGNBOARD, BENCH, LIGHT, AWNING, STREETLIGHT, POLE = 39, 43, 44, 70, 83, 87, 88, 94
POSTER, TRAFFIC_LIGHT, ASHCAN = 101, 137, 139

CLASSES = {
    entry.id: entry
    for entry in (
        SurfaceClass(WALL, "wall", "wall", is_lasting=True),
        SurfaceClass(BUILDING, "building", "building", is_lasting=True),
        SurfaceClass(SKY, "sky", "sky", is_lasting=False),
        SurfaceClass(FLOOR, "floor", "ground", is_lasting=True),
        SurfaceClass(TREE, "tree", "vegetation", is_lasting=False),
        SurfaceClass(CEILING, "ceiling", "building", is_lasting=True),
        SurfaceClass(ROAD, "road", "road", is_lasting=True),
        SurfaceClass(WINDOW, "windowpane", "building", is_lasting=True),
        SurfaceClass(SIDEWALK, "sidewalk", "sidewalk", is_lasting=True),
        SurfaceClass(PERSON, "person", "person", is_lasting=False),
        SurfaceClass(EARTH, "earth", "terrain", is_lasting=True),
        SurfaceClass(DOOR, "door", "building", is_lasting=True),
        SurfaceClass(PLANT, "plant", "vegetation", is_lasting=False),
        SurfaceClass(CAR, "car", "car", is_lasting=False),
        SurfaceClass(PAINTING, "painting", "static", is_lasting=True),
        SurfaceClass(FENCE, "fence", "fence", is_lasting=True),
        SurfaceClass(RAILING, "railing", "building", is_lasting=True),
        SurfaceClass(COLUMN, "column", "building", is_lasting=True),
        SurfaceClass(SIGNBOARD, "signboard", "building", is_lasting=True),
        SurfaceClass(BENCH, "bench", "static", is_lasting=True),
        SurfaceClass(LIGHT, "light", "static", is_lasting=True),
        SurfaceClass(AWNING, "awning", "building", is_lasting=True),
        SurfaceClass(STREETLIGHT, "streetlight", "pole", is_lasting=True),
        SurfaceClass(POLE, "pole", "pole", is_lasting=True),
        SurfaceClass(POSTER, "poster", "static", is_lasting=True),
        SurfaceClass(TRAFFIC_LIGHT, "traffic light", "traffic light", is_lasting=True),
        SurfaceClass(ASHCAN, "ashcan", "static", is_lasting=True),
    )
}
