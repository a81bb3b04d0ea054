# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""HTML reports and the plots in them."""
