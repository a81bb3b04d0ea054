# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Letters drawn as strokes, for signs and number plates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Strokes on a grid 4 wide and 6 high, y down; a space ends a stroke, each pair of digits is a point.
_STROKES = {
    "A": "06203646 1434",
    "B": "0600304142330300 334445360600",
    "C": "41302001000516364544",
    "D": "00062636454130200000",
    "E": "40000646 0333",
    "F": "400006 0333",
    "G": "413010010516364543 4323",
    "H": "0006 4046 0343",
    "I": "2026 1030 1636",
    "J": "3035261605",
    "K": "0006 4003 0346",
    "L": "000646",
    "M": "0600234046",
    "N": "06004640",
    "O": "100105163645413010",
    "P": "060030414233 3303",
    "Q": "100105163645413010 2446",
    "R": "060030414233 33032346",
    "S": "4130100102133344453616 1605",
    "T": "0040 2026",
    "U": "0005163645 4540",
    "V": "002640",
    "W": "0016233640",
    "X": "0046 4006",
    "Y": "002340 2326",
    "Z": "00400646",
    "0": "1001051636454130 3010",
    "1": "022026",
    "2": "01103041420646",
    "3": "00402343453606",
    "4": "36300444",
    "5": "4000033344453606",
    "6": "30100105163645443303",
    "7": "004016",
    "8": "103041423313020110 1304051636454433",
    "9": "4130100102134342 4145361605",
}
_SYLLABLES = tuple(
    "BA BRE CO DEL EN FA FOR GRA HEL IM JO KA LU MAR NO OR PA QUI RO SAN TE UR VAL WIN XE YO ZU".split()  # noqa: SIM905
)


def random_name(rng: np.random.Generator, longest: int = 11) -> str:
    """Return a made-up name for a shop, in capitals."""
    parts = [str(rng.choice(_SYLLABLES)) for _ in range(int(rng.integers(2, 5)))]
    name = "".join(parts)[:longest]
    return name if rng.random() < 0.6 else f"{name[: longest - 3]} {rng.integers(2, 99)}"


def text_mask(text: str, height_px: int, *, weight: float = 0.16, slant: float = 0.0) -> NDArray[np.float32]:
    """Return text as an image (height_px, w) float32 in [0, 1].

    Args:
        text: capitals, digits and spaces; what else there is stays blank.
        height_px: height of the image; letters fill nearly all of it.
        weight: thickness of strokes as a fraction of the height.
        slant: lean to the right, as a fraction of the height.
    """
    unit = max(height_px, 4) / 8 * 16
    advance = 5.6
    width = int(np.ceil((len(text) * advance + 2 + abs(slant) * 6) * unit / 16))
    canvas = np.zeros((max(height_px, 4), max(width, 4)), np.uint8)
    thickness = max(1, round(weight * height_px))
    for place, letter in enumerate(text):
        for stroke in _STROKES.get(letter, "").split():
            digits = [int(digit) for digit in stroke[: len(stroke) // 2 * 2]]
            points = np.array(digits, np.float64).reshape(-1, 2)
            points[:, 0] += 1 + place * advance + slant * (6 - points[:, 1])
            points[:, 1] += 1
            # Fixed point with 4 fractional bits.
            fixed = np.round(points * unit).astype(np.int32)
            cv2.polylines(
                canvas, [fixed], isClosed=False, color=255, thickness=thickness, lineType=cv2.LINE_AA, shift=4
            )
    return np.asarray(canvas, dtype=np.float32) / np.float32(255)


def write(
    canvas: NDArray[np.float32],
    text: str,
    box: tuple[int, int, int, int],
    colour: NDArray[np.float32],
    slant: float = 0.0,
) -> None:
    """Write text into a box of an image, as large as fits.

    Args:
        canvas: (h, w, 3) float32, changed in place.
        text: what to write.
        box: left, top, right, bottom in texels.
        colour: (3,).
        slant: lean of the letters.
    """
    left, top, right, bottom = box
    height = bottom - top
    if height < 4 or right - left < 4 or not text:
        return
    mask = text_mask(text, height, slant=slant)
    if mask.shape[1] > right - left:
        mask = cv2.resize(mask, (right - left, height), interpolation=cv2.INTER_AREA)
    start = left + (right - left - mask.shape[1]) // 2
    target = canvas[top:bottom, start : start + mask.shape[1]]
    target += (colour - target) * mask[: target.shape[0], : target.shape[1], None]
