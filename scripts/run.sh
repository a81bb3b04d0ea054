#!/usr/bin/env bash
# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
# Run a command in the environment that `make setup` made: scripts/run.sh COMMAND [ARGUMENT ...]
set -eo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
. "$root/.ros/setup.bash"
# What a script or a CI service starts in the background ignores SIGINT, and so would every node below it; nodes are
# stopped by SIGINT.
exec env --default-signal=INT "$@"
