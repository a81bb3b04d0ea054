# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the trainer learns from: pairs of pictures of one place, with labels, corners and true correspondence."""
