# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Types, transforms, settings and errors that every other part builds on; needs numpy only."""
