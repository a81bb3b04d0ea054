# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Errors that reach users: each message says what, which value, what is allowed and what to do."""

from __future__ import annotations


class Sfd2Error(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(Sfd2Error):
    """A setting is unknown, has the wrong type, is out of range or contradicts another."""


class ImageError(Sfd2Error):
    """An image cannot be read or has a shape or type that is not supported."""


class CameraError(Sfd2Error):
    """Intrinsics are missing, malformed or of a model that is not supported."""


class WeightsError(Sfd2Error):
    """A weights file is missing, damaged, or does not fit the network."""


class FeatureFileError(Sfd2Error):
    """A feature file is missing, damaged, or not in hloc's layout."""


class SceneError(Sfd2Error):
    """A scene folder lacks images, a model or lists, or these disagree."""


class DatasetError(Sfd2Error):
    """A public data set is incomplete, cut, misnamed, or not in its published layout."""


class MapError(Sfd2Error):
    """A map is missing, damaged, or made with other weights or another format version."""


class MapBuildError(Sfd2Error):
    """A map cannot be built from the given images and poses."""


class PoseFileError(Sfd2Error):
    """A pose file is missing or malformed."""


class BagError(Sfd2Error):
    """A rosbag2 is missing, damaged, or lacks the topics that are needed."""


class OutputError(Sfd2Error):
    """An output exists already or cannot be written."""


class DependencyError(Sfd2Error):
    """A library that this call needs is not installed; the message names how to get it."""


class MessageError(Sfd2Error):
    """A message from another node is malformed."""
