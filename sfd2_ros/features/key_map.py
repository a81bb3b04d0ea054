# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Names of the published checkpoints' entries against names of this network's parameters, one by one."""

from __future__ import annotations

_NORM_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_NORM_ALL = ("weight", "bias", *_NORM_STATISTICS)

# published module: (module of Sfd2Network, entries)
_MODULES = {
    "conv1a.0": ("encoder.0.convolution", ("weight", "bias")),
    "conv1a.1": ("encoder.0.norm", _NORM_STATISTICS),
    "conv1b.0": ("encoder.1.convolution", ("weight", "bias")),
    "bn1b.0": ("encoder.1.norm", _NORM_STATISTICS),
    "conv2a.0": ("encoder.2.convolution", ("weight", "bias")),
    "conv2a.1": ("encoder.2.norm", _NORM_STATISTICS),
    "conv2b.0": ("encoder.3.convolution", ("weight", "bias")),
    "bn2b.0": ("encoder.3.norm", _NORM_STATISTICS),
    "conv3a.0": ("encoder.4.convolution", ("weight", "bias")),
    "conv3a.1": ("encoder.4.norm", _NORM_STATISTICS),
    "conv3b.0": ("encoder.5.convolution", ("weight", "bias")),
    "bn3b.0": ("encoder.5.norm", _NORM_STATISTICS),
    "conv4.0.conv1": ("residual.0.enter", ("weight",)),
    "conv4.0.bn1": ("residual.0.enter_norm", _NORM_ALL),
    "conv4.0.conv2": ("residual.0.grouped", ("weight",)),
    "conv4.0.bn2": ("residual.0.grouped_norm", _NORM_ALL),
    "conv4.0.conv3": ("residual.0.leave", ("weight",)),
    "conv4.0.bn3": ("residual.0.leave_norm", _NORM_ALL),
    "conv4.1.conv1": ("residual.1.enter", ("weight",)),
    "conv4.1.bn1": ("residual.1.enter_norm", _NORM_ALL),
    "conv4.1.conv2": ("residual.1.grouped", ("weight",)),
    "conv4.1.bn2": ("residual.1.grouped_norm", _NORM_ALL),
    "conv4.1.conv3": ("residual.1.leave", ("weight",)),
    "conv4.1.bn3": ("residual.1.leave_norm", _NORM_ALL),
    "conv4.2.conv1": ("residual.2.enter", ("weight",)),
    "conv4.2.bn1": ("residual.2.enter_norm", _NORM_ALL),
    "conv4.2.conv2": ("residual.2.grouped", ("weight",)),
    "conv4.2.bn2": ("residual.2.grouped_norm", _NORM_ALL),
    "conv4.2.conv3": ("residual.2.leave", ("weight",)),
    "conv4.2.bn3": ("residual.2.leave_norm", _NORM_ALL),
    "convPa.0": ("detection.reduce.convolution", ("weight", "bias")),
    "convPa.1": ("detection.reduce.norm", _NORM_ALL),
    "convPa.3": ("detection.refine", ("weight", "bias")),
    "convPb": ("detection.output", ("weight", "bias")),
    "convDa.0": ("description.reduce.convolution", ("weight", "bias")),
    "convDa.1": ("description.reduce.norm", _NORM_ALL),
    "convDa.3": ("description.refine", ("weight", "bias")),
    "convDb": ("description.output", ("weight", "bias")),
    "ConvSta": ("stability", ("weight", "bias")),
}

PARAMETER_OF = {
    f"{published}.{entry}": f"{own}.{entry}" for published, (own, entries) in _MODULES.items() for entry in entries
}
"""Name in Sfd2Network's state dict, by name in a checkpoint."""

DIMENSION_ENTRY = "convDb.weight"
"""The checkpoint's entry whose first size is the length of a descriptor."""
