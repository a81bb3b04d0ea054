# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a benchmark: a map a place, every query localized, all of it resumable; then scores and a submission file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfd2_lab.datasets.benchmarks.answers import Answers
from sfd2_lab.datasets.benchmarks.localize_part import PartLocalizer
from sfd2_lab.datasets.benchmarks.submission import (
    METHOD_PATTERN,
    check_submission,
    submission_name,
    write_submission,
)
from sfd2_lab.datasets.problems import some
from sfd2_ros.core.errors import ConfigError, DatasetError, OutputError
from sfd2_ros.core.files import atomic_file
from sfd2_ros.mapping.builder import MapBuilder
from sfd2_ros.mapping.feature_cache import CachedExtractor
from sfd2_ros.mapping.manifest import MANIFEST
from sfd2_ros.mapping.map_store import load_map

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sfd2_lab.datasets.benchmarks.answers import Answer
    from sfd2_lab.datasets.benchmarks.benchmark import Benchmark, Part
    from sfd2_lab.datasets.benchmarks.procedures import Procedure
    from sfd2_ros.features.extractor import Extractor
    from sfd2_ros.mapping.map_store import Map

RUN_FILE = "run.json"


@dataclass(frozen=True, eq=False)
class BenchmarkRun:
    """What came of a run.

    Attributes:
        answers: by query name, all of them.
        submission: path of the file, or None when nothing is to be submitted.
        submitted: poses in it.
        resumed: answers that an earlier, interrupted run had given.
    """

    answers: dict[str, Answer]
    submission: Path | None
    submitted: int
    resumed: int


def run_benchmark(
    benchmark: Benchmark,
    output: Path,
    extractor: Extractor,
    procedure: Procedure,
    *,
    pairs: Mapping[str, Sequence[str]] | None = None,
    method: str = "sfd2_ros",
    progress: Callable[[str, int, int], None] = lambda _step, _done, _total: None,
) -> BenchmarkRun:
    """Map every place, localize every query, and write the submission file.

    `output` gets maps/, answers/ (one JSON line a query, as they come) and the submission file. A run that was
    interrupted goes on where it was; one with other settings is rejected.

    Args:
        benchmark: read and checked.
        output: folder.
        extractor: with the settings of the procedure.
        procedure: settings.
        pairs: references of each query, best first, in place of our own retrieval.
        method: names the submission file.
        progress: called with step, done and total.

    Raises:
        ConfigError: the name of the method does not fit a file name.
        OutputError: the folder holds something else, or a run with other settings.
        DatasetError: the pairs name images that are not there.
        MapBuildError: a place cannot be mapped.
    """
    if not re.fullmatch(METHOD_PATTERN, method):
        raise ConfigError(f"method is {method!r}; letters, digits and _ . + - are allowed, for it names the file")
    _check_pairs(benchmark, pairs)
    _claim(output, _identity(benchmark, extractor, procedure, pairs))
    answers: dict[str, Answer] = {}
    resumed, total = 0, len(benchmark.queries)
    for part in benchmark.parts:
        with Answers(output / "answers" / f"{part.name}.jsonl") as known:
            asked = [query for query in part.queries if query.name not in known.answers]
            resumed += len(part.queries) - len(asked)
            if asked:
                map_ = _map_of(part, output, extractor, procedure, progress)
                localizer = PartLocalizer(part, map_, extractor, procedure, pairs)
                for query in asked:
                    known.add(query.name, localizer.localize(query))
                    progress("localize", len(answers) + len(known.answers), total)
            answers |= {query.name: known.answers[query.name] for query in part.queries}
        progress("localize", len(answers), total)
    submission, submitted = _write_submission(benchmark, output, answers, method)
    return BenchmarkRun(answers, submission, submitted, resumed)


def _identity(
    benchmark: Benchmark, extractor: Extractor, procedure: Procedure, pairs: Mapping[str, Sequence[str]] | None
) -> dict[str, Any]:
    """Return what must be the same for a run to go on."""
    listed = json.dumps(None if pairs is None else {name: list(given) for name, given in sorted(pairs.items())})
    names = json.dumps([[part.name, [one.name for one in part.references]] for part in benchmark.parts])
    return {
        "benchmark": benchmark.name,
        "references_sha256": hashlib.sha256(names.encode()).hexdigest(),
        "pairs_sha256": hashlib.sha256(listed.encode()).hexdigest(),
        "weights_id": extractor.weights_id,
        "settings": dataclasses.asdict(procedure),
    }


def _claim(output: Path, identity: dict[str, Any]) -> None:
    """Take a folder for this run; one of another run, or of anything else, is left alone."""
    text = json.dumps(identity, indent=1)
    file = output / RUN_FILE
    if file.is_file():
        if file.read_text(encoding="utf-8") != text:
            raise OutputError(
                f"output {str(output)!r} holds a run with other settings, weights, pairs or images; name another folder"
            )
        return
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OutputError(f"output {str(output)!r} exists and holds no run of a data set; name another folder")
    with atomic_file(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _check_pairs(benchmark: Benchmark, pairs: Mapping[str, Sequence[str]] | None) -> None:
    if pairs is None:
        return
    lacking = [query.name for query in benchmark.queries if query.name not in pairs]
    known = {one.name for part in benchmark.parts for one in part.references}
    strangers = sorted({name for query in benchmark.queries for name in pairs.get(query.name, ()) if name not in known})
    said = []
    if lacking:
        said.append(f"{len(lacking)} queries have no pairs: {some(lacking)}")
    if strangers:
        said.append(f"{len(strangers)} references are not in the model: {some(strangers)}")
    if said:
        raise DatasetError(f"the list of pairs does not fit {benchmark.name}: {'; '.join(said)}")


def _map_of(
    part: Part,
    output: Path,
    extractor: Extractor,
    procedure: Procedure,
    progress: Callable[[str, int, int], None],
) -> Map:
    """Return the map of a place; built when it is not there yet."""
    folder, cache = output / "maps" / part.name, output / "features" / part.name
    if not (folder / MANIFEST).is_file():
        cached = CachedExtractor(extractor, cache)

        def named(step: str, done: int, total: int) -> None:
            progress(f"{part.name} {step}", done, total)

        MapBuilder(cached, procedure.mapping, named).from_poses(part.references, part.reference_folder, folder)
    shutil.rmtree(cache, ignore_errors=True)
    return load_map(folder)


def _write_submission(
    benchmark: Benchmark, output: Path, answers: Mapping[str, Answer], method: str
) -> tuple[Path | None, int]:
    poses = {
        query.submitted: pose
        for query in benchmark.queries
        if query.submitted is not None and (pose := answers[query.name].cam_from_map) is not None
    }
    if not poses:
        return None, 0
    path = output / submission_name(benchmark, method)
    write_submission(path, poses)
    return path, check_submission(path, benchmark)
