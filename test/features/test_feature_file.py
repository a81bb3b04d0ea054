# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import fcntl
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.full_disk import room_for

from sfd2_ros.core.errors import FeatureFileError, OutputError
from sfd2_ros.core.types import Features
from sfd2_ros.features.feature_file import list_feature_names, read_features, write_features


def make_features(count: int, seed: int = 0) -> Features:
    random = np.random.default_rng(seed)
    descriptors = random.normal(size=(count, 8)).astype(np.float32)
    return Features(
        keypoints=random.uniform(0, 100, (count, 2)).astype(np.float32),
        scores=np.sort(random.uniform(0, 1, count).astype(np.float32))[::-1].copy(),
        stability=random.choice(np.array([0.1, 0.5, 1.0], np.float32), count),
        descriptors=descriptors,
        image_size=(370, 1226),
        weights_id="sfd2-8d-0",
    )


def assert_equal(one: Features, other: Features) -> None:
    for field in dataclasses.fields(Features):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "feats.h5"
    write_features(path, [("b/rear/1.jpg", make_features(5)), ("a.jpg", make_features(3, 1))])
    return path


def test_features_are_read_back_as_they_were(file: Path) -> None:
    found = read_features(file)
    assert list(found) == ["a.jpg", "b/rear/1.jpg"]
    assert_equal(found["b/rear/1.jpg"], make_features(5))
    assert_equal(found["a.jpg"], make_features(3, 1))


def test_layout_is_that_of_hloc(file: Path) -> None:
    with h5py.File(file) as content:
        group = content["b"]["rear"]["1.jpg"]
        assert set(group) == {"keypoints", "scores", "descriptors", "image_size", "stability"}
        assert group["keypoints"].shape == (5, 2)
        assert group["descriptors"].shape == (8, 5)
        assert group["keypoints"].dtype == np.float32
        assert group["image_size"][()].tolist() == [1226, 370]
        assert content.attrs["weights_id"] == "sfd2-8d-0"


def test_images_that_are_asked_for_come_in_that_order(file: Path) -> None:
    assert list(read_features(file, ["b/rear/1.jpg", "a.jpg"])) == ["b/rear/1.jpg", "a.jpg"]
    assert list_feature_names(file) == ["a.jpg", "b/rear/1.jpg"]


def test_image_without_features_is_kept(tmp_path: Path) -> None:
    assert write_features(tmp_path / "f.h5", [("a.jpg", make_features(0))]) == 1
    found = read_features(tmp_path / "f.h5")["a.jpg"]
    assert len(found) == 0
    assert found.descriptors.shape == (0, 8)


