# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps of a robot's own drive, measured: recordings with known poses, maps of them, errors before and after."""
