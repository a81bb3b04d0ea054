# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fills the templates of reports; what comes from files is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

import sfd2_lab
from sfd2_ros.core.files import atomic_file

TEMPLATES = Path(sfd2_lab.__file__).parent / "data" / "reports"


def write_page(path: Path, template: str, **content: Any) -> None:
    """Write a report, whole or not at all.

    Args:
        path: HTML file to write; an older one is replaced.
        template: name of a file of `TEMPLATES`.
        content: what the template asks for; `title` and `note` in every case.

    Raises:
        OutputError: the folder cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(template).render(**content)
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
