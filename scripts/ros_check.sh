#!/usr/bin/env bash
# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
# Build the package as a colcon workspace does (files copied, tests on), run its tests, and use what was installed.
set -eo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
base="$root/.ros/check"
rm -rf "$base"
. .ros/setup.bash
bases=(--build-base "$base/build" --install-base "$base/install")
run() {
    echo "+ $*"
    "$@"
}

run colcon --log-base "$base/log" build --paths . "${bases[@]}" --event-handlers console_cohesion+ \
    --cmake-args -DBUILD_TESTING=ON "-DPython3_EXECUTABLE=$(command -v python3)"
run colcon --log-base "$base/log" test --paths . "${bases[@]}" --event-handlers console_cohesion+
run colcon --log-base "$base/log" test-result --test-result-base "$base/build" --verbose
. "$base/install/local_setup.bash"
cd "$base" # where `import sfd2_ros` can only mean what was installed
run python3 -c 'import rclpy, sfd2_ros.msg, sfd2_ros.srv, sfd2_ros.core; assert "/check/" in sfd2_ros.__file__'
run "$base/install/sfd2_ros/lib/sfd2_ros/sfd2" --version
if command -v ros2 >/dev/null; then
    run ros2 interface show sfd2_ros/msg/LocalFeatures
    run ros2 launch sfd2_ros localize.launch.py --show-args
else
    echo "ros-check: no command ros2 here: ros2 interface show, ros2 launch --show-args were not run"
fi
