# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Oxford RobotCar dataset: sequences and the calibration of its development kit."""
