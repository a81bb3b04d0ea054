# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Public data sets as they are downloaded: their layouts, their rules, and miniature copies for tests."""
