# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`sfd2 play`: publish a rosbag2 on ROS topics."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("play")
@click.argument("bag", type=click.Path(path_type=Path))
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Speed; 2 plays twice as fast as recorded.",
)
@click.option("--loop", is_flag=True, help="Repeat until interrupted.")
@click.option("--clock", is_flag=True, help="Publish /clock, for nodes with use_sim_time:=true.")
@click.option("--restamp", is_flag=True, help="Shift all stamps to the present.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Longest time to wait for subscribers before the first message, seconds.",
)
def command(*, bag: Path, rate: float, loop: bool, clock: bool, restamp: bool, wait: float) -> None:
    """Publish a rosbag2 on ROS topics, as `ros2 bag play` does.

    BAG is its folder, or an .mcap or .db3 file. Every topic is published reliably, and /tf_static is kept for late
    subscribers. With --clock the nodes need use_sim_time:=true; with --restamp they do not. The two exclude each other.
    """
    from sfd2_ros.bags.reader import BagReader  # noqa: PLC0415
    from sfd2_ros.ros.native import require_ros  # noqa: PLC0415

    if clock and restamp:
        raise click.UsageError("--clock plays at the times of the recording, --restamp moves them to now; choose one")
    require_ros()
    from sfd2_ros.ros.bag_player import PlaySettings, play_bag  # noqa: PLC0415

    settings = PlaySettings(rate=rate, is_looping=loop, has_clock=clock, is_restamped=restamp, discovery_s=wait)
    with BagReader(bag) as reader:
        click.echo(f"{bag}: {reader.duration_s:.1f} s; {', '.join(topic.name for topic in reader.topics)}")
        played = play_bag(reader, settings, lambda line: click.echo(line, err=True))
    click.echo(f"{played.messages} messages published")
