# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which weights a user means: those of a file, those that ship for a model, or the largest that are fast enough."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from safetensors import safe_open

from sfd2_ros.core.errors import ConfigError, WeightsError
from sfd2_ros.features.model_names import MODEL_CHOICES, MODELS
from sfd2_ros.features.weights import SHIPPED_WEIGHTS, Weights, read_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SHIPPED = {"sfd2": SHIPPED_WEIGHTS, "sfd2-s": SHIPPED_WEIGHTS.with_name("sfd2_s_open.safetensors")}
"""Files that ship with the package, by model, the largest first."""
_TIMED_SIZE = (480, 640, 3)
"""Of the image that is timed: VGA, which most cameras of robots have or are reduced to."""


class _Extracts(Protocol):
    def __call__(self, image: NDArray[np.uint8]) -> object: ...


ExtractorT = TypeVar("ExtractorT", bound=_Extracts)


def weights_for(model: str, weights: Path | None) -> Weights:
    """Read the weights of a model, of a file, or of both.

    Args:
        model: one of `MODEL_CHOICES` without `AUTO`.
        weights: a file, or None for those that ship.

    Raises:
        ConfigError: no model has this name, or the file is of another one.
        WeightsError: no weights of the model ship, or the file is missing, damaged or does not fit.
    """
    if model not in ("", *MODELS):
        names = ", ".join(map(repr, MODEL_CHOICES[1:]))
        raise ConfigError(f"model {model!r} is not known; allowed: {names}")
    if weights is None:
        return read_weights(_shipped(model or MODELS[0]))
    found = read_weights(weights)
    if model and found.architecture.model != model:
        raise ConfigError(
            f"model is {model!r}, but weights {str(weights)!r} are of {found.architecture.model!r}; leave the model "
            "out, or name weights of that model"
        )
    return found


def shipped_file_of(weights_id: str) -> Path | None:
    """Return the shipped file of an identity, by its header alone, or None where none ships."""
    for path in sorted(SHIPPED_WEIGHTS.parent.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("weights_id") == weights_id:
                return path
    return None


def largest_fast_enough(
    makers: Sequence[Callable[[], ExtractorT]], rate_hz: float, seconds_of: Callable[[ExtractorT], float]
) -> ExtractorT:
    """Return the first extractor that runs at a rate, or the last one.

    Args:
        makers: make the extractors, the largest first; at least one.
        rate_hz: images a second.
        seconds_of: times an extractor; not called for the last one.
    """
    for make in makers[:-1]:
        extractor = make()
        if seconds_of(extractor) * rate_hz <= 1:
            return extractor
    return makers[-1]()


def seconds_an_image(extractor: _Extracts, clock: Callable[[], float] = time.perf_counter) -> float:
    """Time an extractor with a VGA image, after one run that is not counted.

    Args:
        extractor: of any model.
        clock: returns seconds.
    """
    image = np.zeros(_TIMED_SIZE, np.uint8)
    extractor(image)
    start = clock()
    extractor(image)
    return clock() - start


def _shipped(model: str) -> Path:
    if model not in SHIPPED:
        raise WeightsError(
            f"no weights of model {model!r} ship with this version; name a file with --weights (parameter 'weights'), "
            f"or take {', '.join(map(repr, SHIPPED))}"
        )
    return SHIPPED[model]
