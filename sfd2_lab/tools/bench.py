# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 bench`: our features and our pipeline beside others on the same data."""

from __future__ import annotations

import click

from sfd2_lab.tools import (
    bench_all,
    bench_drives,
    bench_features,
    bench_foreign,
    bench_labels,
    bench_localizer,
    bench_nights,
    bench_nodes,
    bench_pipeline,
    bench_retrieval,
    bench_robustness,
    bench_sessions,
    bench_speed,
    bench_two_view,
)


@click.group("bench")
def command() -> None:
    """Compare features, matchers and pipelines on the same pixels."""


command.add_command(bench_features.command)
command.add_command(bench_two_view.timelapse)
command.add_command(bench_two_view.homographies)
command.add_command(bench_nights.nights)
command.add_command(bench_retrieval.retrieval)
command.add_command(bench_pipeline.command)
command.add_command(bench_nodes.latency)
command.add_command(bench_nodes.soak)
command.add_command(bench_labels.command)
command.add_command(bench_all.bench_all)
command.add_command(bench_all.bench_report)
command.add_command(bench_robustness.command)
command.add_command(bench_foreign.command)
command.add_command(bench_sessions.command)
command.add_command(bench_speed.command)
command.add_command(bench_drives.command)
command.add_command(bench_localizer.nees)
command.add_command(bench_localizer.rig)
command.add_command(bench_localizer.tracking)
command.add_command(bench_localizer.fusion)
command.add_command(bench_localizer.intrinsics)
