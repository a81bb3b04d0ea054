# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of a training run, from a YAML file: complete, strict, and written beside what it made."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, get_origin, get_type_hints

import yaml

from sfd2_lab.training.answers import AnswersConfig
from sfd2_lab.training.data.geometry import WarpConfig
from sfd2_lab.training.data.photometric import PhotometricConfig
from sfd2_lab.training.data.source_config import SourceConfig
from sfd2_lab.training.objective import LossConfig
from sfd2_lab.training.parts import PARTS
from sfd2_lab.training.teachers.aliked import DIMENSION as ALIKED_DIMENSION
from sfd2_lab.training.teachers.corners import CornerConfig
from sfd2_lab.training.teachers.registry import SEMANTIC_TEACHERS
from sfd2_ros.core.config import check_config, config_from_mapping, setting
from sfd2_ros.core.errors import ConfigError
from sfd2_ros.features.architectures import architecture_of_model
from sfd2_ros.features.brightness import MAX_BRIGHTNESS
from sfd2_ros.features.model_names import MODELS
from sfd2_ros.features.network import CELL_PX, DESCRIPTOR_DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SectionT = TypeVar("SectionT")
PRECISIONS = ("auto", "float32", "bfloat16")
"""Numbers in the convolutions; auto: bfloat16 on CUDA and on CPUs with instructions for it, else float32."""


@dataclass(frozen=True)
class RunConfig:
    """What is trained, for how long, and how often it is looked at."""

    name: str = setting("run", "Name of the weights.")
    terms: str = setting("research", "Open: only sources whose terms allow any use.", choices=("open", "research"))
    seed: int = setting(0, "Decides every random number of the run.", minimum=0)
    architecture: str = setting("sfd2", "Network: as published, half its channels, or light.", choices=MODELS)
    dimension: int = setting(128, "Length of a descriptor; sfd2-s has 64 or 32.", choices=DESCRIPTOR_DIMENSIONS)
    start: str = setting("", "Weights to start from, relative to the data folder; empty: from nothing.")
    brightness: float = setting(
        0.0,
        "Dark parts of images are lifted to this level, of 1, before the network; 0: not. Kept in the weights.",
        minimum=0.0,
        maximum=MAX_BRIGHTNESS,
    )
    steps: int = setting(20000, "Training steps; the learning rate falls over them.", minimum=1)
    train: str = setting("all", "Which parts learn; heads and detector keep the trunk.", choices=tuple(PARTS))
    bank_steps: int = setting(
        0, "Without the trunk: batches whose features are kept on disk and used again and again; 0: none.", minimum=0
    )
    crop_px: int = setting(256, "Side of the training crops, pixels; a multiple of 8.", minimum=64, maximum=2048)
    pairs: int = setting(8, "Image pairs in a step, in each process.", minimum=1, maximum=512)
    precision: str = setting("auto", "Numbers in the convolutions.", choices=PRECISIONS)
    compile: bool = setting(False, "Compile the network; helps on CUDA, costs a minute at the start.")
    log_every: int = setting(20, "Steps between lines of the log.", minimum=1)
    save_every: int = setting(200, "Steps between checkpoints.", minimum=1)
    validate_every: int = setting(1000, "Steps between validations.", minimum=1)


@dataclass(frozen=True)
class OptimiserConfig:
    """How weights are changed."""

    learning_rate: float = setting(1e-3, "At its height.", minimum=0.0)
    warmup_steps: int = setting(200, "Steps over which the learning rate rises.", minimum=0)
    final_share: float = setting(
        0.01, "Learning rate at the end, as a fraction of its height.", minimum=0.0, maximum=1.0
    )
    beta1: float = setting(0.9, "Adam's first.", minimum=0.0, maximum=0.9999)
    beta2: float = setting(0.99, "Adam's second; the paper has 0.99.", minimum=0.0, maximum=0.99999)
    weight_decay: float = setting(4e-4, "Decoupled from the gradient (AdamW); the paper has 4e-4.", minimum=0.0)
    clip_norm: float = setting(1.0, "Largest norm of the gradient.", minimum=0.0)
    ema_decay: float = setting(
        0.999, "Of the averaged weights, which are those that ship.", minimum=0.0, maximum=0.99999
    )


