# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our features beside others: the same images, the same budget, the same matching, the same pose solver."""
