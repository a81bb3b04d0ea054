# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks by their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfd2_lab.datasets.benchmarks.aachen import load_aachen
from sfd2_lab.datasets.benchmarks.cmu import load_cmu
from sfd2_lab.datasets.benchmarks.robotcar_seasons import load_robotcar_seasons
from sfd2_ros.core.errors import ConfigError, DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sfd2_lab.datasets.benchmarks.benchmark import Benchmark


@dataclass(frozen=True)
class Choice:
    """What of a benchmark is run.

    Attributes:
        all_views: RobotCar-Seasons: the left and right camera too, which are not evaluated.
        slices: CMU: numbers; None for those that are there.
    """

    all_views: bool = False
    slices: tuple[int, ...] | None = None


_LOADERS: dict[str, Callable[[Path, Choice], Benchmark]] = {
    "robotcar-seasons": lambda root, choice: load_robotcar_seasons(root, 1, all_views=choice.all_views),
    "robotcar-seasons-v2": lambda root, choice: load_robotcar_seasons(root, 2, all_views=choice.all_views),
    "aachen": lambda root, _: load_aachen(root, "1.0"),
    "aachen-v1.1": lambda root, _: load_aachen(root, "1.1"),
    "cmu": lambda root, choice: load_cmu(root, choice.slices),
}
BENCHMARKS = tuple(_LOADERS)


def load_benchmark(name: str, root: Path, choice: Choice | None = None) -> Benchmark:
    """Read and check a benchmark: its lists, its model, and every image file.

    Args:
        name: one of `BENCHMARKS`.
        root: folder that it was downloaded and unpacked to.
        choice: what of it; None for what is evaluated.

    Raises:
        ConfigError: there is no such benchmark, or a choice is not for it.
        DatasetError: files are missing, cut or misnamed; names all of them.
    """
    if name not in _LOADERS:
        raise ConfigError(f"unknown data set {name!r}; allowed: {', '.join(BENCHMARKS)}")
    choice = choice or Choice()
    if choice.slices is not None and name != "cmu":
        raise ConfigError(f"slices are for cmu, {name} has none")
    if choice.all_views and not name.startswith("robotcar"):
        raise ConfigError(f"all views are for robotcar-seasons, {name} has one view")
    if not root.is_dir():
        raise DatasetError(f"data set {str(root)!r} is no folder; name the one that {name} was unpacked to")
    return _LOADERS[name](root, choice)
