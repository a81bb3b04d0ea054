# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a laboratory runs: simulation, training, benchmarks, data sets, reports. No robot needs it."""
