# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sfd2_lab.training.config import read_training_config, training_config_from, training_config_to_yaml
from sfd2_ros.core.errors import ConfigError

SHIPPED = sorted((Path(__file__).resolve().parents[3] / "config" / "training").rglob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_settings_are_read(path: Path) -> None:
    assert read_training_config(path).sources


def test_there_are_shipped_settings() -> None:
    assert len(SHIPPED) >= 6


def test_settings_survive_a_round_trip(small_config: dict) -> None:
    config = training_config_from(small_config)
    assert training_config_from(yaml.safe_load(training_config_to_yaml(config))) == config


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        ("loss", {"detection": "mystery"}, "section 'loss': setting 'detection' is 'mystery'"),
        ("loss", {"sharpness": 1}, "unknown setting 'sharpness'"),
        ("losses", {}, "unknown section 'losses'"),
        ("run", {"steps": "many"}, "'steps' is 'many'"),
        ("run", {"crop_px": 100}, "multiple of 8"),
        ("run", [1], "must hold settings by name"),
        ("sources", {}, "no sources"),
        ("sources", "all", "must be a list"),
        ("loss", {"feature_weight": 1.0}, "without a teacher"),
        ("run", {"architecture": "sfd2-s"}, "run.dimension is 128; run.architecture 'sfd2-s' allows 64, 32"),
        (
            "run",
            {"architecture": "sfd2-s", "dimension": 64, "train": "heads"},
            "heads of 'sfd2-s' have no common trunk",
        ),
        ("run", {"architecture": "huge"}, "'architecture' is 'huge'"),
    ],
)
def test_wrong_settings_are_refused_by_name(small_config: dict, section: str, values: object, said: str) -> None:
    known = small_config.get(section)
    small_config[section] = known | values if isinstance(known, dict) and isinstance(values, dict) else values
    with pytest.raises(ConfigError, match=said):
        training_config_from(small_config)


def test_open_set_refuses_sources_whose_terms_do_not_allow_any_use(small_config: dict) -> None:
    small_config["sources"].append({"folder": "bought", "is_open": False})
    with pytest.raises(ConfigError, match="'bought' do not allow any use"):
        training_config_from(small_config)
    small_config["run"]["terms"] = "research"
    assert len(training_config_from(small_config).sources) == 2


def test_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("run: [")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_training_config(tmp_path / "a.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_training_config(tmp_path / "none.yaml")


def test_feature_consistency_is_of_the_published_network_alone(small_config: dict) -> None:
    small_config["run"]["architecture"] = "sfd2-m"
    small_config["loss"]["feature_weight"] = 1.0
    small_config["feature_teacher"] = {"kind": "espnetv2"}
    with pytest.raises(ConfigError, match="'sfd2-m' has others"):
        training_config_from(small_config)


def test_shorter_descriptors_are_taught_by_a_cached_teacher_alone(small_config: dict) -> None:
    small_config["run"]["dimension"] = 64
    small_config["loss"]["distillation_weight"] = 1.0
    small_config["descriptor_teacher"] = {"kind": "aliked", "weights": "w.pth"}
    with pytest.raises(ConfigError, match=r"set descriptor_teacher\.cached"):
        training_config_from(small_config)
    small_config["descriptor_teacher"]["cached"] = True
    assert training_config_from(small_config).descriptor_teacher.cached
