# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plots and images as data URIs, so that a report is one file that needs nothing from the network."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_JPEG_QUALITY = 88


def draw_svg(draw: Callable[[Any], None], width_in: float, height_in: float) -> str:
    """Draw on one pair of axes and return the plot as the data URI of an SVG.

    Args:
        draw: is given the axes.
        width_in: inches; a report shows 96 pixels to the inch.
        height_in: inches.
    """
    # Without a salt the same figures give other bytes in every run.
    style = mpl.rc_context(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "sfd2"}
    )
    with style:
        figure = Figure(figsize=(width_in, height_in), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure.add_subplot())
        stream = io.BytesIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return _data_uri("image/svg+xml", stream.getvalue())


def jpeg_uri(image: NDArray[np.uint8]) -> str:
    """Return the data URI of an (H, W, 3) RGB image."""
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), options)[1]
    return _data_uri("image/jpeg", encoded.tobytes())


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
