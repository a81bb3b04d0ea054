# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sources as settings name them, and batches drawn from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sfd2_lab.training.data.corner_cache import CornerCache
from sfd2_lab.training.data.fixed_cameras import FixedCamera, FixedCameraSource
from sfd2_lab.training.data.label_cache import LabelCache
from sfd2_lab.training.data.panoramas import PanoramaSource
from sfd2_lab.training.data.photographs import PhotographSource, find_photographs
from sfd2_lab.training.data.view_source import ViewSource
from sfd2_lab.training.data.webcams import WebcamSource
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.semantics import NOT_LABELLED, StabilityTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sfd2_lab.training.data.geometry import WarpConfig
    from sfd2_lab.training.data.pairs import Pair, PairSource
    from sfd2_lab.training.data.source_config import SourceConfig
    from sfd2_lab.training.teachers.corners import CornerConfig

_STEP_STRIDE = 1_000_003  # seeds of steps, ranks and purposes must not meet


def open_source(
    config: SourceConfig,
    root: Path,
    *,
    table: StabilityTable,
    corners: CornerConfig,
    warp: WarpConfig,
    device: torch.device,
    describe: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> PairSource:
    """Open a source.

    Args:
        config: which.
        root: folder that its paths are relative to; corners and labels are kept there, in `.corners` and `.labels`.
        table: stability of labels.
        corners: settings of the corner teacher.
        warp: how far crops are apart.
        device: where corners are looked for.
        describe: returns a teacher's descriptors (D, g, f) of an image (3, h, w), see `View.described`; None for no
            teacher.

    Raises:
        ConfigError: no folder is named, labels without a label set, or a label set that is not known.
        SceneError, ImageError: the folder does not hold what its kind needs.
    """
    if not config.folder:
        raise ConfigError(f"source {config!r} names no folder; set 'folder'")
    if (config.labels or config.teacher != "none") and not config.label_set:
        raise ConfigError(f"source {config.folder!r} has labels but no label set; set 'label_set'")
    folder, classes = root / config.folder, classes_of(config, table)
    cache = CornerCache(root / ".corners", corners, root, device)
    if config.kind == "views":
        return ViewSource(folder, classes, cache, warp, config.repeat_in, describe=describe)
    labels_of = None
    if config.teacher != "none":
        labels_of = LabelCache(root / ".labels", config.teacher, config.teacher_weights, root, device)
    if config.kind == "webcams":
        sources = [
            PhotographSource(find_photographs(path, None, None), classes, cache, warp, labels_of, describe=describe)
            for path in _cameras(folder, config.without)
        ]
        return WebcamSource(sources, warp)
    if config.kind == "fixed_cameras":
        folders = _cameras(folder, config.without)
        return FixedCameraSource([FixedCamera(path, config, cache, describe) for path in folders], warp)
    if config.kind == "panoramas":
        files = _panoramas(folder, config.without)
        return PanoramaSource(files, cache, warp, lasting=config.lasting, describe=describe)
    labels = root / config.labels if config.labels else None
    photographs = find_photographs(folder, root / config.names if config.names else None, labels)
    return PhotographSource(photographs, classes, cache, warp, labels_of, describe=describe)


def _cameras(folder: Path, without: Sequence[str]) -> list[Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    cameras = [path for path in found if path.is_dir() and not path.name.startswith(".") and path.name not in without]
    if not cameras:
        raise ConfigError(f"source {str(folder)!r} has no folders; a camera source has one folder per camera")
    return cameras


def _panoramas(folder: Path, without: Sequence[str]) -> list[Path]:
    found = [path for path in sorted(folder.glob("*.hdr")) if path.stem not in without]
    if not found:
        raise ConfigError(f"source {str(folder)!r} has no .hdr files; a panorama source is a folder of them")
    return found


def classes_of(config: SourceConfig, table: StabilityTable) -> NDArray[np.uint8]:
    """Return the stability class of each label number of a source, (L,) uint8; empty without a label set."""
    if not config.label_set:
        return np.zeros(0, np.uint8)
    unlabelled = np.full(config.label_offset, NOT_LABELLED, np.uint8)
    return np.concatenate([unlabelled, table.classes_of(config.label_set)])


class PairSampler:
    """Draws pairs; those of a step depend on the seed, the step and the rank alone, so that training can resume.

    Args:
        sources: with how often each is drawn.
        crop_px: side of the crops, a multiple of 8.
        seed: of the run.
    """

    def __init__(self, sources: Sequence[tuple[PairSource, float]], *, crop_px: int, seed: int) -> None:
        self._sources = [source for source, _ in sources]
        self._shares = torch.tensor([share for _, share in sources], dtype=torch.float64)
        if not self._sources or float(self._shares.sum()) <= 0:
            raise ConfigError("no source has a 'share' above 0; name at least one under 'sources'")
        self.crop_px, self.seed = crop_px, seed

    def pairs(self, step: int, count: int, rank: int = 0) -> list[Pair]:
        """Return the pairs of a step."""
        return self.pairs_of(step_generator(self.seed, step, rank, purpose=0), count)

    def pairs_of(self, generator: torch.Generator, count: int) -> list[Pair]:
        """Return pairs that depend on the generator alone."""
        chosen = torch.multinomial(self._shares, count, replacement=True, generator=generator).tolist()
        return [self._sources[index].pair(generator, self.crop_px) for index in chosen]


def step_generator(seed: int, step: int, rank: int, *, purpose: int) -> torch.Generator:
    """Return the random numbers of one purpose in one step of one process."""
    mixed = ((seed * _STEP_STRIDE + step) * _STEP_STRIDE + rank) * 31 + purpose
    return torch.Generator().manual_seed(mixed % (1 << 62))
