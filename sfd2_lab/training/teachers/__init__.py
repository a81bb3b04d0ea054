# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where training targets come from: corners for local reliability, segmentation networks for semantics."""
