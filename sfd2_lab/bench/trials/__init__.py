# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The real nodes put to the test: how long they take, what they survive, whether their memory stays flat."""
