# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small data folder for the trainer, drawn here: rooms of rectangles with labels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with eight pictures of overlapping rectangles and their labels (0 sky, 1 building, 8 car)."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    rng = np.random.default_rng(7)
    for index in range(8):
        image = np.full((96, 128, 3), (200, 210, 220), np.uint8)
        labels = np.zeros((96, 128), np.uint8)
        for _ in range(40):
            x, y, w, h = (int(rng.integers(low, high)) for low, high in ((0, 118), (20, 90), (6, 40), (5, 30)))
            colour = tuple(int(value) for value in rng.integers(0, 255, 3))
            cv2.rectangle(image, (x, y), (x + w, y + h), colour, -1)
            cv2.rectangle(labels, (x, y), (x + w, y + h), int(rng.choice([1, 1, 8])), -1)
        cv2.imwrite(str(folder / "images" / f"{index}.png"), image)
        cv2.imwrite(str(folder / "labels" / f"{index}.png"), labels)
    return folder


@pytest.fixture
def small_config() -> dict:
    """Return settings of a run on `drawn_data` that a test can finish."""
    source = {"folder": "images", "labels": "labels", "label_set": "camvid", "terms": "drawn", "is_open": True}
    return {
        "run": {
            "name": "test",
            "terms": "open",
            "steps": 4,
            "crop_px": 64,
            "pairs": 1,
            "log_every": 1,
            "save_every": 2,
        },
        "optimiser": {"learning_rate": 1e-3, "warmup_steps": 2},
        "loss": {"points": 64},
        "corners": {"warps": 1},
        "validation": {"pairs": 1, "crop_px": 64, "keypoints": 40},
        "sources": [source],
    }
