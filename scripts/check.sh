#!/usr/bin/env bash
# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
# Run every gate of the code, also after one has failed, and say which failed.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root" || exit 1
bin="$root/.venv/bin"
failed=()

gate() {
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

shell_syntax() {
    local script status=0
    for script in scripts/*.sh .ci/run; do
        bash -n "$script" || status=1
    done
    return $status
}

gate "format (ruff format)" "$bin/ruff" format --check --quiet .
gate "lint (ruff)" "$bin/ruff" check --quiet .
gate "types (mypy)" "$bin/mypy"
gate "types of the set-up (mypy)" env MYPYPATH=scripts/setup "$bin/mypy" --strict scripts/setup/__main__.py
gate "types of the ratchets (mypy)" env MYPYPATH=scripts/ratchets "$bin/mypy" --strict scripts/ratchets/__main__.py
gate "ratchets" "$bin/python" scripts/ratchets
gate "shell syntax (bash -n)" shell_syntax
gate "architecture, package and pages" scripts/run.sh pytest -q test/test_architecture.py test/test_package.py \
    test/test_docs.py test/test_docs_nodes.py

if ((${#failed[@]})); then
    printf 'check: error: failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
echo "check: all gates pass"
