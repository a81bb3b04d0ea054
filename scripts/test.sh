#!/usr/bin/env bash
# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
# Run the tests in a ROS domain of their own; under CI=true, fail when more than MAX_SKIPS tests are skipped. Fifteen
# are: ten need launch_ros, three transformers, one a GPU, one Chromium; none of these comes with the set-up from wheels.
set -eo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
# Domains above 101 run into the ports that Linux hands out by itself.
export ROS_DOMAIN_ID=${ROS_DOMAIN_ID:-$((1 + RANDOM % 100))}
report="$root/out/test/pytest.xml"
mkdir -p "$root/out/test"
status=0
# Two processes: the tests of nodes mostly wait. A file's tests stay together, so that its maps are built once.
scripts/run.sh pytest -q -n "${TEST_PROCESSES:-2}" --dist loadfile --junitxml="$report" --reruns 2 --only-rerun "did not come true in time" "$@" || status=$?
.venv/bin/python scripts/count_skips.py "$report" --maximum "${MAX_SKIPS:-15}" || status=$((status ? status : 1))
exit "$status"
