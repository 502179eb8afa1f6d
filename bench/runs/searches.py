"""What a run's searches left: genotypes, decoded paths, histories, architecture weights."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import BenchError, DataError, UsageError
from bench.runs.checksums import require_sealed
from bench.runs.folder import RunFolder
from bench.runs.folds import Machine
from bench.runs.record import RunFile, RunRecord
from bench.runs.scope import Searches
from bench.runs.typed import read_as, read_object
from bench.system.files import parsed_json, read_json
from bench.system.tables import read_text
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


def given_genotype(path: File) -> Genotype:
    """The genotype in a file of the user's; UsageError says how such a file comes about."""
    try:
        text = read_text(path)
        genotype = Genotype.from_json(text)
        parsed_json(text)  # refuses a key that stands twice
        return genotype
    except (OSError, DataError, MethodError, ValueError, RecursionError) as error:
        raise UsageError(
            f"--genotype {path}: {error}; `bench search` writes such files: take "
            "search/genotype.json of a run folder"
        ) from None


def genotype_record(job: Job, space: SearchSpace, genotype: Genotype) -> dict[str, Any]:
    """A genotype of a run, and the path that uniform β decodes to, for comparison."""
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


class CannotDraw(Exception):
    """A run lacks the data of a figure; the message says why, in one line."""


@dataclass(frozen=True, kw_only=True)
class SearchCost:
    """What a search cost: seconds, and `rnas.strategies.base.Cost`."""

    seconds: float
    clip_passes: float
    macs: int
    networks: int


@dataclass(frozen=True, kw_only=True)
class SearchRecord:
    """The content of a `genotype.json`: a genotype, and what the search that decoded it found.

    run: the run that made it; made_on: the machine, None in files that do not say it; given: the
    file of the user's that it was copied from; generated: whether that was searched on generated
    clips alone; searched_on: `dataset/subject` of those searched on,
    None in files that do not say it; strategy: how it was searched; reach: architecture steps times
    learning rate, None where no gradient moves α, η, β (strategy, reach and cost are None where an
    earlier version searched); health: what the search measured of itself at its end;
    gauge_free_path: what `rnas.decode.gauge_free` decodes to instead of `path`, None in files that
    do not say it; operation_weights: softmax(α), [edge][operation]; edge_weights: softmax(η),
    [edge]; beta: β, an entry per arrow with layer, from, to, probability.
    """

    what: ClassVar[str] = "search"
    cure: ClassVar[str] = "move it elsewhere and repeat the run"

    space: str
    path: tuple[int, ...]
    edges: tuple[tuple[int, ...], ...]
    operations: tuple[str, ...]
    run: Mapping[str, Any] | None = None
    made_on: Machine | None = None
    given: str | None = None
    generated: bool = False
    searched_on: tuple[str, ...] | None = None
    strategy: str | None = None
    reach: float | None = None
    cost: SearchCost | None = None
    health: Mapping[str, float | None] | None = None
    uniform_path: tuple[int, ...] | None = None
    uniform_path_probability: float | None = None
    path_is_uniform: bool | None = None
    path_probability: float | None = None
    gauge_free_path: tuple[int, ...] | None = None
    operation_weights: tuple[tuple[float, ...], ...] | None = None
    edge_weights: tuple[float, ...] | None = None
    beta: tuple[Mapping[str, Any], ...] | None = None

    @property
    def genotype(self) -> Genotype:
        """The genotype alone; MethodError where an edge is no pair."""
        keys = ("space", "path", "edges", "operations")
        return Genotype.from_json(json.dumps({key: getattr(self, key) for key in keys}))

    def beta_of(self, trellis: Trellis) -> dict[Arrow, float] | None:
        """β of every arrow of the trellis, None where nothing was searched.

        Raises ValueError where it is the β of another trellis.
        """
        if self.beta is None:
            return None
        try:
            found = {(e["layer"], e["from"], e["to"]): float(e["probability"]) for e in self.beta}
        except (KeyError, TypeError) as error:
            raise ValueError(f"its β is none ({error!r})") from None
        factors = trellis.factors
        places = {
            (arrow.target.layer, factors[arrow.source.level], factors[arrow.target.level]): arrow
            for arrow in trellis.arrows
        }
        if found.keys() != places.keys():
            raise ValueError("its β is that of another trellis")
        return {arrow: found[place] for place, arrow in places.items()}


