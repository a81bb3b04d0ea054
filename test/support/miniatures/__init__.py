# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature copies of public data sets: a simulated town in their layouts, for tests of what reads them."""
