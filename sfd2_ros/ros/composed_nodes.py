# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Both nodes in one process: features go from one to the other by reference, neither copied nor encoded."""

from __future__ import annotations

import sys

from sfd2_ros.ros import feature_node, localizer_node
from sfd2_ros.ros.intra_process import IntraProcessBridge
from sfd2_ros.ros.managed_node import run_nodes


def main(arguments: list[str] | None = None) -> int:
    """Run feature_node and localizer_node and return the exit code."""
    bridge = IntraProcessBridge()
    make_nodes = [  # in this order: the localizer receives by hand what was offered before it starts
        lambda: feature_node.FeatureNode(localizer_node.SETTINGS, bridge),
        lambda: localizer_node.LocalizerNode(feature_node.SETTINGS, bridge),
    ]
    return run_nodes(make_nodes, arguments)


if __name__ == "__main__":
    sys.exit(main())
