# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plots of benches: one bar for each method, in groups of what it was measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Okabe and Ito: told apart by the colour-blind too.
_SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f")


def draw_groups(
    axes: Any, values: Mapping[str, Mapping[str, float]], *, label: str, is_share: bool, is_logarithmic: bool = False
) -> None:
    """Draw bars.

    Args:
        axes: matplotlib's.
        values: by group, then by method; a method may be missing in a group.
        label: of the axis.
        is_share: draw in percent.
        is_logarithmic: draw on a logarithmic scale.
    """
    methods: Sequence[str] = list(dict.fromkeys(method for group in values.values() for method in group))
    width = 0.8 / max(1, len(methods))
    for number, method in enumerate(methods):
        places = [place for place, group in enumerate(values.values()) if method in group]
        heights = [group[method] * (100 if is_share else 1) for group in values.values() if method in group]
        offset = (number - (len(methods) - 1) / 2) * width
        axes.bar(np.array(places) + offset, heights, width * 0.92, color=_SERIES[number % len(_SERIES)], label=method)
    axes.set_xticks(range(len(values)), [name.replace(" ", "\n", 1) for name in values], fontsize=8)
    if is_logarithmic:
        axes.set_yscale("log")
    if is_share:
        axes.set_ylim(0, 104)
    axes.set_ylabel(label)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=8, fontsize=8, frameon=False)