@dataclass(frozen=True)
class ValidationConfig:
    """What is looked at during training."""

    pairs: int = setting(16, "Image pairs of each validation source.", minimum=1)
    crop_px: int = setting(320, "Side of the crops, pixels; a multiple of 8.", minimum=64, maximum=2048)
    keypoints: int = setting(500, "Keypoints of an image.", minimum=8, maximum=65536)
    correct_px: float = setting(
        3.0, "Matches and repeated keypoints this near to the ground truth are right.", minimum=0.1
    )


@dataclass(frozen=True)
class FeatureTeacherConfig:
    """Whose features the encoder is to agree with; only used when the feature loss has a weight."""

    kind: str = setting("none", "Network.", choices=SEMANTIC_TEACHERS)
    weights: str = setting("", "Its weights, relative to the data folder; for transformers also a hub name.")


@dataclass(frozen=True)
class DescriptorTeacherConfig:
    """Whose descriptors are told; only used when the distillation loss has a weight."""

    kind: str = setting("none", "Network.", choices=("none", "aliked"))
    weights: str = setting("", "Its weights, relative to the data folder.")
    cached: bool = setting(
        False,
        "Keep its descriptors of whole images on disk, and take their principal components of the run's dimension. "
        "Else it describes each crop.",
    )


@dataclass(frozen=True)
class TrainingConfig:
    """All of it."""

    run: RunConfig = field(default_factory=RunConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    warp: WarpConfig = field(default_factory=WarpConfig)
    photometric: PhotometricConfig = field(default_factory=PhotometricConfig)
    corners: CornerConfig = field(default_factory=CornerConfig)
    feature_teacher: FeatureTeacherConfig = field(default_factory=FeatureTeacherConfig)
    descriptor_teacher: DescriptorTeacherConfig = field(default_factory=DescriptorTeacherConfig)
    answers: AnswersConfig = field(default_factory=AnswersConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    sources: tuple[SourceConfig, ...] = ()
    validation_sources: tuple[SourceConfig, ...] = ()


_SECTIONS: dict[str, type[Any]] = {
    "run": RunConfig,
    "optimiser": OptimiserConfig,
    "loss": LossConfig,
    "warp": WarpConfig,
    "photometric": PhotometricConfig,
    "corners": CornerConfig,
    "feature_teacher": FeatureTeacherConfig,
    "descriptor_teacher": DescriptorTeacherConfig,
    "answers": AnswersConfig,
    "validation": ValidationConfig,
}
_LISTS = ("sources", "validation_sources")


def read_training_config(path: Path) -> TrainingConfig:
    """Read and check the settings of a run.

    Raises:
        ConfigError: the file is missing or no YAML, a key is unknown, a value is not allowed, or settings contradict
            each other.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise ConfigError(f"training settings {str(path)!r} cannot be read: {err}") from err
    try:
        return training_config_from(content)
    except ConfigError as err:
        raise ConfigError(f"training settings {str(path)!r}: {err}") from err


def training_config_from(content: Any) -> TrainingConfig:
    """Make the settings of a run from nested dictionaries, checked; what is not named keeps its default.

    Raises:
        ConfigError: see `read_training_config`.
    """
    if not isinstance(content, dict):
        raise ConfigError(f"they must be sections, got {type(content).__name__}")
    for key in content:
        if key not in (*_SECTIONS, *_LISTS):
            raise ConfigError(f"unknown section {key!r}; known: {', '.join((*_SECTIONS, *_LISTS))}")
    sections: dict[str, Any] = {name: _section(name, kind, content.get(name) or {}) for name, kind in _SECTIONS.items()}
    lists: dict[str, Any] = {name: _sources(name, content.get(name) or []) for name in _LISTS}
    config = TrainingConfig(**sections, **lists)
    _check_together(config)
    return config


def training_config_to_yaml(config: TrainingConfig) -> str:
    """Return the settings as YAML that `read_training_config` reads back, defaults included."""
    content = dataclasses.asdict(config)
    for source in (*content["sources"], *content["validation_sources"]):
        source.update({name: list(value) for name, value in source.items() if isinstance(value, tuple)})
    for name in _LISTS:
        content[name] = list(content[name])
    return yaml.safe_dump(content, sort_keys=False)


def _section(name: str, kind: type[SectionT], values: Mapping[str, Any]) -> SectionT:
    if not isinstance(values, dict):
        raise ConfigError(f"section {name!r} is {values!r}; it must hold settings by name")
    try:
        return config_from_mapping(kind, _with_tuples(kind, values))
    except ConfigError as err:
        raise ConfigError(f"section {name!r}: {err}") from err


def _sources(name: str, entries: Any) -> tuple[SourceConfig, ...]:
    if not isinstance(entries, list):
        raise ConfigError(f"section {name!r} must be a list of sources")
    return tuple(_section(f"{name}[{index}]", SourceConfig, entry) for index, entry in enumerate(entries))


def _with_tuples(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn YAML's lists into tuples where the setting is one."""
    types = get_type_hints(kind)
    return {
        key: tuple(value) if get_origin(types.get(key)) is tuple and isinstance(value, list) else value
        for key, value in values.items()
    }


def _check_together(config: TrainingConfig) -> None:
    for name in _SECTIONS:
        check_config(getattr(config, name))
    for section, crop_px in (("run", config.run.crop_px), ("validation", config.validation.crop_px)):
        if crop_px % CELL_PX:
            raise ConfigError(f"crop_px of {section!r} is {crop_px}; it must be a multiple of {CELL_PX}")
    if not config.sources:
        raise ConfigError("no sources; name at least one under 'sources'")
    _check_parts(config)
    _check_architecture(config)
    closed = [source.folder for source in config.sources if not source.is_open and source.share > 0]
    if config.run.terms == "open" and closed:
        raise ConfigError(
            f"run.terms is 'open', but the terms of {', '.join(map(repr, closed))} do not allow any use; "
            "leave them out, or set run.terms to 'research'"
        )
    if config.loss.feature_weight > 0 and config.feature_teacher.kind == "none":
        raise ConfigError("loss.feature_weight is above 0 without a teacher; set feature_teacher.kind")
    _check_descriptor_teacher(config)
    if config.corners.detector == "aliked" and not config.corners.weights:
        raise ConfigError("corners.detector is 'aliked' without weights; set corners.weights")


def _check_architecture(config: TrainingConfig) -> None:
    model, dimension = config.run.architecture, config.run.dimension
    allowed = architecture_of_model(model).dimensions
    if dimension not in allowed:
        lengths = ", ".join(map(str, allowed))
        raise ConfigError(f"run.dimension is {dimension}; run.architecture {model!r} allows {lengths}")
    if model != MODELS[0] and config.loss.feature_weight > 0:
        raise ConfigError(
            f"loss.feature_weight needs layers of 128 and 256 channels; {model!r} has others; set it to 0"
        )
    if model == "sfd2-s" and config.run.train != "all":
        raise ConfigError(f"run.train is {config.run.train!r}; heads of {model!r} have no common trunk; set 'all'")


def _check_descriptor_teacher(config: TrainingConfig) -> None:
    if config.answers.weights:
        _check_answers(config)
    elif config.loss.distillation_weight > 0 and config.descriptor_teacher.kind == "none":
        raise ConfigError("loss.distillation_weight is above 0 without a teacher; set descriptor_teacher.kind")
    has_length = config.run.dimension == ALIKED_DIMENSION or config.descriptor_teacher.cached or config.answers.weights
    if config.loss.distillation_weight > 0 and not has_length:
        raise ConfigError(
            f"run.dimension is {config.run.dimension}, but the teacher's descriptors have {ALIKED_DIMENSION}; "
            "set descriptor_teacher.cached, or train 128, then `sfd2 weights shorten`"
        )


def _check_answers(config: TrainingConfig) -> None:
    """Check that no other teacher is named beside a trained network, which answers for all outputs."""
    told = ("detection_weight", "stability_weight", "inter_weight", "intra_weight", "feature_weight")
    if any(getattr(config.loss, name) > 0 for name in told):
        raise ConfigError(
            f"answers.weights names a network, but losses ask for other teachers; set {', '.join(told)} to 0"
        )
    if config.descriptor_teacher.kind != "none" or config.run.train != "all":
        raise ConfigError("answers.weights names a network; set descriptor_teacher.kind to 'none', run.train to 'all'")


def _check_parts(config: TrainingConfig) -> None:
    if config.run.bank_steps and config.run.train == "all":
        raise ConfigError(
            "run.bank_steps keeps features of a trunk that learns; set run.train to 'heads' or 'detector'"
        )
    described = ("info_nce_weight", "inter_weight", "intra_weight", "distillation_weight", "feature_weight")
    if config.run.train == "detector" and any(getattr(config.loss, name) > 0 for name in described):
        raise ConfigError(f"run.train is 'detector', but descriptors have losses; set {', '.join(described)} to 0")
