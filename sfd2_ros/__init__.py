# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic-aware visual localization (SFD2) for ROS 2."""

from __future__ import annotations

import os
from pkgutil import extend_path

# The generated sfd2_ros.msg and sfd2_ros.srv lie in the ROS overlay; in a checkout they are found beside these modules.
__path__ = extend_path(__path__, __name__)

# The products that numpy's BLAS has here are small. With a thread for each core it fights torch's threads: a pose took
# half as long again, and twice the processor time. It reads this when numpy is imported, so it stands here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# torch's threads (libgomp) spin while they wait for each other, by default long enough that on cores shared with other
# work a picture takes four times as long. So many turns, tens of microseconds, cost nothing on idle cores.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

__version__ = "0.1.0"
