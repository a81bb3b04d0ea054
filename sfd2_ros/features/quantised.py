# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network in int8: quantised with calibration images, kept as an ONNX model, run by ONNX Runtime.

Convolutions take uint8 values and int8 weights, by channel; everything else stays float32. The identity is that of the
weights before: maps of them are localized in with int8 as well.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sfd2_ros.core.config import check_config
from sfd2_ros.core.errors import ConfigError, DependencyError, ImageError, WeightsError
from sfd2_ros.features.device import choose_device
from sfd2_ros.features.extractor import Extractor, ExtractorConfig
from sfd2_ros.features.network import CELL_PX
from sfd2_ros.features.onnx_export import network_as_onnx, with_metadata
from sfd2_ros.features.precision import Precision
from sfd2_ros.features.runners import ONNX_REMEDY, TORCH, OnnxRunner
from sfd2_ros.features.semantics import load_stability_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import nn

FORMAT = "sfd2-int8-1"
"""Of the model's header; another one is rejected."""
SUFFIX = ".onnx"


class QuantisedExtractor(Extractor):
    """Extracts features with a quantised network; one caller at a time.

    Args:
        path: of a model from `quantised_model`.
        device: "cpu", "cuda", ... or "auto".
        config: settings; None for the defaults. `precision` must be "auto", `backend` another one than "torch".

    Raises:
        WeightsError: the file is missing, damaged or no quantised model of this version.
        ConfigError: a setting or the device's name is not allowed.
        DependencyError: ONNX Runtime or the device is not there.
    """

    def __init__(self, path: Path, device: str = "cpu", config: ExtractorConfig | None = None) -> None:
        self.config = ExtractorConfig() if config is None else config
        _check(self.config)
        self.device = choose_device(device)
        backend = "onnxruntime" if self.config.backend == "auto" else self.config.backend
        self.runner, header = _opened(path, backend, self.device)
        self.weights_id, self.dimension = header["weights_id"], int(header["descriptor_dim"])
        self.precision = Precision(torch.int8, f"quantised with {header['calibration_images']} images")
        self._class_values = load_stability_table().class_values

    def with_config(self, config: ExtractorConfig) -> QuantisedExtractor:
        """Return an extractor with other settings and the same network; this one keeps its own.

        Raises:
            ConfigError: a setting is not allowed, or the backend is another one.
        """
        _check(config)
        return self._copy_with(config)


def quantised_model(
    network: nn.Module, images: Mapping[str, NDArray[np.uint8]], header: Mapping[str, str], *, max_side_px: int = 640
) -> bytes:
    """Return a network in int8 as an ONNX model.

    Args:
        network: from `fold_norms`, on the CPU.
        images: (H, W, 3) uint8 RGB by name; the ranges of values are taken from them, at least one.
        header: weights_id, descriptor_dim, terms and what else is to be kept in the model.
        max_side_px: images are cropped to it, and to multiples of 8.

    Raises:
        ImageError: there is no image, or one is smaller than 8x8.
        DependencyError: a library is not installed.
    """
    crops = [_input(name, image, max_side_px) for name, image in images.items()]
    if not crops:
        raise ImageError("no image to calibrate with; name a folder with images of several places, by day and night")
    try:
        quantization: Any = importlib.import_module("onnxruntime.quantization")
        preparation: Any = importlib.import_module("onnxruntime.quantization.shape_inference")
    except ImportError as err:
        raise DependencyError(f"quantising needs ONNX and ONNX Runtime: {ONNX_REMEDY}") from err
    with tempfile.TemporaryDirectory() as folder:
        whole, ready, quantised = (Path(folder) / f"{name}.onnx" for name in ("whole", "ready", "quantised"))
        whole.write_bytes(network_as_onnx(network))
        preparation.quant_pre_process(str(whole), str(ready), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(ready),
            str(quantised),
            _Reader(crops),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            # 7 bits of a weight: without VNNI, sums of two products of 8 bits do not fit 16 bits.
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        kept = {"format": FORMAT, "calibration": json.dumps(list(images)), "calibration_images": str(len(images))}
        return with_metadata(quantised.read_bytes(), {**header, **kept})


class _Reader:
    """Gives images to the calibration, one by one."""

    def __init__(self, images: Sequence[NDArray[np.float32]]) -> None:
        self._images: Iterator[NDArray[np.float32]] = iter(images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next input (1, 3, H, W), or None after the last."""
        image = next(self._images, None)
        return None if image is None else {"images": image}


def _input(name: str, image: NDArray[np.uint8], max_side_px: int) -> NDArray[np.float32]:
    """Return the network's input (1, 3, h, w) of an image (H, W, 3)."""
    height, width = (min(side, max_side_px) // CELL_PX * CELL_PX for side in image.shape[:2])
    if not height or not width:
        raise ImageError(f"image {name!r} is {image.shape[1]}x{image.shape[0]}; at least 8x8 is needed to calibrate")
    values: NDArray[np.float32] = image[:height, :width].transpose(2, 0, 1)[None].astype(np.float32)
    values /= 255
    return np.ascontiguousarray(values)


def _check(config: ExtractorConfig) -> None:
    check_config(config)
    if config.precision != "auto" or config.backend == TORCH:
        raise ConfigError(
            f"precision is {config.precision!r} and backend {config.backend!r}; a quantised model needs precision "
            "'auto' and backend 'auto', 'onnxruntime' or 'tensorrt'"
        )


def _opened(path: Path, backend: str, device: torch.device) -> tuple[OnnxRunner, dict[str, str]]:
    """Return what runs a model, and its header."""
    if not path.is_file():
        raise WeightsError(f"weights {str(path)!r} do not exist; make them with sfd2 weights quantise")
    try:
        runner = OnnxRunner(path.read_bytes(), backend, device)
    except DependencyError:
        raise
    except Exception as err:  # ONNX Runtime's errors have no common class
        raise WeightsError(
            f"weights {str(path)!r} cannot be opened ({str(err).splitlines()[0]}); make them with sfd2 weights quantise"
        ) from err
    header = runner.metadata
    if header.get("format") != FORMAT or not header.get("descriptor_dim", "").isdigit() or "weights_id" not in header:
        raise WeightsError(
            f"weights {str(path)!r} are no quantised model of this version (format {header.get('format')!r}, "
            f"{FORMAT!r} is needed); make them with sfd2 weights quantise"
        )
    return runner, header
