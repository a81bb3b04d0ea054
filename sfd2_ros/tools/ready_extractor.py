# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The extractor of a command: with what is known of this machine, and with its choice on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from sfd2_ros.features import Extractor, ExtractorConfig


def ready_extractor(weights: Path | None, device: str, config: ExtractorConfig, *, model: str = "") -> Extractor:
    """Load weights and report weights, device and number format.

    Args:
        weights: None for those that ship.
        device: as of `load_extractor`.
        config: all settings.
        model: as of `load_extractor`.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit.
        ConfigError: a setting or the device's name is not allowed.
        DependencyError: the device is not there.
    """
    from sfd2_ros.features import load_extractor  # noqa: PLC0415 - torch is slow to import, --help is not
    from sfd2_ros.user_cache import precision_cache  # noqa: PLC0415

    extractor = load_extractor(weights, device, config=config, model=model, cache=precision_cache())
    click.echo(f"weights {extractor.weights_id} on {extractor.device}, {extractor.precision}", err=True)
    return extractor
