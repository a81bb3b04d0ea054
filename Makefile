# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
# Every target works as the first command in a fresh clone: each sets up what it needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make setup      .venv and .ros: Python packages, ROS 2 (the one that is sourced, else wheels), messages
setup:
	@scripts/setup.sh
