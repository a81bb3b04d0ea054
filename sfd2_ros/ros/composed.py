# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""feature_node and localizer_node in one process: one interpreter, one copy of torch, less memory."""

from __future__ import annotations

import sys

from sfd2_ros.ros.feature_node import FeatureNode
from sfd2_ros.ros.localizer_node import LocalizerNode
from sfd2_ros.ros.managed_node import run_nodes


def main(arguments: list[str] | None = None) -> int:
    """Run both nodes and return the exit code."""
    return run_nodes([FeatureNode, LocalizerNode], arguments)


if __name__ == "__main__":
    sys.exit(main())
