# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's commands of `sfd2`; argument parsing only."""
