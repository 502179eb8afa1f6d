"""Finished searches of runs: cost, reach, entropy, discretisation gap, agreement.

Entropies and masses are computed from the weights that were decoded, without torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from statistics import fmean

from bench.errors import BenchError
from bench.runs.agreement import agreement, agreement_by_chance
from bench.runs.record import RunRecord
from bench.runs.searches import (
    CannotDraw,
    Decoded,
    decoded,
    run_searches,
    space_of,
)
from bench.runs.typed import MALFORMED, lost_form
from reports.reading.marks import distinct
from rnas.genotype import Genotype
from rnas.settings import lowest_entropy
from rnas.space import SearchSpace, incoming
from rnas.trellis import Arrow, Trellis

COSTS = ("seconds", "clip_passes", "macs", "networks")
MEASURES = (
    *COSTS,
    "reach",
    "lowest_alpha",
    "skip_share",
    "none_mass",
    "entropy_alpha",
    "entropy_eta",
    "entropy_beta",
    "loss_b",
    "supernet_acc",
    "gap",
)
NOT_RECORDED = "not recorded"
NOT_APPLICABLE = "n/a"


@dataclass(frozen=True)
class Searched:
    """A run with finished searches, or the draws of a random control.

    searches: for each, MEASURES, `uniform_path` and `same_decoding` (1 or 0), None where not
    measured; expected: number of searches when the run is complete; genotypes: by fold; why: what
    stands in place of measures that no search has, by name.
    """

    record: RunRecord
    space: SearchSpace
    searches: tuple[Mapping[str, float | None], ...]
    expected: int
    genotypes: Mapping[str, Genotype]
    marks: tuple[str, ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)


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
                f"{record.files.search()}: the search cannot be read ({lost_form(error)}); "
                "left out; move it elsewhere and repeat the run"
            )
    names = {reason: tuple(sorted(set(variants))) for reason, variants in unlisted.items()}
    return Findings(tuple(searched), names, tuple(unreadable))


def _no_search(record: RunRecord) -> str | None:
    """Why a run has no search, as a plural noun; None if it has one."""
    if not record.method.searches:
        return record.method.unlearnt_many
    if any(search.given for search in run_searches(record.files, record.searches)):
        return "given genotypes"
    return None


def _searched(record: RunRecord) -> Searched:
    space = space_of(record)
    found = decoded(record, space)
    start = space.outer.starts[record.setting("search", "start", "uniform")]()
    free = {} if record.method.learns else dict.fromkeys(COSTS, 0.0)
    return Searched(
        record=record,
        space=space,
        searches=tuple({**_measures(each, space, start), **free} for each in found),
        expected=len(record.searches.names),
        marks=distinct(chain.from_iterable(_gap_marks(each) for each in found)),
        genotypes={each.fold: each.genotype for each in found},
        why=_why(found) if record.method.learns else dict.fromkeys(("reach",), NOT_APPLICABLE),
    )


def _why(found: Sequence[Decoded]) -> dict[str, str]:
    """Why costs or a reach are missing: an earlier version did not record them, or none is due."""
    missing: dict[str, str] = {}
    if any(search.strategy is None for search in found):
        missing["reach"] = NOT_RECORDED
    elif any(search.reach is None for search in found):
        missing["reach"] = NOT_APPLICABLE
    if any(search.cost is None for search in found):
        missing |= dict.fromkeys(COSTS, NOT_RECORDED)
    return missing


def agreement_of(runs: Sequence[Searched]) -> dict[str, float | None]:
    """How far the searches of a configuration's runs agree: over pairs of folds, pairs of seeds.

    `path_folds`, `cell_folds`, `path_seeds`, `cell_seeds`, None where there is no pair; and
    `path_chance`, `cell_chance` among random genotypes.
    """
    folds = [agreement(list(run.genotypes.values())) for run in runs if len(run.genotypes) > 1]
    names = dict.fromkeys(chain.from_iterable(run.genotypes for run in runs))
    seeds = [
        agreement([run.genotypes[name] for run in runs if name in run.genotypes]) for name in names
    ]
    found: dict[str, float | None] = {}
    for what in ("path", "cell"):
        found[f"{what}_folds"] = _mean(each[what] for each in folds)
        found[f"{what}_seeds"] = _mean(each[what] for each in seeds)
        paired = (found[f"{what}_folds"], found[f"{what}_seeds"]) != (None, None)
        found[f"{what}_chance"] = agreement_by_chance(runs[0].space)[what] if paired else None
    return found


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def _measures(
    search: Decoded, space: SearchSpace, start: Mapping[Arrow, float]
) -> dict[str, float | None]:
    """MEASURES of one search at its end, `uniform_path` and `same_decoding`."""
    operations = search.genotype.operations
    alpha, eta, beta = search.operations, search.edges, search.beta
    reach = search.reach
    cost = dict.fromkeys(COSTS) if search.cost is None else asdict(search.cost)
    return {
        **cost,
        "reach": reach,
        "lowest_alpha": None if reach is None else lowest_entropy(reach, len(space.operations)),
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
    """Why a search of α, η and β has no discretisation gap."""
    if search.beta is None:
        return
    if not search.health:
        yield "gap not recorded"
    elif search.health.get("discretisation_gap") is None:
        yield "no gap"
