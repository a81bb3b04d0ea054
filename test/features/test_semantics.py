# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.semantics import NOT_LABELLED, STABILITY_TABLE, load_stability_table

GROUPS = {
    "volatile": {"value": 0.1, "class": 0},
    "dynamic": {"value": 0.1, "class": 0},
    "short_term": {"value": 0.5, "class": 1},
    "long_term": {"value": 1.0, "class": 2},
}


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "table.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_values_are_those_of_the_published_network() -> None:
    table = load_stability_table()
    assert table.class_values == (0.1, 0.5, 1.0)
    assert table.values == {"volatile": 0.1, "dynamic": 0.1, "short_term": 0.5, "long_term": 1.0}


@pytest.mark.parametrize(
    ("label_set", "count", "examples"),
    [
        ("camvid", 12, {0: "sky", 3: "road", 8: "car", 11: "unlabelled"}),
        ("cityscapes", 19, {0: "road", 2: "building", 10: "sky", 18: "bicycle"}),
        ("ade20k", 150, {0: "wall", 2: "sky", 4: "tree", 12: "person", 136: "traffic light", 149: "flag"}),
    ],
)
def test_label_sets_are_whole_and_in_order(label_set: str, count: int, examples: dict[int, str]) -> None:
    labels = [label for label, _ in load_stability_table().label_sets[label_set]]
    assert len(labels) == count
    assert {index: labels[index] for index in examples} == examples


@pytest.mark.parametrize(
    ("label", "group"),
    [
        ("sky", "volatile"), ("water", "volatile"), ("car", "dynamic"), ("truck", "dynamic"), ("person", "dynamic"),
        ("plant", "short_term"), ("grass", "short_term"), ("building", "long_term"), ("traffic light", "long_term"),
    ],
)  # fmt: skip
def test_examples_of_the_paper_are_in_their_group(label: str, group: str) -> None:
    assert dict(load_stability_table().label_sets["ade20k"])[label] == group


def test_classes_of_a_label_set_are_the_network_s() -> None:
    classes = load_stability_table().classes_of("camvid")
    assert classes.tolist() == [0, 2, 2, 2, 2, 1, 2, 2, 0, 0, 0, NOT_LABELLED]


def test_unknown_label_set_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'mapillary' is not known; allowed: ade20k, camvid, cityscapes"):
        load_stability_table().classes_of("mapillary")


def test_a_correct_table_of_one_s_own_is_read(tmp_path: Path) -> None:
    table = load_stability_table(write(tmp_path, {"groups": GROUPS, "label_sets": {"a": [["x", "dynamic"]]}}))
    assert table.classes_of("a").tolist() == [0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "two keys"),
        ({"groups": GROUPS}, "two keys"),
        ({"groups": {**GROUPS, "static": {}}, "label_sets": {}}, "groups must be"),
        ({"groups": {**GROUPS, "dynamic": 0.1}, "label_sets": {}}, "'dynamic' is 0.1"),
        ({"groups": {**GROUPS, "dynamic": {"value": 1.5, "class": 0}}, "label_sets": {}}, "'dynamic' is 1.5"),
        ({"groups": {**GROUPS, "dynamic": {"value": "0.1", "class": 0}}, "label_sets": {}}, "value of group 'dynamic'"),
        ({"groups": {**GROUPS, "dynamic": {"value": 0.1, "class": 3}}, "label_sets": {}}, "class of group 'dynamic'"),
        ({"groups": {**GROUPS, "dynamic": {"value": 0.2, "class": 0}}, "label_sets": {}}, "needs one value"),
        ({"groups": {**GROUPS, "long_term": {"value": 1, "class": 1}}, "label_sets": {}}, "needs one value"),
        ({"groups": GROUPS, "label_sets": []}, "must name label sets"),
        ({"groups": GROUPS, "label_sets": {"a": []}}, "must be a list"),
        ({"groups": GROUPS, "label_sets": {"a": [["x"]]}}, r"entry \['x'\]"),
        ({"groups": GROUPS, "label_sets": {"a": [["x", "static"]]}}, "'x' of 'a' has group 'static'"),
        ({"groups": GROUPS, "label_sets": {"a": [["x", None], ["x", None]]}}, "'x' more than once"),
    ],
)
def test_a_wrong_table_is_refused_with_what_is_wrong(content: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        load_stability_table(write(tmp_path, content))


def test_a_missing_table_and_one_that_is_no_yaml_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_stability_table(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe: [")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_stability_table(tmp_path / "bad.yaml")
    assert STABILITY_TABLE.is_file()
