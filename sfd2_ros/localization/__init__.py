# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From features and a map to a pose, or to a reason why there is none."""