def read_search(file: File) -> SearchRecord:
    """The record of a search; BenchError where its file is missing, corrupt or none."""
    return read_as(SearchRecord, read_json(file), file)


SUMMARY = ("searches", "paths", "uniform_path", "operations", "agreement", "by_chance")
"""Keys of `search/summary.json`."""


def read_summary(folder: RunFolder) -> dict[str, Any] | None:
    """How far the searches of a run agree; None where there was one, else `read_object`."""
    file = folder.search_summary
    return read_object(file, *SUMMARY) if file.exists() else None


def run_searches(folder: RunFolder, searches: Searches) -> list[SearchRecord]:
    """The searches of a run that have decoded, in its order."""
    files = map(folder.genotype, searches.names)
    return [read_search(file) for file in files if file.exists()]


@dataclass(frozen=True)
class Decoded:
    """What a search decoded to. `fold` is empty for the one search of a run.

    probability: of the path under β; uniform_path: what uniform β decodes to; beta: β of
    every arrow; operations: softmax(α), [edge][operation]; edges: softmax(η), [edge]; all three
    None where nothing was searched here; health: what the search measured of itself at its end;
    gauge_free_path: the path of the other decoding, None where it is not recorded; strategy, reach,
    cost: as in `SearchRecord`.
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
    gauge_free_path: Path | None = None
    strategy: str | None = None
    reach: float | None = None
    cost: SearchCost | None = None


@dataclass(frozen=True)
class History:
    """`history.csv` of a search: column -> value per epoch, None where the cell is empty."""

    fold: str
    columns: Mapping[str, Sequence[float | None]]

    @property
    def epochs(self) -> list[int]:
        """Epochs counted from 1."""
        return [int(epoch) + 1 for epoch in self.columns["epoch"] if epoch is not None]


@dataclass(frozen=True, kw_only=True)
class EpochWeights:
    """The weights of an epoch: softmax(α), softmax(η), and β in the order of the arrows."""

    operation_weights: tuple[tuple[float, ...], ...]
    edge_weights: tuple[float, ...]
    beta: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ArchitectureFile:
    """The content of `architecture.json`; operations, edges: what the weights are of."""

    what: ClassVar[str] = "search"
    cure: ClassVar[str] = "move it elsewhere and repeat the run"

    epochs: tuple[EpochWeights, ...]
    operations: tuple[str, ...] = ()
    edges: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Weights:
    """`architecture.json` of a search.

    operations: softmax(α), [epoch][edge][operation]; edges: softmax(η), [epoch][edge]; beta: β,
    [epoch][arrow], None where a file does not say it.
    """

    fold: str
    operations: Sequence[Sequence[Sequence[float]]]
    edges: Sequence[Sequence[float]]
    beta: Sequence[Sequence[float]] | None = None


def space_of(record: RunRecord) -> SearchSpace:
    """The search space as the run used it.

    Raises CannotDraw for a fixed network, BenchError where `run.json` does not describe a space.
    """
    if not record.method.searches:
        raise CannotDraw(record.method.unlearnt)
    return recorded_space(record, record.folder / "run.json")


def recorded_space(run: RunFile, where: object) -> SearchSpace:
    """The search space that a `run.json` describes; BenchError, with `where`, if it does not."""
    try:
        fields = dict(run.space or {})
        outer = Trellis(**_tuples(fields.pop("outer")))
        return SearchSpace(summary="", outer=outer, **_tuples(fields))
    except (KeyError, TypeError, ValueError, MethodError) as error:
        raise BenchError(
            f"{where}: no search space that can be read ({error}); make the run anew with "
            "`bench run --force`"
        ) from None


def decoded(record: RunRecord, space: SearchSpace) -> tuple[Decoded, ...]:
    """The genotypes of a run, one per search that has finished.

    Raises CannotDraw where there is none yet, BenchError where a file is corrupt.
    """
    files = {name: record.files.genotype(name) for name in record.searches.names}
    found = [_decoded(file, name, space) for name, file in files.items() if file.exists()]
    if not found:
        raise CannotDraw("no search/genotype.json yet: the search has not finished")
    return tuple(found)


def histories(record: RunRecord) -> tuple[History, ...]:
    """The history of every search; CannotDraw where there is none, BenchError where damaged."""
    files = {name: record.files.history(name) for name in record.searches.names}
    there = {name: file for name, file in files.items() if file.exists()}
    for file in there.values():
        require_sealed(record.files, file)
    found = [History(name, history_columns(file)) for name, file in there.items()]
    if not found:
        raise CannotDraw(_why_unsearched(record, "history.csv"))
    return tuple(found)


def weights(record: RunRecord, space: SearchSpace) -> tuple[Weights, ...]:
    """α and η of every search; CannotDraw where there are none, BenchError where corrupt."""
    files = {name: record.files.architecture(name) for name in record.searches.names}
    found = []
    for name, file in files.items():
        if file.exists():
            require_sealed(record.files, file)
            found.append(_weights(file, name, space))
    if not found:
        raise CannotDraw(_why_unsearched(record, "architecture.json"))
    return tuple(found)


def _why_unsearched(record: RunRecord, missing: str) -> str:
    if not record.method.learns:
        return record.method.unlearnt
    there = run_searches(record.files, record.searches)
    unmoved = [search.strategy for search in there if search.strategy and search.beta is None]
    if unmoved:
        return f"{unmoved[0]} moves no α, η and β"
    if any(search.given for search in there):
        return "the genotype was given by its user, nothing was searched"
    if there:
        return f"no search/{missing}: the run was searched by an earlier version"
    return f"no search/{missing} yet: the search has not finished an epoch"


def _decoded(file: File, fold: str, space: SearchSpace) -> Decoded:
    found = read_search(file)
    operations, edges = found.operation_weights, found.edge_weights
    try:
        genotype = check_genotype(found.genotype, space)
        beta = found.beta_of(space.outer)
        if operations is not None and edges is not None:
            _check_shapes(operations, edges, space)
    except (MethodError, ValueError) as error:
        raise _unfit(file, error) from None
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
        health=found.health or {},
        gauge_free_path=found.gauge_free_path,
        strategy=found.strategy,
        reach=found.reach,
        cost=found.cost,
    )


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
        raise _unfit(file, error) from None


def _weights(file: File, fold: str, space: SearchSpace) -> Weights:
    epochs = read_as(ArchitectureFile, read_json(file), file).epochs
    if not epochs:
        raise _unfit(file, "it holds no epoch")
    for epoch in epochs:
        try:
            _check_shapes(epoch.operation_weights, epoch.edge_weights, space)
        except ValueError as error:
            raise _unfit(file, error) from None
    beta = tuple(epoch.beta for epoch in epochs)
    known = all(len(each) == len(space.outer.arrows) for each in beta)
    return Weights(
        fold,
        operations=tuple(epoch.operation_weights for epoch in epochs),
        edges=tuple(epoch.edge_weights for epoch in epochs),
        beta=beta if known else None,
    )


def _check_shapes(
    operations: Sequence[Sequence[float]], edges: Sequence[float], space: SearchSpace
) -> None:
    """ValueError where softmax(α), [edge][operation], or softmax(η), [edge], do not fit."""
    rows = {len(row) for row in operations}
    if rows != {len(space.operations)} or {len(operations), len(edges)} != {len(space.edges)}:
        raise ValueError("its tables do not fit the search space")


def _unfit(file: File, why: object) -> BenchError:
    return BenchError(f"{file} cannot be read: {why}; move it elsewhere and repeat the run")


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples that frozen values hold."""
    return dict(_tupled(fields.items()))


def _tupled(items) -> Iterator[tuple[str, Any]]:
    for name, value in items:
        yield name, tuple(value) if isinstance(value, list) else value
