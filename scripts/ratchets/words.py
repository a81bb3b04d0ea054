# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Words that a reader whose second language is English stumbles over, with what to write instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = {
    r"refus(?:e|es|ed|al|als|ing)": "reject",
    r"told|tells?|says?|said": "publish, report, print; nominal",
    r"knows?|knew|believes?|believed|asks|asked": "code does not know, believe or ask: has, accepts, needs",
    r"mend(?:s|ed|ing)?": "fix",
    r"anew": "again",
    r"lets? go": "release",
    r"(?<!ground )(?<!--)truth(?!\.json)": "ground truth",
    r"pictures?|photographs?": "image",
    r"(?:a|the|this|as a|what|which|smaller|larger) share": "fraction",
    r"nobody|somebody|whoever": "no subscriber, a subscriber",
    r"at hand": "available",
    r"for want of": "because ... is missing",
    r"without a near second": "passes the ratio test",
    r"looks? again|looked again|second look": "guided matching",
    r"nonsense": "invalid input",
}
_EXPRESSION = re.compile("|".join(rf"\b(?P<w{number}>{word})\b" for number, word in enumerate(WORDS)), re.IGNORECASE)
_BETTER = list(WORDS.values())


def words_to_replace(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset of each such word, and the word with what to write instead."""
    for found in _EXPRESSION.finditer(text):
        number = int((found.lastgroup or "w0")[1:])
        yield found.start(), f"{found.group()!r}; write: {_BETTER[number]}"
