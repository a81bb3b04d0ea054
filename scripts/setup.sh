#!/usr/bin/env bash
# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
# Set up .venv and .ros (`make setup`): find a Python that can run scripts/setup, which does the work.
set -eu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

for candidate in ${PYTHON:+"$PYTHON"} python3 python3.12 python3.11 python3.13 python3.10 /usr/bin/python3; do
    # A name that is found may still not run: version managers leave shims for versions that are switched off.
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
        exec "$candidate" -I -B "$root/scripts/setup" "$@"
    fi
done
echo "setup: error: no Python 3.10 to 3.13 on this machine; install one (apt install python3 python3-venv python3-dev)" >&2
exit 1
