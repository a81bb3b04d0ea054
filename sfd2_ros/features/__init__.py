# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic-aware local features: network, extraction, weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfd2_ros.features.extractor import Extractor, ExtractorConfig
    from sfd2_ros.features.loading import load_extractor

__all__ = ["Extractor", "ExtractorConfig", "load_extractor"]


def __getattr__(name: str) -> Any:
    """Import the extractor when it is needed, so that reading an image does not wait for torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sfd2_ros.features import extractor, loading  # noqa: PLC0415

    return getattr(loading if name == "load_extractor" else extractor, name)
