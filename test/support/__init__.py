# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What several folders of tests share: fixtures, and writers of miniature data sets."""