def test_a_disk_that_is_full_at_any_byte_gives_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    images = [(f"a/{index}.jpg", make_features(60, index)) for index in range(6)]
    write_features(tmp_path / "whole.h5", images)
    whole = (tmp_path / "whole.h5").stat().st_size
    (tmp_path / "whole.h5").unlink()
    for size in (0, 1, 96, 1000, whole // 2, whole - 2048, whole - 1):
        with room_for(size), pytest.raises(OutputError, match=r"f\.h5': File too large; free some space"):
            write_features(tmp_path / "f.h5", images)
        assert list(tmp_path.iterdir()) == []
    with room_for(whole):
        assert write_features(tmp_path / "f.h5", images) == len(images)
    assert list(read_features(tmp_path / "f.h5")) == [name for name, _ in images]


def test_after_a_full_disk_no_other_image_is_extracted(tmp_path: Path) -> None:
    extracted = []

    def images() -> Iterator[tuple[str, Features]]:
        for index in range(9):
            extracted.append(index)
            yield f"{index}.jpg", make_features(1000, index)

    with room_for(100_000), pytest.raises(OutputError, match="free some space"):
        write_features(tmp_path / "f.h5", images())
    assert extracted == [0, 1]


def test_a_file_that_another_run_writes_is_rejected_before_the_first_image(tmp_path: Path) -> None:
    def images() -> Iterator[tuple[str, Features]]:
        pytest.fail("work must not begin")
        yield "a.jpg", make_features(1)

    with (tmp_path / ".f.h5.sfd2_claim").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for overwrite in (False, True):
            with pytest.raises(OutputError, match=r"f\.h5' is being written by another run; wait for it"):
                write_features(tmp_path / "f.h5", images(), overwrite=overwrite)
    assert write_features(tmp_path / "f.h5", [("a.jpg", make_features(1))]) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["f.h5"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def images() -> Iterator[tuple[str, Features]]:
        (tmp_path / "f.h5").write_text("theirs")
        yield "a.jpg", make_features(1)

    with pytest.raises(OutputError, match="exists"):
        write_features(tmp_path / "f.h5", images())
    assert (tmp_path / "f.h5").read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 1


def test_existing_file_is_kept_unless_told(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(OutputError, match="--overwrite"):
        write_features(file, [("x.jpg", make_features(1))])
    assert file.read_bytes() == before
    write_features(file, [("x.jpg", make_features(1))], overwrite=True)
    assert list_feature_names(file) == ["x.jpg"]


@pytest.mark.parametrize("name", ["", "/a.jpg", "a//b.jpg", "../a.jpg", "a/./b.jpg", "a/"])
def test_name_that_cannot_be_stored_is_refused_and_no_file_left(name: str, tmp_path: Path) -> None:
    with pytest.raises(FeatureFileError, match="cannot be stored"):
        write_features(tmp_path / "f.h5", [(name, make_features(1))])
    assert list(tmp_path.iterdir()) == []


def test_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeatureFileError, match="twice"):
        write_features(tmp_path / "f.h5", [("a.jpg", make_features(1)), ("a.jpg", make_features(1))])


def test_features_of_other_weights_are_refused(tmp_path: Path) -> None:
    other = dataclasses.replace(make_features(1), weights_id="sfd2-8d-1")
    with pytest.raises(FeatureFileError, match=r"'sfd2-8d-1'.*'sfd2-8d-0'"):
        write_features(tmp_path / "f.h5", [("a.jpg", make_features(1)), ("b.jpg", other)])


def test_missing_image_is_named(file: Path) -> None:
    with pytest.raises(FeatureFileError, match=r"no image 'none\.jpg'"):
        read_features(file, ["none.jpg"])


def test_missing_dataset_is_named(file: Path) -> None:
    with h5py.File(file, "r+") as content:
        del content["a.jpg/stability"]
    with pytest.raises(FeatureFileError, match=r"'a\.jpg' lacks stability"):
        read_features(file)


def test_arrays_that_disagree_are_refused(file: Path) -> None:
    with h5py.File(file, "r+") as content:
        del content["a.jpg/scores"]
        content["a.jpg/scores"] = np.ones(2, np.float32)
    with pytest.raises(FeatureFileError, match="scores has shape"):
        read_features(file)


@pytest.mark.parametrize("data", [b"", b"no HDF5 at all", b"\x89HDF\r\n\x1a\n"], ids=len)
def test_what_is_no_feature_file_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "f.h5").write_bytes(data)
    for read in (read_features, list_feature_names):
        with pytest.raises(FeatureFileError, match=r"f\.h5"):
            read(tmp_path / "f.h5")
        with pytest.raises(FeatureFileError, match="missing or damaged"):
            read(tmp_path / "none.h5")


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_truncated_file_is_refused(share: float, file: Path, tmp_path: Path) -> None:
    data = file.read_bytes()
    part = tmp_path / "part.h5"
    part.write_bytes(data[: int(share * len(data))])
    with pytest.raises(FeatureFileError, match=r"part\.h5"):
        read_features(part)


@given(place=st.integers(0, 1 << 30), bit=st.integers(0, 7))
@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_flipped_bit_gives_features_or_a_typed_error(place: int, bit: int, file: Path, tmp_path: Path) -> None:
    data = bytearray(file.read_bytes())
    data[place % len(data)] ^= 1 << bit
    flipped = tmp_path / "flipped.h5"
    flipped.write_bytes(data)
    try:
        found = read_features(flipped)
    except FeatureFileError as err:
        assert "flipped.h5" in str(err)  # noqa: PT017 - the other outcome is checked too
    else:
        assert all(isinstance(features, Features) for features in found.values())
