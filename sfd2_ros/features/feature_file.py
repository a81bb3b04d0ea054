# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`feats.h5`: features of many images in hloc's layout, so that hloc's users can read them.

A group per image name (slashes make nested groups) with `keypoints` (N, 2) float32 in pixels, centre of the top-left
pixel at 0, `scores` (N,), `descriptors` (D, N), `image_size` (w, h), and beside hloc's `stability` (N,). The attribute
`weights_id` of the file names the weights that made them, `extraction` (JSON) the settings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from sfd2_ros.core.errors import FeatureFileError
from sfd2_ros.core.files import atomic_file, claimed_file, refuse_existing
from sfd2_ros.core.types import Features
from sfd2_ros.features.hdf5_output import hdf5_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_EXTRACTION = "extraction"
_DATASETS = ("keypoints", "scores", "descriptors", "image_size", "stability")


def write_features(
    path: Path,
    features: Iterable[tuple[str, Features]],
    *,
    overwrite: bool = False,
    extraction: Mapping[str, Any] | None = None,
) -> int:
    """Write features as they come; the file appears whole or not at all.

    Args:
        path: of the file.
        features: image names, relative with forward slashes, and their features, all of the same weights.
        overwrite: replace an existing file.
        extraction: settings of the extractor; None: unknown.

    Returns:
        How many images were written.

    Raises:
        OutputError: the file exists and `overwrite` is false, another run writes it, the folder cannot be written, or
            the disk is full.
        FeatureFileError: a name is empty, absolute or there twice, or the weights differ.
    """
    count = 0
    with claimed_file(path, overwrite=overwrite), atomic_file(path) as temporary:
        with hdf5_output(temporary) as (file, check_written):
            if extraction is not None:
                file.attrs[_EXTRACTION] = json.dumps(dict(extraction))
            for name, one in features:
                _check_name(name, file)
                _check_weights(name, one.weights_id, file)
                _write_group(file.create_group(name), one)
                check_written()
                count += 1
        # Another program may have put something there meanwhile.
        refuse_existing(path, overwrite=overwrite)
    return count


def read_features(path: Path, names: Sequence[str] | None = None) -> dict[str, Features]:
    """Read features.

    Args:
        path: of the file.
        names: of the images that are wanted; None for all.

    Returns:
        Features by image name, in the order of `names`, or sorted.

    Raises:
        FeatureFileError: the file is missing, damaged or in another layout, or lacks an image.
    """
    try:
        with h5py.File(path, "r") as file:
            wanted = _names_in(file) if names is None else names
            weights_id = str(file.attrs.get("weights_id", "unknown"))
            return {name: _read_group(file, name, weights_id, path) for name in wanted}
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as err:
        raise FeatureFileError(
            f"feature file {str(path)!r} is missing or damaged: {err}; write it again with `sfd2 extract`"
        ) from err


def read_extraction(path: Path) -> dict[str, Any] | None:
    """Return the settings that features were extracted with, or None where the file does not name them.

    Raises:
        FeatureFileError: the file is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            written = file.attrs.get(_EXTRACTION)
        settings = None if written is None else json.loads(written)
    except (OSError, RuntimeError, ValueError, TypeError) as err:
        raise FeatureFileError(
            f"feature file {str(path)!r} is missing or damaged: {err}; write it again with `sfd2 extract`"
        ) from err
    if settings is not None and not isinstance(settings, dict):
        raise FeatureFileError(
            f"feature file {str(path)!r} has the settings {settings!r}; write it again with `sfd2 extract`"
        )
    return settings


def list_feature_names(path: Path) -> list[str]:
    """Return the names of the images in a feature file, sorted.

    Raises:
        FeatureFileError: the file is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            return _names_in(file)
    except (OSError, RuntimeError, ValueError, KeyError) as err:
        raise FeatureFileError(
            f"feature file {str(path)!r} is missing or damaged: {err}; write it again with `sfd2 extract`"
        ) from err


def _check_name(name: str, file: h5py.File) -> None:
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise FeatureFileError(f"image name {name!r} cannot be stored; give a relative path such as 'a/b.jpg'")
    if name in file:
        raise FeatureFileError(f"image name {name!r} is there twice, or is another image's folder; names must differ")


def _check_weights(name: str, weights_id: str, file: h5py.File) -> None:
    if file.attrs.setdefault("weights_id", weights_id) != weights_id:
        raise FeatureFileError(
            f"features of {name!r} are of weights {weights_id!r}, the others of {file.attrs['weights_id']!r}; one "
            "file holds features of one network"
        )


def _write_group(group: h5py.Group, features: Features) -> None:
    height, width = features.image_size
    group.create_dataset("keypoints", data=features.keypoints)
    group.create_dataset("scores", data=features.scores)
    group.create_dataset("descriptors", data=features.descriptors.T)
    group.create_dataset("stability", data=features.stability)
    group.create_dataset("image_size", data=np.array([width, height], np.int64))


def _names_in(file: h5py.File) -> list[str]:
    names: list[str] = []

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and name.endswith("/keypoints"):
            names.append(name.removesuffix("/keypoints"))

    file.visititems(visit)
    return sorted(names)


def _read_group(file: h5py.File, name: str, weights_id: str, path: Path) -> Features:
    if name not in file:
        raise FeatureFileError(f"feature file {str(path)!r} has no image {name!r}; see which it has with `h5ls -r`")
    group = file[name]
    lacking = [dataset for dataset in _DATASETS if dataset not in group]
    if lacking:
        raise FeatureFileError(f"feature file {str(path)!r}: {name!r} lacks {', '.join(lacking)}; extract it again")
    keypoints, scores, descriptors, size, stability = (group[dataset][()] for dataset in _DATASETS)
    return Features(
        keypoints=np.asarray(keypoints, np.float32),
        scores=np.asarray(scores, np.float32),
        stability=np.asarray(stability, np.float32),
        descriptors=np.ascontiguousarray(np.asarray(descriptors, np.float32).T),
        image_size=(int(size[1]), int(size[0])),
        weights_id=weights_id,
    )
