# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Both nodes in one process."""

from __future__ import annotations

import sys

from sfd2_ros.ros import feature_node, localizer_node
from sfd2_ros.ros.managed_node import run_nodes


def main(arguments: list[str] | None = None) -> int:
    """Run feature_node and localizer_node and return the exit code."""
    make_nodes = [
        lambda: feature_node.FeatureNode(ignored=localizer_node.SETTINGS),
        lambda: localizer_node.LocalizerNode(ignored=feature_node.SETTINGS),
    ]
    return run_nodes(make_nodes, arguments)


if __name__ == "__main__":
    sys.exit(main())
