"""Tables of scores: those of runs, and of the slices of composite runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from bench.methods.registry import RANDOM_PREFIX
from bench.protocol.metrics import metrics
from reports.published import PublishedTable
from reports.reading.groups import RunGroup, carried_marks, dataset_order
from reports.reading.intervals import Ends, mean_intervals, read_answers
from reports.reading.marks import distinct
from reports.reading.names import DATASETS
from reports.tables.beside_published import folders, rows_beside_published
from reports.tables.notes import seed_marks
from reports.tables.paper_table import PaperTable, measured_on
from reports.tables.table import Cell, Column, Row, mean_cell

if TYPE_CHECKING:
    from bench.methods.registry import Variant
    from bench.runs.predictions import Predictions


HEADINGS = DATASETS | {"composite": "Comp."}
"""What stands over the scores of a data set."""

LEAST_SUBJECTS = 6
"""Of a slice with an interval: the range of fewer values holds their median in less than 95 %."""


def scores_table(
    published: PublishedTable, unprinted: Callable[[Variant | None], bool], labelled: bool = False
) -> PaperTable:
    """A table of scores per data set.

    unprinted: whether it shows a variant that it does not print. A random control stands where its
    search space does.
    """
    columns = tuple(score_columns(published))

    def shows(name: str, variants: Mapping[str, Variant]) -> bool:
        base = name.removeprefix(RANDOM_PREFIX)
        return base in published.variants or unprinted(variants.get(base))

    def rows(groups: Sequence[RunGroup], variants: Mapping[str, Variant]) -> tuple[Row, ...]:
        return rows_beside_published(published, columns, _in_columns(groups), variants, _score_rows)

    return PaperTable(
        published=published,
        columns=columns,
        usable=lambda group: bool(group.scored),
        shows=shows,
        rows=rows,
        caption=_caption,
        notes=_elsewhere,
        labelled=labelled,
    )


def is_ablation(variant: Variant | None) -> bool:
    """Whether it is registered as an ablation of RNAS-MER."""
    return variant is not None and "ablation" in variant.groups


def score_columns(published: PublishedTable) -> Iterator[Column]:
    """`<data set>_<metric>`: the columns that the paper prints, then those of other metrics."""
    printed = {name.partition("_")[2] for name in published.columns}
    others = [name for name in metrics() if name not in printed]
    ours = [f"{dataset}_{name}" for dataset in DATASETS for name in others]
    for name in (*published.columns, *ours):
        dataset, _, metric = name.partition("_")
        yield Column(name, metrics()[metric].heading, over=HEADINGS[dataset], better=max)


def _caption(groups: Sequence[RunGroup]) -> str:
    shown = _in_columns(groups)
    ways = distinct(
        str(scores["protocol"].get("aggregation", "pooled"))
        for group in shown
        for scores in group.metrics
    )
    over_folds = " and ".join(f"{way} over folds" for way in ways)
    splits = " and ".join(distinct(group.records[0].split for group in shown))
    return f", leave-one-subject-out (LOSO). {measured_on(shown, f'; {splits}, {over_folds}')}"


def _in_columns(groups: Sequence[RunGroup]) -> list[RunGroup]:
    """The groups on data sets that have columns."""
    return [group for group in groups if group.key.dataset in DATASETS]


def _score_rows(groups: Sequence[RunGroup], blank: Row) -> list[Row]:
    """Rows of one variant: runs under the same conditions share one, then come its slices."""
    conditions: dict[tuple, list[RunGroup]] = {}
    for group in sorted(groups, key=dataset_order):
        key = (group.key.surrogate, group.key.configuration, group.leaks)
        conditions.setdefault(key, []).append(group)
    rows = []
    for key in sorted(conditions):
        rows.append(_run_row(conditions[key], blank))
        rows += [_slice_row(group, blank) for group in conditions[key] if _has_slices(group)]
    return rows


def _run_row(groups: Sequence[RunGroup], blank: Row) -> Row:
    measured = {
        column: score_cell(group.metrics, metric)
        for group in groups
        for column, dataset, metric in _parted(blank.measured)
        if dataset == group.key.dataset
    }
    return replace(
        blank,
        source="measured",
        measured={**blank.measured, **measured},
        marks=distinct(
            chain(
                *(group.conditions for group in groups),
                *(group.leaks for group in groups),
                carried_marks(groups, blank.marks),
                *(group.shortfalls for group in groups),
                seed_marks({DATASETS[g.key.dataset]: len(g.scored) for g in groups}),
            )
        ),
        configuration=groups[0].key.configuration,
        runs=folders(chain.from_iterable(group.scored for group in groups)),
        intervals=dict(
            chain.from_iterable(
                _intervals(read_answers(group.scored), group.key.dataset, measured).items()
                for group in groups
            )
        ),
    )


def _slice_row(group: RunGroup, blank: Row) -> Row:
    """What a composite run says of each data set, the challenge's own meaning of the columns.

    It has no published side: the paper does not say that its single-set columns are slices.
    """
    per_set = {name: _slices(group, name) for name in DATASETS}
    measured = {
        column: score_cell(per_set[dataset], metric)
        for column, dataset, metric in _parted(blank.measured)
    }
    absent = [
        f"no {word} in {DATASETS[name]}"
        for name, slices in per_set.items()
        for metrics in slices
        for word in metrics.get("absent", ())
    ]
    seeds = seed_marks({DATASETS["composite"]: len(group.scored)})
    answers = read_answers(group.scored)
    return replace(
        blank,
        method=f"{blank.method} (slice)",
        source="slice",
        published=dict.fromkeys(blank.published),
        published_marks=(),
        measured=measured,
        marks=distinct(
            chain(
                ("slice",),
                group.conditions,
                group.leaks,
                carried_marks([group], blank.marks),
                group.shortfalls,
                absent,
                seeds,
            )
        ),
        configuration=group.key.configuration,
        runs=folders(group.scored),
        note="",  # it stands below the row of the whole run
        intervals=dict(
            chain.from_iterable(
                _intervals([each.of(dataset) for each in answers], dataset, measured).items()
                for dataset, slices in per_set.items()
                if slices and all(each["subjects"] >= LEAST_SUBJECTS for each in slices)
            )
        ),
    )


def _intervals(
    answers: Sequence[Predictions], dataset: str, measured: Mapping[str, Cell | None]
) -> Mapping[str, Ends]:
    """Column -> the interval of its score, of the columns of a data set that have one."""
    found = {f"{dataset}_{name}": ends for name, ends in mean_intervals(answers).items()}
    return {column: ends for column, ends in found.items() if measured.get(column)}


def score_cell(metrics: Sequence[Mapping[str, Any]], metric: str) -> Cell | None:
    """Mean and sample standard deviation of a metric over seeds, 4 decimals.

    A class without a clip is named where that leaves nothing to average; never a zero.
    """
    cell = mean_cell([each.get(metric) for each in metrics], "{:.4f}".format)
    absent = distinct(word for each in metrics for word in each.get("absent", ()))
    if cell is None and absent:
        return Cell(None, f"no {', '.join(absent)}")
    return cell


def _slices(group: RunGroup, dataset: str) -> list[Mapping[str, Any]]:
    """A data set's slice of each seed, where the run had clips of it at all."""
    found = (scores["slices"].get(dataset) for scores in group.metrics)
    return [each for each in found if each and each.get("clips") != 0]


def _has_slices(group: RunGroup) -> bool:
    return group.key.dataset == "composite" and any(each["slices"] for each in group.metrics)


def _parted(columns: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(column, data set, metric) of each score column: composite_acc is Acc of the composite."""
    for column in columns:
        dataset, _, metric = column.partition("_")
        yield column, dataset, metric


def _elsewhere(groups: Sequence[RunGroup]) -> tuple[str, ...]:
    """A note on runs whose data set has no column here."""
    others = distinct(g.key.dataset for g in groups if g.key.dataset not in DATASETS)
    if not others:
        return ()
    return (f"Runs on other data sets have no column here: {', '.join(others)}.",)
