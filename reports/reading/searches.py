"""Health of the finished searches of runs: entropy, discretisation gap, agreement of folds.

Entropies and masses are computed from the weights that were decoded, without torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from statistics import fmean

from bench.errors import BenchError
from bench.runs.record import RunRecord
from bench.runs.searches import (
    CannotDraw,
    Decoded,
    decoded,
    run_searches,
    space_of,
)
from bench.system.files import read_json
from reports.reading.finished import MALFORMED
from reports.reading.marks import distinct
from rnas.space import SearchSpace, incoming
from rnas.trellis import Arrow, Trellis

MEASURES = (
    "skip_share",
    "none_mass",
    "entropy_alpha",
    "entropy_eta",
    "entropy_beta",
    "loss_b",
    "supernet_acc",
    "gap",
)
AGREEMENT = ("path_folds", "path_chance", "cell_folds", "cell_chance")


@dataclass(frozen=True)
class Searched:
    """A run with finished searches.

    searches: for each, MEASURES, `uniform_path` and `same_decoding` (1 or 0), None where not
    measured; expected:
    number of searches when the run is complete; agreement: AGREEMENT of its folds, empty for a
    single search.
    """

    record: RunRecord
    searches: tuple[Mapping[str, float | None], ...]
    expected: int
    marks: tuple[str, ...] = ()
    agreement: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    """The searches found in run folders.

    unlisted: reason why a run has no search -> variants; unreadable: a line for every corrupt file.
    """

    searched: tuple[Searched, ...]
    unlisted: Mapping[str, tuple[str, ...]]
    unreadable: tuple[str, ...] = ()


def read_searches(records: Iterable[RunRecord]) -> Findings:
    """Reads the finished searches of runs; runs with a corrupt file are reported and left out."""
    searched, unreadable = [], []
    unlisted: dict[str, list[str]] = {}
    for record in records:
        try:
            reason = _no_search(record)
            if reason:
                unlisted.setdefault(reason, []).append(record.variant)
            else:
                searched.append(_searched(record))
        except CannotDraw:
            unlisted.setdefault("search not finished", []).append(record.variant)
        except BenchError as error:
            unreadable.append(str(error))
        except MALFORMED as error:
            unreadable.append(
                f"{record.files.search()}: the search cannot be read ({error!r}); "
                "left out; delete it and repeat the run"
            )
    names = {reason: tuple(sorted(set(variants))) for reason, variants in unlisted.items()}
    return Findings(tuple(searched), names, tuple(unreadable))


def _no_search(record: RunRecord) -> str | None:
    """Why a run has no search, as a plural noun; None if it has one."""
    if not record.method.learns:
        return record.method.unlearnt_many
    if any(search.given for search in run_searches(record.files, record.searches)):
        return "given genotypes"
    return None


def _searched(record: RunRecord) -> Searched:
    space = space_of(record)
    found = decoded(record, space)
    start = space.outer.starts[record.setting("search", "start", "uniform")]()
    return Searched(
        record=record,
        searches=tuple(_measures(each, space, start) for each in found),
        expected=len(record.searches.names),
        marks=distinct(chain.from_iterable(_gap_marks(each) for each in found)),
        agreement=_agreement(record) if record.searches.per_fold else {},
    )


def _measures(
    search: Decoded, space: SearchSpace, start: Mapping[Arrow, float]
) -> dict[str, float | None]:
    """MEASURES of one search at its end, `uniform_path` and `same_decoding`."""
    operations = search.genotype.operations
    alpha, eta, beta = search.operations, search.edges, search.beta
    return {
        "skip_share": operations.count("skip") / len(operations),
        "none_mass": _mass(alpha, space.operations, "none"),
        "entropy_alpha": _entropy(alpha or ()),
        "entropy_eta": _entropy(
            [eta[index] for index in indices] for indices in incoming(space.edges, space.nodes)
        )
        if eta is not None and space.edge_norm
        else None,
        "entropy_beta": _entropy_of_beta(beta, start, space.outer) if beta is not None else None,
        "loss_b": search.health.get("loss_b"),
        "supernet_acc": search.health.get("supernet_acc"),
        "gap": search.health.get("discretisation_gap"),
        "uniform_path": float(search.genotype.path == search.uniform_path),
        "same_decoding": None
        if search.gauge_free_path is None
        else float(search.genotype.path == search.gauge_free_path),
    }


def _entropy_of_beta(
    beta: Mapping[Arrow, float], start: Mapping[Arrow, float], trellis: Trellis
) -> float | None:
    """Mean entropy of the rows that a loss sees over that of the β that the search started from."""
    choices = [trellis.out_of(state) for state in trellis.choices]
    seen = [row for row in choices if row[0].source not in trellis.unidentifiable]
    found, before = (
        _entropy([each[arrow] for arrow in row] for row in seen) for each in (beta, start)
    )
    return None if found is None or before is None else found / before


def _mass(alpha: Sequence[Sequence[float]] | None, names: Sequence[str], name: str) -> float | None:
    if alpha is None or name not in names:
        return None
    return fmean(row[names.index(name)] for row in alpha)


def _entropy(rows: Iterable[Sequence[float]]) -> float | None:
    """Mean normalised entropy of the rows: each divided by that of a uniform distribution."""
    shares = [
        -sum(p * math.log(p) for p in row if p > 0) / math.log(len(row))
        for row in rows
        if len(row) > 1
    ]
    return fmean(shares) if shares else None


def _gap_marks(search: Decoded) -> Iterator[str]:
    """Why a search has no discretisation gap."""
    if not search.health:
        yield "gap not recorded"
    elif search.health.get("discretisation_gap") is None:
        yield "no gap"


def _agreement(record: RunRecord) -> dict[str, float | None]:
    """AGREEMENT of the folds; empty until every fold has searched."""
    file = record.files.search_summary
    if not file.exists():
        return {}
    summary = read_json(file)
    sides = {"folds": summary["agreement"], "chance": summary["by_chance"]}
    return {
        f"{what}_{side}": values[what]
        for what in ("path", "cell")
        for side, values in sides.items()
    }
