# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from sfd2_lab.bench.demo import ros_domain
from sfd2_lab.bench.demo.ros_domain import FIRST, LAST, private_domain
from sfd2_ros.core.errors import DependencyError


def test_domains_held_at_one_time_differ_and_are_given_back() -> None:
    with private_domain() as first, private_domain() as second:
        assert first != second
        assert FIRST <= second <= LAST
    with private_domain() as again:
        assert again == first


def test_environment_is_set_for_the_block_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE", raising=False)
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    with private_domain() as domain:
        assert os.environ["ROS_DOMAIN_ID"] == str(domain)
        assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert os.environ["ROS_DOMAIN_ID"] == "7"
    assert "ROS_AUTOMATIC_DISCOVERY_RANGE" not in os.environ


def test_humble_is_kept_on_this_machine_by_its_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DISTRO", "humble")
    monkeypatch.delenv("ROS_LOCALHOST_ONLY", raising=False)
    with private_domain():
        assert os.environ["ROS_LOCALHOST_ONLY"] == "1"
    assert "ROS_LOCALHOST_ONLY" not in os.environ


def test_no_free_domain_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ros_domain, "FIRST", 100)
    monkeypatch.setattr(ros_domain, "LAST", 101)
    with private_domain(), private_domain(), pytest.raises(DependencyError, match="end some runs"), private_domain():
        pytest.fail("a third domain of two was given")


def test_domain_is_given_back_after_an_error() -> None:
    with pytest.raises(RuntimeError), private_domain() as first:
        raise RuntimeError
    with private_domain() as again:
        assert again == first
