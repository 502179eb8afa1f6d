"""What a run's searches left: genotypes, decoded paths, histories, architecture weights."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.methods.registry import RANDOM_PREFIX
from bench.runs.folder import GIVEN, RunFolder
from bench.runs.record import RunRecord
from bench.system.files import read_json
from rnas.decode import viterbi
from rnas.errors import MethodError
from rnas.genotype import Genotype, check_genotype
from rnas.space import SearchSpace
from rnas.trellis import Arrow, Path, Trellis

if TYPE_CHECKING:
    from bench.runs.job import Job


def read_genotype(path: File) -> Genotype:
    """The genotype in a `genotype.json`; BenchError or MethodError where it is none."""
    return Genotype.from_json(json.dumps(read_json(path)))


def genotype_record(job: Job, space: SearchSpace, genotype: Genotype) -> dict[str, Any]:
    """A genotype of a run, beside the path that a search which learnt nothing would decode to."""
    uniform_path, probability = viterbi(space.outer, space.outer.uniform())
    return {
        **genotype.to_dict(),
        "run": job.stamp,
        "uniform_path": list(uniform_path),
        "uniform_path_probability": probability,
        "path_is_uniform": genotype.path == uniform_path,
    }


HISTORY_COLUMNS = {
    "epoch",
    "weight_loss",
    "architecture_loss",
    "operation_entropy",
    "edge_entropy",
    "path_entropy",
    "none_mass",
    "skip_mass",
}

FIXED = "a fixed network: nothing is searched"


class CannotDraw(Exception):
    """A figure that a run has no material for; the message says why, in one line."""


@dataclass(frozen=True)
class Decoded:
    """What a search decoded to. `fold` is empty for the one search of a run.

    probability: of the path under β; uniform_path: what an untrained search decodes to; beta: β of
    every arrow; operations: softmax(α), [edge][operation]; edges: softmax(η), [edge]; all three
    None where nothing was searched here; health: what the search measured of itself at its end.
    """

    fold: str
    genotype: Genotype
    probability: float | None
    uniform_path: Path
    uniform_probability: float
    beta: Mapping[Arrow, float] | None
    operations: Sequence[Sequence[float]] | None = None
    edges: Sequence[float] | None = None
    health: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """`history.csv` of a search: column -> value per epoch, None where the cell is empty."""

    fold: str
    columns: Mapping[str, Sequence[float | None]]

    @property
    def epochs(self) -> list[int]:
        """Epochs counted from 1."""
        return [int(epoch) + 1 for epoch in self.columns["epoch"]]


@dataclass(frozen=True)
class Weights:
    """`architecture.json` of a search.

    operations: softmax(α), [epoch][edge][operation]; edges: softmax(η), [epoch][edge].
    """

    fold: str
    operations: Sequence[Sequence[Sequence[float]]]
    edges: Sequence[Sequence[float]]


def is_random(record: RunRecord) -> bool:
    """Whether the run is a control, whose architecture was drawn and not searched."""
    return record.variant.startswith(RANDOM_PREFIX)


def is_fixed(record: RunRecord) -> bool:
    """Whether the run trained a network of fixed architecture."""
    return record.run.get("kind") == "fixed"


def searched_by_fold(record: RunRecord) -> bool:
    """Whether every fold has an architecture of its own."""
    return search_scope(record) == "fold"


def space_of(record: RunRecord) -> SearchSpace:
    """The search space as the run used it.

    Raises CannotDraw for a fixed network, BenchError where `run.json` does not describe a space.
    """
    if is_fixed(record):
        raise CannotDraw(FIXED)
    try:
        fields = dict(record.run["space"])
        outer = Trellis(**_tuples(fields.pop("outer")))
        return SearchSpace(summary="", outer=outer, **_tuples(fields))
    except (KeyError, TypeError, ValueError, MethodError) as error:
        raise BenchError(
            f"{record.folder / 'run.json'}: no search space that can be read ({error}); make the "
            "run anew with `bench run --force`"
        ) from None


def decoded(record: RunRecord, space: SearchSpace) -> tuple[Decoded, ...]:
    """The genotypes of a run, one per search that has finished.

    Raises CannotDraw where there is none yet, BenchError where a file is corrupt.
    """
    folder = RunFolder(record.folder)
    found = [
        _decoded(folder.genotype(fold), fold, space)
        for fold in _searches(record)
        if folder.genotype(fold).exists()
    ]
    if not found:
        raise CannotDraw("no search/genotype.json yet: the search has not finished")
    return tuple(found)


def histories(record: RunRecord) -> tuple[History, ...]:
    """The history of every search; CannotDraw where there is none, BenchError where corrupt."""
    folder = RunFolder(record.folder)
    found = [
        History(fold, history_columns(folder.history(fold)))
        for fold in _searches(record)
        if folder.history(fold).exists()
    ]
    if not found:
        raise CannotDraw(_why_unsearched(record, "history.csv"))
    return tuple(found)


def weights(record: RunRecord, space: SearchSpace) -> tuple[Weights, ...]:
    """α and η of every search; CannotDraw where there are none, BenchError where corrupt."""
    folder = RunFolder(record.folder)
    found = [
        _weights(folder.architecture(fold), fold, space)
        for fold in _searches(record)
        if folder.architecture(fold).exists()
    ]
    if not found:
        raise CannotDraw(_why_unsearched(record, "architecture.json"))
    return tuple(found)


def search_scope(record: RunRecord) -> str:
    return record.run.get("config", {}).get("protocol", {}).get("search_scope", "")


def _searches(record: RunRecord) -> Sequence[str]:
    """Names of a run's searches: its folds, or the empty name of its only one."""
    return record.run["folds"] if searched_by_fold(record) else ("",)


