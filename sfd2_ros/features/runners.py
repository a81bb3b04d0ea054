# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What runs the network: torch, or ONNX Runtime with one of its providers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol

import torch

from sfd2_ros.core.errors import ConfigError, DependencyError
from sfd2_ros.features.network import NetworkOutput
from sfd2_ros.features.onnx_export import network_as_onnx
from sfd2_ros.features.precision import Precision, choose_precision

if TYPE_CHECKING:
    from torch import nn

    from sfd2_ros.features.extractor import ExtractorConfig
    from sfd2_ros.features.precision import PrecisionCache

TORCH = "torch"
BACKENDS = ("auto", TORCH, "onnxruntime", "tensorrt")
"""Names of what can run the network; auto is torch."""
ONNX_REMEDY = "pip install 'onnx>=1.16' 'onnxruntime>=1.18'"
"""Installs what export and these backends need."""
_PROVIDERS = {
    ("onnxruntime", "cpu"): "CPUExecutionProvider",
    ("onnxruntime", "cuda"): "CUDAExecutionProvider",
    ("tensorrt", "cuda"): "TensorrtExecutionProvider",
}


class Runner(Protocol):
    """Runs the network on images of whole cells."""

    def with_dtype(self, dtype: torch.dtype) -> Runner:
        """Return a runner of the same network in another number format."""

    def __call__(self, images: torch.Tensor) -> NetworkOutput:
        """Return the outputs of images (B, 3, H, W) float32 RGB in [0, 1], H and W multiples of 8."""


class TorchRunner:
    """Runs the network by torch.

    Args:
        network: ready to be used, on the device.
        device: that computes.
        dtype: of the convolutions.
    """

    def __init__(self, network: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        self.network, self._device, self._dtype = network, device, dtype

    def with_dtype(self, dtype: torch.dtype) -> TorchRunner:
        """Return a runner of the same network in another number format."""
        return TorchRunner(self.network, self._device, dtype)

    def __call__(self, images: torch.Tensor) -> NetworkOutput:
        """Return the outputs of images (B, 3, H, W) float32 RGB in [0, 1], H and W multiples of 8."""
        is_half = self._dtype is not torch.float32
        with torch.autocast(self._device.type, dtype=self._dtype if is_half else None, enabled=is_half):
            output: NetworkOutput = self.network(images.contiguous(memory_format=torch.channels_last))
        return output


class OnnxRunner:
    """Runs the network by ONNX Runtime.

    Args:
        model: of ONNX, with the input and outputs of `network_as_onnx`.
        backend: "onnxruntime" or "tensorrt".
        device: that computes.

    Raises:
        DependencyError: a library is not installed, or this build of ONNX Runtime lacks the provider.
    """

    def __init__(self, model: bytes, backend: str, device: torch.device) -> None:
        library, provider = _library_with(backend, device)
        options = library.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        # Its threads spin while they wait, and take the cores of other nodes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = list(dict.fromkeys([provider, "CPUExecutionProvider"]))
        self.provider = provider
        self._device = device
        self._session: Any = library.InferenceSession(model, options, providers=providers)

    @property
    def metadata(self) -> dict[str, str]:
        """Header of the model."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def with_dtype(self, dtype: torch.dtype) -> OnnxRunner:  # noqa: ARG002 - the model has one format
        """Return this runner: `precision_of` allows no other format."""
        return self

    def __call__(self, images: torch.Tensor) -> NetworkOutput:
        """Return the outputs of images (B, 3, H, W) float32 RGB in [0, 1], H and W multiples of 8."""
        outputs = self._session.run(None, {"images": images.contiguous().cpu().numpy()})
        return NetworkOutput(*(torch.from_numpy(values).to(self._device) for values in outputs))


def precision_of(config: ExtractorConfig, device: torch.device, cache: PrecisionCache | None) -> Precision:
    """Return the number format of an extractor's network.

    Args:
        config: of the extractor.
        device: that computes.
        cache: see `choose_precision`.

    Raises:
        ConfigError: the backend has no such format.
    """
    if config.backend in ("auto", TORCH):
        return choose_precision(config.precision, device, cache)
    if config.precision not in ("auto", "float32"):
        raise ConfigError(
            f"precision {config.precision!r} is for backend 'torch'; with backend {config.backend!r}, 'auto' and "
            "'float32' are allowed"
        )
    return Precision(torch.float32, f"backend {config.backend}")


def make_runner(network: nn.Module, backend: str, device: torch.device, dtype: torch.dtype) -> Runner:
    """Return what runs a network.

    Args:
        network: from `fold_norms`, on the CPU.
        backend: one of `BACKENDS`.
        device: that computes.
        dtype: number format of the convolutions.

    Raises:
        DependencyError: the library of the backend is not there, or cannot compute on this device.
    """
    if backend in ("auto", TORCH):
        return TorchRunner(network.to(device), device, dtype)
    return OnnxRunner(network_as_onnx(network), backend, device)


def _library_with(backend: str, device: torch.device) -> tuple[Any, str]:
    """Return ONNX Runtime and the name of its provider."""
    provider = _PROVIDERS.get((backend, device.type))
    if provider is None:
        raise DependencyError(f"backend {backend!r} needs device cuda, not {str(device)!r}; use onnxruntime or torch")
    try:
        library = importlib.import_module("onnxruntime")
    except ImportError as err:
        raise DependencyError(
            f"backend {backend!r} needs ONNX Runtime: {ONNX_REMEDY}, or set the backend to torch"
        ) from err
    available = library.get_available_providers()
    if provider not in available:
        raise DependencyError(
            f"this ONNX Runtime has no {provider}, only {', '.join(available)}; install onnxruntime-gpu"
        )
    return library, provider
