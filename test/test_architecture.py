# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rules of docs/architecture.md and of the style hold in every module, and each catches a planted violation."""

from __future__ import annotations

import ast
from pathlib import Path, PurePosixPath

import pytest
from support.architecture_rules import (
    HEADER,
    RULES,
    Rule,
    direction,
    headed,
    known_part,
    named,
    nothing_executed,
    numpy_only_core,
    pure_algorithms,
    pycolmap_at_home,
    robot_without_laboratory,
    ros_at_home,
    small,
)

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("sfd2_ros", "sfd2_lab", "launch", "scripts", "test", "setup.py")


def modules() -> list[PurePosixPath]:
    """Return every module of the project, relative to its root."""
    found = [
        path for name in FOLDERS for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
    ]
    return sorted(PurePosixPath(path.relative_to(ROOT).as_posix()) for path in found)


def complaints(rule: Rule, path: PurePosixPath, source: str) -> list[str]:
    """Return what a rule has to say about a module, with its path."""
    return [f"{path}: {complaint}" for complaint in rule(path, ast.parse(source), source)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Rule) -> None:
    paths = modules()
    assert len(paths) > 20
    found = [said for path in paths for said in complaints(rule, path, (ROOT / path).read_text("utf-8"))]
    assert not found, f"{rule.__doc__}\n" + "\n".join(found)


PLANTED = [
    (direction, "sfd2_ros/features/a.py", "from sfd2_ros.mapping import load_map"),
    (direction, "sfd2_ros/core/a.py", "def f():\n    import sfd2_ros.features.images"),
    (direction, "sfd2_ros/mapping/a.py", "from sfd2_ros import localization"),
    (direction, "sfd2_ros/localization/a.py", "from sfd2_ros.ros.qos import reliable"),
    (direction, "sfd2_ros/ros/a.py", "import sfd2_ros.evaluation"),
    (direction, "sfd2_ros/evaluation/a.py", "if TYPE_CHECKING:\n    from sfd2_ros.tools import x"),
    (direction, "sfd2_lab/simulation/a.py", "from sfd2_lab.bench.rows import x"),
    (direction, "sfd2_lab/training/a.py", "from sfd2_ros.ros.qos import reliable"),
    (direction, "sfd2_lab/bench/a.py", "from sfd2_ros.tools.options import x"),
    (robot_without_laboratory, "sfd2_ros/tools/a.py", "def f():\n    from sfd2_lab.simulation import World"),
    (robot_without_laboratory, "sfd2_ros/ros/a.py", "import sfd2_lab"),
    (robot_without_laboratory, "launch/a.launch.py", "from sfd2_lab.bench import rows"),
    (direction, "sfd2_ros/core/a.py", "from ..features import images"),
    (known_part, "sfd2_ros/extras/a.py", ""),
    (known_part, "sfd2_lab/extras/a.py", ""),
    (numpy_only_core, "sfd2_ros/core/a.py", "import torch"),
    (numpy_only_core, "sfd2_ros/core/a.py", "from scipy.spatial import KDTree"),
    (ros_at_home, "sfd2_lab/bench/demo/a.py", "import rclpy"),
    (ros_at_home, "sfd2_ros/tools/a.py", "from sensor_msgs.msg import Image"),
    (ros_at_home, "sfd2_ros/bags/a.py", "from tf2_ros import Buffer"),
    (ros_at_home, "sfd2_ros/mapping/a.py", "from sfd2_ros.msg import LocalFeatures"),
    (ros_at_home, "sfd2_ros/a.py", "import rclpy.node"),
    (pycolmap_at_home, "sfd2_ros/localization/a.py", "import pycolmap"),
    (pycolmap_at_home, "sfd2_ros/ros/a.py", "from pycolmap import Camera"),
    (pure_algorithms, "sfd2_ros/mapping/a.py", "print('x')"),
    (pure_algorithms, "sfd2_ros/matching/a.py", "import time\nstart = time.time()"),
    (pure_algorithms, "sfd2_ros/matching/a.py", "from time import sleep"),
    (pure_algorithms, "sfd2_ros/localization/a.py", "import datetime\ndatetime.datetime.now()"),
    (pure_algorithms, "sfd2_ros/features/a.py", "import os\ndevice = os.environ['DEVICE']"),
    (nothing_executed, "sfd2_ros/mapping/a.py", "import pickle"),
    (nothing_executed, "sfd2_ros/features/a.py", "torch.load(path)"),
    (nothing_executed, "sfd2_ros/features/a.py", "torch.load(path, weights_only=False)"),
    (nothing_executed, "sfd2_ros/mapping/a.py", "np.load(path, allow_pickle=True)"),
    (nothing_executed, "sfd2_lab/bench/demo/a.py", "subprocess.run(text, shell=True)"),
    (nothing_executed, "sfd2_ros/core/a.py", "yaml.load(text)"),
    (small, "sfd2_ros/core/a.py", "x = 1\n" * 301),
    (small, "sfd2_ros/core/a.py", "def f():\n" + "    x = 1\n" * 41),
    (headed, "sfd2_ros/core/a.py", "import numpy"),
    (headed, "scripts/a", "#!/usr/bin/env python3\n" + HEADER[0]),
    (named, "sfd2_ros/core/utils.py", ""),
    (named, "sfd2_ros/msg/a.py", ""),
    (named, "sfd2_ros/srv.py", ""),
]


@pytest.mark.parametrize(("rule", "path", "source"), PLANTED)
def test_planted_violation_is_caught(rule: Rule, path: str, source: str) -> None:
    assert complaints(rule, PurePosixPath(path), source)


ALLOWED = [
    ("sfd2_ros/core/a.py", "import json\nimport numpy as np\nfrom sfd2_ros.core.errors import MapError"),
    ("sfd2_ros/ros/a.py", "import rclpy\nimport time\nfrom sfd2_ros.msg import LocalFeatures\ntime.monotonic()"),
    ("sfd2_ros/localization/pnp.py", "import pycolmap\nimport time\ntime.perf_counter()"),
    ("sfd2_ros/features/a.py", "torch.load(path, map_location='cpu', weights_only=True)"),
    ("sfd2_lab/bench/players/b.py", "import rclpy"),
    ("sfd2_lab/bench/demo/a.py", "import sfd2_ros.ros.native\nsubprocess.run(['true'], check=True)"),
    ("sfd2_ros/core/b.py", 'def f():\n    """One.\n' + "\n" * 30 + '    """\n' + "    x = 1\n" * 40),
]


@pytest.mark.parametrize(("path", "source"), ALLOWED)
def test_what_is_allowed_is_not_complained_about(path: str, source: str) -> None:
    text = "\n".join([*HEADER, source])
    assert [said for rule in RULES for said in complaints(rule, PurePosixPath(path), text)] == []


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(RULES)
