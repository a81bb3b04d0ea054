# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The projection of a teacher's kept descriptors to the length of the network's, found once for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sfd2_lab.training.data.described import crop_descriptors
from sfd2_lab.training.data.sources import step_generator
from sfd2_lab.training.losses.distillation import Projection, projection_of
from sfd2_ros.core.errors import ConfigError, WeightsError
from sfd2_ros.core.files import atomic_file

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_lab.training.data.sources import PairSampler

PROJECTION_FILE = "teacher_projection.safetensors"
"""Name of the projection in the folder of a run: a resumed run goes on with the same."""
_PAIRS = 12  # to find it from; 28,000 descriptors of crops of 192x192
_PURPOSE = 4  # of random numbers, see `step_generator`


def teacher_projection(sampler: PairSampler, dimension: int, folder: Path) -> Projection:
    """Return the projection of a run: the one in its folder, else found from some pairs and written there.

    Args:
        sampler: of pairs whose views are described by the teacher.
        dimension: of the network's descriptors.
        folder: of the run.

    Raises:
        ConfigError: a view has no teacher's descriptors.
        WeightsError: the file is damaged.
    """
    path = folder / PROJECTION_FILE
    if not path.is_file():
        found = projection_of(_descriptors(sampler), dimension)
        with atomic_file(path) as temporary:
            temporary.write_bytes(save({"mean": found.mean.contiguous(), "axes": found.axes.contiguous()}))
    try:
        with safe_open(path, "pt") as file:
            return Projection(file.get_tensor("mean"), file.get_tensor("axes"))
    except (SafetensorError, OSError) as err:
        raise WeightsError(f"projection {str(path)!r} cannot be read: {err}; start the run again") from err


def _descriptors(sampler: PairSampler) -> torch.Tensor:
    """Return (N, D) descriptors of the first crops of some pairs."""
    parts = []
    for pair in sampler.pairs_of(step_generator(sampler.seed, 0, 0, purpose=_PURPOSE), _PAIRS):
        cells = crop_descriptors(pair.views[0], pair.view_from_crop[0], sampler.crop_px)
        if cells is None:
            raise ConfigError("descriptor_teacher.cached needs views with a teacher's descriptors; a source has none")
        parts.append(cells.flatten(1).T)
    return torch.cat(parts)