def _why_unsearched(record: RunRecord, missing: str) -> str:
    if is_fixed(record):
        return FIXED
    if is_random(record):
        return "a random control: its architecture was drawn, nothing was searched"
    genotypes = [RunFolder(record.folder).genotype(fold) for fold in _searches(record)]
    there = [file for file in genotypes if file.exists()]
    if any(GIVEN in mapping(file) for file in there):
        return "the genotype was given by its user, nothing was searched"
    if there:
        return f"no search/{missing}: the run was searched by an earlier version"
    return f"no search/{missing} yet: the search has not finished an epoch"


def _decoded(file: File, fold: str, space: SearchSpace) -> Decoded:
    content = mapping(file)
    try:
        genotype = check_genotype(Genotype.from_json(json.dumps(content)), space)
        beta = _beta(content["beta"], space.outer) if "beta" in content else None
        operations, edges = (
            _cell_weights(content, space) if "operation_weights" in content else (None, None)
        )
    except (MethodError, KeyError, TypeError, ValueError) as error:
        raise unfit(file, error) from None
    uniform_path, uniform_probability = viterbi(space.outer, space.outer.uniform())
    return Decoded(
        fold=fold,
        genotype=genotype,
        probability=None if beta is None else space.outer.probability(genotype.path, beta),
        uniform_path=uniform_path,
        uniform_probability=uniform_probability,
        beta=beta,
        operations=operations,
        edges=edges,
        health=content.get("health") or {},
    )


def _beta(entries: Sequence[Mapping[str, Any]], trellis: Trellis) -> dict[Arrow, float]:
    """β of every arrow, KeyError where one is not among the entries."""
    by_place = {(e["layer"], e["from"], e["to"]): float(e["probability"]) for e in entries}
    factors = trellis.factors
    return {
        arrow: by_place[
            arrow.target.layer, factors[arrow.source.level], factors[arrow.target.level]
        ]
        for arrow in trellis.arrows
    }


def history_columns(file: File) -> dict[str, list[float | None]]:
    """The columns of numbers of a `history.csv`; BenchError where it cannot be read."""
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        if not rows or not rows[0].keys() >= HISTORY_COLUMNS:
            raise ValueError("it lacks epochs or columns of a search history")
        names = [name for name in rows[0] if name not in ("path", "edges", "operations")]
        return {name: [float(row[name]) if row[name] else None for row in rows] for name in names}
    except (OSError, TypeError, ValueError, csv.Error) as error:
        raise unfit(file, error) from None


def _weights(file: File, fold: str, space: SearchSpace) -> Weights:
    content = mapping(file)
    try:
        epochs = [_cell_weights(epoch, space) for epoch in content["epochs"]]
    except (KeyError, TypeError, ValueError) as error:
        raise unfit(file, error) from None
    if not epochs:
        raise unfit(file, "it holds no epoch")
    return Weights(fold, *zip(*epochs, strict=True))


def _cell_weights(
    content: Mapping[str, Any], space: SearchSpace
) -> tuple[Sequence[Sequence[float]], Sequence[float]]:
    """softmax(α), [edge][operation], and softmax(η), [edge]; ValueError where the shapes differ."""
    operations, edges = content["operation_weights"], content["edge_weights"]
    rows = {len(row) for row in operations}
    if rows != {len(space.operations)} or {len(operations), len(edges)} != {len(space.edges)}:
        raise ValueError("its tables do not fit the search space")
    return operations, edges


def mapping(file: File) -> Mapping[str, Any]:
    content = read_json(file)
    if not isinstance(content, Mapping):
        raise unfit(file, "not a JSON object")
    return content


def unfit(file: File, why: object) -> BenchError:
    what = f"{why!r} is missing or of the wrong kind" if isinstance(why, KeyError) else why
    return BenchError(f"{file} cannot be read: {what}; delete it and repeat the run")


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples that frozen values hold."""
    return dict(_tupled(fields.items()))


def _tupled(items) -> Iterator[tuple[str, Any]]:
    for name, value in items:
        yield name, tuple(value) if isinstance(value, list) else value
