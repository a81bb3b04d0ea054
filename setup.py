# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Install with pip alone: the library and the command `sfd2`, without ROS messages (those come from CMakeLists.txt)."""

import re
from pathlib import Path

from setuptools import find_packages, setup

root = Path(__file__).resolve().parent
version = re.search(r'^__version__ = "(.+)"$', (root / "sfd2_ros" / "__init__.py").read_text("utf-8"), re.MULTILINE)
if version is None:
    raise SystemExit('setup.py: sfd2_ros/__init__.py has no line __version__ = "..."')

setup(
    name="sfd2_ros",
    version=version.group(1),
    description="Visual localization for ROS 2 with SFD2 features",
    long_description=(root / "README.md").read_text("utf-8") if (root / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["sfd2_ros", "sfd2_ros.*", "sfd2_lab", "sfd2_lab.*"]),
    package_data={"sfd2_ros": ["py.typed", "data/**/*", "data/*"], "sfd2_lab": ["py.typed", "data/**/*", "data/*"]},
    install_requires=[
        "numpy>=1.26",
        "torch>=2.5",
        "pycolmap>=4.2,<5",
        "opencv-python-headless>=4.6",
        "h5py>=3.8",
        "safetensors>=0.4",
        "rosbags>=0.10",
        "rosbags-image>=0.10",
        "click>=8.1",
        "rich>=13",
        "PyYAML>=6.0",
        "scipy>=1.11",
    ],
    extras_require={
        # The laboratory, sfd2_lab: plots and pages. A robot needs neither.
        "lab": ["matplotlib>=3.6", "jinja2>=3.1"],
        # ALIKED, DISK and XFeat beside our features in `sfd2 bench`; ALIKED in the place of SFD2, `--model aliked-n16`.
        "bench": ["kornia>=0.9; python_version >= '3.11'"],
        # Export to ONNX, and the backends onnxruntime and tensorrt of the extractor.
        "onnx": ["onnx>=1.16", "onnxruntime>=1.18"],
        # Consistent poses of a drive, `sfd2 map build BAG`. A robot that only localizes does not need it.
        "mapping": ["pyceres>=2.6,<3"],
        # The live view in a browser and its recordings, `sfd2 view`. It needs numpy 2.
        "view": ["rerun-sdk>=0.41,<0.42; python_version >= '3.11'"],
    },
    entry_points={"console_scripts": ["sfd2 = sfd2_ros.tools.main:main"]},
)
