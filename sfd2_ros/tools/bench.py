# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench`: our features and our pipeline beside others on the same data."""

from __future__ import annotations

import click


@click.group("bench")
def command() -> None:
    """Compare features, matchers and pipelines on the same pixels."""
