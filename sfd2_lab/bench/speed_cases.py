# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the bench of speed times: our extractor in every number format and backend, a plain one, and other methods."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from sfd2_lab.bench.plain_extractor import PlainExtractor
from sfd2_lab.bench.processor_peak import wait_for
from sfd2_ros.core.errors import DependencyError
from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.quantised import SUFFIX, QuantisedExtractor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer
    from sfd2_ros.core.types import Features
    from sfd2_ros.features.network import NetworkOutput
    from sfd2_ros.features.runners import Runner
    from sfd2_ros.features.weights import Weights

    Extract = Callable[[Sequence[NDArray[np.uint8]]], Sequence[Features]]

PLAIN = "plain"
"""Name of the method that the others are compared with."""
TORCH = "torch"


@dataclass(frozen=True, eq=False)
class SpeedCase:
    """One way to extract features.

    Attributes:
        network: name of the method, or identity of the weights.
        precision: number format.
        backend: library that computes.
        device: that computes.
        extract: returns the features of images of one size.
        stages: times of the steps of the last call; None where they are not measured.
        is_single: whether it takes one image at a time.
    """

    network: str
    precision: str
    backend: str
    device: torch.device
    extract: Extract
    stages: StageTimes | None = None
    is_single: bool = False


@dataclass
class StageTimes:
    """Times of the steps of an extraction, taken where the network begins and ends.

    Attributes:
        began: when the network began, seconds of the clock.
        ended: when it ended.
    """

    clock: Callable[[], float]
    began: float = field(default=0.0)
    ended: float = field(default=0.0)

    def of_call(self, start: float, end: float) -> dict[str, float]:
        """Return the seconds before, in and after the network for a call between two times of the clock."""
        return {"prepare": self.began - start, "network": self.ended - self.began, "keypoints": end - self.ended}


class _TimedRunner:
    """Notes when the network begins and ends."""

    def with_dtype(self, dtype: torch.dtype) -> _TimedRunner:
        """Return a runner in another number format with the same notes."""
        return _TimedRunner(self._runner.with_dtype(dtype), self._device, self._times)

    def __init__(self, runner: Runner, device: torch.device, times: StageTimes) -> None:
        self._runner, self._device, self._times = runner, device, times

    def __call__(self, images: torch.Tensor) -> NetworkOutput:
        wait_for(self._device)
        self._times.began = self._times.clock()
        output = self._runner(images)
        wait_for(self._device)
        self._times.ended = self._times.clock()
        return output


def clock_of(device: torch.device) -> Callable[[], float]:
    """Return the clock that ratios are taken by: processor time on a CPU, which other processes do not stretch."""
    return time.process_time if device.type == "cpu" else time.perf_counter


def _own_case(weights: Weights, device: str, config: ExtractorConfig) -> SpeedCase:
    """Return our extractor with its steps timed.

    Raises:
        DependencyError: the device or the backend is not there.
    """
    return _timed_case(Extractor(weights, device, config), config.backend)


def quantised_case(path: Path, device: str, config: ExtractorConfig) -> SpeedCase:
    """Return our extractor with a quantised model, its steps timed.

    Raises:
        WeightsError: the file is missing, damaged or no quantised model.
        DependencyError: ONNX Runtime or the device is not there.
    """
    return _timed_case(QuantisedExtractor(path, device, config), "onnxruntime")


def _timed_case(extractor: Extractor, backend: str) -> SpeedCase:
    times = StageTimes(clock_of(extractor.device))
    extractor.runner = _TimedRunner(extractor.runner, extractor.device, times)
    precision = str(extractor.precision.dtype).removeprefix("torch.")
    return SpeedCase(extractor.weights_id, precision, backend, extractor.device, extractor.extract_batch, times)


def plain_case(weights: Weights, device: str, config: ExtractorConfig) -> SpeedCase:
    """Return the plain extractor."""
    plain = PlainExtractor(weights, device, config)
    return SpeedCase(f"{weights.weights_id} {PLAIN}", "float32", TORCH, plain.device, plain.extract_batch)


def peer_case(name: str, peer: Peer, device: str) -> SpeedCase:
    """Return another method."""

    def extract(images: Sequence[NDArray[np.uint8]]) -> list[Features]:
        """Extract one image (H, W, 3) after another."""
        return [peer(image) for image in images]

    is_network = name in ("aliked", "disk", "superpoint", "xfeat")
    library = "kornia" if is_network else "opencv"
    where = torch.device(device if is_network else "cpu")
    return SpeedCase(name, "float32", library, where, extract, is_single=True)


def own_cases(
    weights_of: Mapping[str, Weights],
    device: str,
    config: ExtractorConfig,
    *,
    precisions: Sequence[str],
    backends: Sequence[str],
) -> tuple[list[SpeedCase], dict[str, str]]:
    """Return our extractor in every combination, and for those that cannot run here what they lack.

    Args:
        weights_of: networks by name.
        device: "cpu", "cuda", ...
        config: of the keypoints.
        precisions: number formats of the backend torch.
        backends: names of `runners.BACKENDS`.
    """
    cases, missing = [], {}
    for name, weights in weights_of.items():
        for backend in backends:
            for precision in precisions if backend == TORCH else precisions[:1]:
                changed = dataclasses.replace(config, backend=backend, precision=precision)
                try:
                    cases.append(_own_case(weights, device, changed))
                except DependencyError as err:
                    missing[f"{name}, {backend}"] = str(err)
    return cases, missing


def networks(files: Sequence[Path]) -> dict[str, Weights]:
    """Return weights by their name: those of files, or without any all that ship.

    Raises:
        WeightsError: a file is missing, damaged or does not fit.
    """
    from sfd2_ros.features.weights import SHIPPED_WEIGHTS, read_weights  # noqa: PLC0415

    paths = [path for path in files if path.suffix != SUFFIX] or sorted(SHIPPED_WEIGHTS.parent.glob("*.safetensors"))
    return {path.stem: read_weights(path) for path in paths}
