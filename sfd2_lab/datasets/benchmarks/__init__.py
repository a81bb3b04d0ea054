# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of long-term visual localization: their folders, lists, models and submission rules."""
