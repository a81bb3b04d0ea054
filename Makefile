# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
# Every target works as the first command in a fresh clone: each sets up what it needs. `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo bench test check ros-check clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make setup      .venv and .ros: Python packages, ROS 2 (the one that is sourced, else wheels), messages
##                 TORCH_INDEX=URL: where pip looks for torch; PYTHON=python3.12: the Python to use
setup:
	@scripts/setup.sh

## make demo       map a street, start the nodes, replay a drive, compare TF with the truth: out/demo
##                 DATA=FOLDER: a recorded drive; CONDITION=NAME: light and weather of the simulated one
demo: setup
	@scripts/run.sh sfd2 demo -o out/demo $(if $(DATA),--data "$(DATA)") $(if $(CONDITION),--condition "$(CONDITION)")

## make bench      our features and our localizer beside others: out/bench/report.html and bench.json
##                 SFD2_DATA or DATA=FOLDER: where photographs and weights of other methods are; else simulated only
bench: setup
	@scripts/run.sh sfd2 bench all -o out/bench $(if $(DATA),--data "$(DATA)")

## make test       all tests; ARGS="test/core -k name": some
test: setup
	@scripts/test.sh $(ARGS)

## make check      format, lint, types, ratchets, shell syntax, architecture, versions, pages
check: setup
	@scripts/check.sh

## make ros-check  build, test and import the package by the plain rules of colcon
ros-check: setup
	@scripts/ros_check.sh

## make clean      remove everything that these commands made
clean:
	@rm -rf .venv .ros out sfd2_ros.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
