# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The standard streams of a process, for code that works below Python's own."""

STDERR = 2
"""File descriptor of standard error (POSIX)."""
