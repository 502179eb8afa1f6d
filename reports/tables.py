"""Tables 2-5 of the paper, published beside measured, as values that the renderers turn to text.

Pure functions: run records and registered variants come in, a `Table` goes out.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from bench.registry import RANDOM_PREFIX
from reports.groups import DATASETS, RunGroup, distinct, gather, latest
from reports.published import (
    PublishedRow,
    mark_meanings,
    paper,
    published_only,
    published_table,
)

if TYPE_CHECKING:
    from bench.registry import Variant
    from bench.store import RunRecord

NUMBERS = (2, 3, 4, 5)
HEALTH = "health"
"""In place of a number: the table of `reports.health`, which the paper does not have."""

PUBLISHED_ONLY = "published only"
NOT_MEASURED = "not measured"

MARK_MEANINGS = {
    "smoke": "nothing converged",
    "surrogate": "generated clips, not the licensed data set",
    "slice": "the clips of one data set within the pooled predictions of a composite run",
    "search_scope=all": "one search saw all subjects, held-out ones included",
    "selection=oracle": "the scored epoch is the best one on the test subject",
    "reconstruction": "rebuilt from a description, since the code is not public",
    "genotype given": "the architecture came from a file; its search may have seen any subject",
    "shuffled labels": "labels permuted over all clips, so that every score should be at chance",
    "from scratch": "random initial weights where the publication starts from pretrained ones",
    "recipe ours": "no training code is public: optimiser, epochs and batch are ours",
    "no MagNet": "no learned motion magnification before the patches",
    "no landmarks": "patches at fixed places of the face, not at detected landmarks",
    "no AU labels": "no labels of action units: every pair is taken to occur together alike",
    "size=published": "width fitted to the method's own row of Table 5",
    "as released": "trained and scored as the method's released code does, where that differs",
    "gap not recorded": "searched by a version that did not yet evaluate the decoded cell alone",
    "no gap": "channels bypass the operations and no η shuts an edge: the cell cannot stand alone",
    "random control": "cells and path drawn uniformly from the search space, not searched",
}


@dataclass(frozen=True)
class Cell:
    """One value of a table: the value for machines (None: the text says why), text for readers.

    Over several seeds `value` is their mean and `sd` their sample standard deviation.
    """

    value: float | bool | str | None
    text: str
    sd: float | None = None
    seeds: int = 1


@dataclass(frozen=True)
class Row:
    """A method under one set of conditions.

    `published` and `measured` have every column of the table; a cell without a value is None.
    `source` says where `measured` comes from: "measured" (runs), "slice" (parts of a composite
    run), "registered" (what the variant says of itself); or that it is empty: "not measured"
    for a registered variant, "published only" for a method that is not registered.
    `marks` concern the measured side, `published_marks` the published one; `about` is venue and
    year or type of the published method, `configuration` preset and hash of the measured one;
    `note` is its footnote: what a fixed network is, or why a method is published only.
    """

    method: str
    variant: str
    source: str
    published: Mapping[str, Cell | None]
    measured: Mapping[str, Cell | None]
    marks: tuple[str, ...] = ()
    published_marks: tuple[str, ...] = ()
    about: str = ""
    configuration: str = ""
    runs: tuple[str, ...] = ()
    note: str = ""

    @property
    def difference(self) -> Mapping[str, Cell | None]:
        """Measured less published, where both are numbers; None elsewhere."""
        return {
            column: _difference(cell, self.published.get(column))
            for column, cell in self.measured.items()
        }


@dataclass(frozen=True)
class Table:
    """A table of the paper with what was measured beside it; `runs` are the folders used."""

    number: int | str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return "Search health" if self.number == HEALTH else f"Table {self.number}"

    @property
    def runs(self) -> tuple[str, ...]:
        return distinct(chain.from_iterable(row.runs for row in self.rows))

    @property
    def best(self) -> frozenset[tuple[int, str, str]]:
        """(row, "published" or "measured", column) of the best values: the highest score, or the
        lowest cost.

        Measured values compete where they are of one configuration, on real or on generated clips,
        of whole data sets or of slices, of as many folds; one that stands alone is no best.
        """
        if self.number in (3, HEALTH):
            return frozenset()
        contests: dict[tuple, list[tuple[float, int]]] = {}
        for index, row in enumerate(self.rows):
            kind = (row.source, row.configuration, "surrogate" in row.marks, *_clip_marks(row))
            sides = (("published", row.published, ()), ("measured", row.measured, kind))
            for side, cells, conditions in sides:
                for column, cell in cells.items():
                    if (number := _number(cell)) is not None:
                        contest = contests.setdefault((side, column, conditions), [])
                        contest.append((number, index))
        better = min if self.number == 5 else max
        return frozenset(
            (index, side, column)
            for (side, column, _), entries in contests.items()
            if len({index for _, index in entries}) > 1
            for number, index in entries
            if number == better(entries)[0]
        )


def _difference(measured: Cell | None, published: Cell | None) -> Cell | None:
    ours, theirs = _number(measured), _number(published)
    if ours is None or theirs is None:
        return None
    decimals = len(published.text.partition(".")[2])
    return Cell(ours - theirs, f"{ours - theirs:+.{decimals}f}")


def _number(cell: Cell | None) -> float | None:
    value = cell.value if cell else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _clip_marks(row: Row) -> tuple[str, ...]:
    """Marks that say which clips these are: networks for different data sets do not compete in
    Table 5, nor scores of some folds with those of all."""
    return tuple(mark for mark in row.marks if mark.startswith(("on ", "incomplete ")))


def build_table(
    number: int, records: Iterable[RunRecord], variants: Mapping[str, Variant]
) -> Table:
    """Table 2, 3, 4 or 5 with the measured values of these runs.

    Several configurations of a variant on a data set: the latest is shown, a note names the
    others. Raises KeyError for another table number.
    """
    if number == 3:
        return _settings_table(variants)
    groups = gather(records)
    usable = [group for group in groups if (group.profiled if number == 5 else group.scored)]
    shown, choices = latest([g for g in usable if number in homes(g.key.variant, variants)])
    table = _costs_table(shown, variants) if number == 5 else _scores_table(number, shown, variants)
    return named_configurations(replace(table, notes=(*choices, *table.notes)))


def homes(variant: str, variants: Mapping[str, Variant]) -> tuple[int, ...]:
    """The tables in which runs of a variant are shown.

    Those that print the method; for a variant that the paper does not have, Table 4 if it is an
    ablation, else Table 2. A random control stands where its search space does. Table 5 has all.
    """
    base = variant.removeprefix(RANDOM_PREFIX)
    printed = [number for number in (2, 4) if base in _variants_of(number)]
    own = 4 if base in variants and "ablation" in variants[base].groups else 2
    return (*(printed or [own]), 5)


def _variants_of(number: int) -> tuple[str, ...]:
    return tuple(row.variant for row in published_table(number).rows if row.variant)


# Tables 2 and 4: scores


def _scores_table(
    number: int, groups: Sequence[RunGroup], variants: Mapping[str, Variant]
) -> Table:
    published = published_table(number)
    in_columns = [group for group in groups if group.key.dataset in DATASETS]
    rows = _rows_beside_published(number, in_columns, variants, _score_rows)
    return Table(
        number,
        _caption(number, in_columns),
        published.columns,
        rows,
        (*_elsewhere(groups), *_legend(rows), *_footnotes(rows)),
    )


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
        column: score_cell([record.metrics for record in group.scored], metric)
        for group in groups
        for column, dataset, metric in _parted(blank.measured)
        if dataset == group.key.dataset
    }
    return replace(
        blank,
        source="measured",
        measured=blank.measured | measured,
        marks=distinct(
            chain(
                *(group.conditions for group in groups),
                *(group.leaks for group in groups),
                blank.marks,
                *(group.shortfalls for group in groups),
                _seed_marks({DATASETS[g.key.dataset]: len(g.scored) for g in groups}),
            )
        ),
        configuration=groups[0].key.configuration,
        runs=_folders(chain.from_iterable(group.scored for group in groups)),
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
    seeds = _seed_marks({DATASETS["composite"]: len(group.scored)})
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
                blank.marks,
                group.shortfalls,
                absent,
                seeds,
            )
        ),
        configuration=group.key.configuration,
        runs=_folders(group.scored),
        note="",  # it stands below the row of the whole run
    )


def score_cell(metrics: Sequence[Mapping[str, Any]], metric: str) -> Cell | None:
    """Mean and sample standard deviation of `acc`, `uar` or `uf1` over seeds, 4 decimals.

    A class without a clip is named where that leaves nothing to average; never a zero.
    """
    cell = mean_cell([each.get(metric) for each in metrics], "{:.4f}".format)
    absent = distinct(word for each in metrics for word in each.get("absent", ()))
    if cell is None and absent:
        return Cell(None, f"no {', '.join(absent)}")
    return cell


def mean_cell(values: Sequence[float | None], text: Callable[[float], str]) -> Cell | None:
    """The values that are there: alone, or as mean ± sample standard deviation; None of none."""
    numbers = [value for value in values if value is not None and not math.isnan(value)]
    if not numbers:
        return None
    mean = statistics.fmean(numbers)
    if len(numbers) == 1:
        return Cell(mean, text(mean))
    sd = statistics.stdev(numbers)
    return Cell(mean, f"{text(mean)} ± {text(sd)}", sd, len(numbers))


def _slices(group: RunGroup, dataset: str) -> list[Mapping[str, Any]]:
    """A data set's slice of each seed, where the run had clips of it at all."""
    found = (record.metrics["slices"].get(dataset) for record in group.scored)
    return [each for each in found if each and each.get("clips") != 0]


def _has_slices(group: RunGroup) -> bool:
    return group.key.dataset == "composite" and any(r.metrics["slices"] for r in group.scored)


def _parted(columns: Iterable[str]) -> Iterable[tuple[str, str, str]]:
    """(column, data set, metric) of each score column: composite_acc is Acc of the composite."""
    return ((column, *column.split("_")) for column in columns)


# Table 5: parameters and memory


def _costs_table(groups: Sequence[RunGroup], variants: Mapping[str, Variant]) -> Table:
    rows = _rows_beside_published(5, groups, variants, _cost_rows)
    notes = (
        "Measured memory is the training checkpoint, weights and what the optimiser keeps (SGD's "
        "momentum, Adam's two moments) at 4 bytes each, in MB of 10^6 bytes; the seven NAS rows as "
        "published fit that reading, with SGD.",
        "Measured networks are those of the data set named; the paper does not name its own.",
    )
    notes = (*notes, *_legend(rows), *_footnotes(rows))
    return Table(5, _caption(5, groups), published_table(5).columns, rows, notes)


def _cost_rows(groups: Sequence[RunGroup], blank: Row) -> list[Row]:
    """One row per data set, surrogate or real: each has its own derived network."""
    return [_cost_row(group, blank) for group in sorted(groups, key=dataset_order)]


def _cost_row(group: RunGroup, blank: Row) -> Row:
    profiles = [record.profile for record in group.profiled]
    name = DATASETS.get(group.key.dataset, group.key.dataset)
    return replace(
        blank,
        source="measured",
        measured={
            "params_m": mean_cell([each["params"] / 1e6 for each in profiles], _cost_text),
            "memory_mb": mean_cell([each["checkpoint_mb"] for each in profiles], _cost_text),
        },
        marks=distinct(
            (f"on {name}", *group.conditions, *blank.marks, *_seed_marks({name: len(profiles)}))
        ),
        configuration=group.key.configuration,
        runs=_folders(group.profiled),
    )


def _cost_text(value: float) -> str:
    """Two decimals as in the paper; four where two would leave one digit or none."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


# Table 3: settings


def _settings_table(variants: Mapping[str, Variant]) -> Table:
    """The published settings beside what each registered variant says of itself."""
    published = published_table(3)
    columns = (*published.columns, "b", "operations")
    rows = [_settings_row(row, columns, variants.get(row.variant)) for row in published.rows]
    printed = _variants_of(3)
    for name, variant in variants.items():
        if "ablation" in variant.groups and name not in printed:
            rows.append(_settings_row(_unpublished(name, published.columns), columns, variant))
    notes = (
        "Registered: what the variants of this package say of themselves; "
        "b = 1 passes all channels through the operations, b = 4 a quarter of them.",
    )
    return Table(3, _caption(3, ()), columns, tuple(rows), (*notes, *_legend(rows)))


def _settings_row(printed: PublishedRow, columns: Sequence[str], variant: Variant | None) -> Row:
    row = _blank_row(printed, columns, variant)
    if variant is None:
        return replace(row, marks=(row.source,))
    measured = _settings_of(variant)
    differing = [
        column
        for column, cell in row.published.items()
        if cell is not None and cell.value != measured[column].value
    ]
    marks = (f"differs: {', '.join(differing)}",) if differing else ()
    return replace(row, source="registered", measured=measured, marks=(*row.marks, *marks))


def _settings_of(variant: Variant) -> dict[str, Cell]:
    space = variant.space
    operations = len(space.operations)
    return {
        "par_norm": _text_cell("α, β, η" if space.edge_norm else "α, β"),
        "pc": _truth_cell(space.partial > 1),
        "d_op": _truth_cell(any(_is_darts(name) for name in space.operations)),
        "h_op": _truth_cell(any(_is_hybrid(name) for name in space.operations)),
        "st_att": _truth_cell(space.attention),
        "b": Cell(space.partial, str(space.partial)),
        "operations": Cell(operations, str(operations)),
    }


def _is_darts(operation: str) -> bool:
    return "_pool_" in operation or operation.startswith(("sep_conv_", "dil_conv_"))


def _is_hybrid(operation: str) -> bool:
    """Two convolutions joined element by element, as in `add_1_3`."""
    return operation.startswith(("add_", "max_", "avg_")) and not _is_darts(operation)


def _text_cell(text: str) -> Cell:
    return Cell(text, text)


def _truth_cell(truth: bool) -> Cell:
    return Cell(truth, "yes" if truth else "no")


# What the tables share


def _rows_beside_published(
    number: int,
    groups: Sequence[RunGroup],
    variants: Mapping[str, Variant],
    rows_of: Callable[[Sequence[RunGroup], Row], list[Row]],
) -> tuple[Row, ...]:
    """The paper's rows in its order, each with its runs; then runs of what it has no row for."""
    published = published_table(number)
    by_variant: dict[str, list[RunGroup]] = {}
    for group in groups:
        by_variant.setdefault(group.key.variant, []).append(group)
    printed = list(published.rows)
    listed = {row.variant for row in printed}
    unlisted = sorted(by_variant.keys() - listed, key=lambda n: (n.startswith(RANDOM_PREFIX), n))
    ours = [_unpublished(name, published.columns) for name in unlisted]
    rows: list[Row] = []
    for row in (*printed, *ours):
        blank = _blank_row(row, published.columns, variants.get(row.variant))
        runs = by_variant.get(row.variant, ())
        rows += rows_of(runs, blank) if runs else [_without_runs(blank)]
    return tuple(rows)


def _without_runs(blank: Row) -> Row:
    """A row of the paper alone; of a method that could be measured no footnote is due yet."""
    note = blank.note if blank.source == PUBLISHED_ONLY else ""
    return replace(blank, marks=(blank.source,), note=note)


def _unpublished(variant: str, columns: Sequence[str]) -> PublishedRow:
    """The row of a method that the paper does not have."""
    return PublishedRow(variant, variant, dict.fromkeys(columns))


def _blank_row(printed: PublishedRow, columns: Sequence[str], variant: Variant | None) -> Row:
    """A row with its published side alone, and the marks that the variant itself carries."""
    published = {
        column: None if text is None else Cell(printed.value(column), text)
        for column, text in printed.cells.items()
    }
    unpublished = all(cell is None for cell in published.values())
    carried = [mark for mark in (variant.marks if variant else ()) if mark != "ours"]
    return Row(
        method=printed.method,
        variant=printed.variant,
        source=NOT_MEASURED if variant else PUBLISHED_ONLY,
        published={column: published.get(column) for column in columns},
        measured=dict.fromkeys(columns),
        marks=distinct((*((_origin(printed, variant),) if unpublished else ()), *carried)),
        published_marks=printed.marks,
        about=f"{printed.venue} {printed.year}".strip() if printed.year else printed.type,
        note=_note(printed, variant),
    )


def _origin(printed: PublishedRow, variant: Variant | None) -> str:
    """Of a method that the table of the paper does not have: what it is."""
    if printed.variant.startswith(RANDOM_PREFIX):
        return "random control"
    if variant and variant.network and "ours" not in variant.marks and variant.network.reference:
        return "not in this table"
    return "ours, not in the paper"


def _note(printed: PublishedRow, variant: Variant | None) -> str:
    """The footnote of a fixed network, or of a method that cannot be run here."""
    if variant is None:
        return published_only().get(printed.method, "")
    if variant.network is None:
        return ""
    facts = variant.network.facts.items()
    return "; ".join(
        f"{what}: {text}" for what, text in facts if what not in ("marks", "reference")
    )


def _caption(number: int, groups: Sequence[RunGroup]) -> str:
    """Our title, where the published side stands, and data sets, presets and protocol of ours."""
    source = f"{paper()['venue']} {paper()['year']}"
    head = f"{published_table(number).title}. Published: {source}"
    if number == 3:
        return f"{head}. Registered: the variants of this package."
    head += "." if number == 5 else ", leave-one-subject-out (LOSO)."
    if not groups:
        return f"{head} Measured: no finished run."
    ordered = sorted(groups, key=dataset_order)
    sets = distinct(f"{group.clips} (preset {group.key.preset})" for group in ordered)
    protocol = "" if number == 5 else f"; LOSO, {_aggregation(groups)}"
    return f"{head} Measured: {', '.join(sets)}{protocol}."


def dataset_order(group: RunGroup) -> tuple[int, str, bool]:
    """The paper's order of data sets, then other sets by name; real clips before surrogates."""
    names = list(DATASETS)
    name = group.key.dataset
    return (names.index(name) if name in names else len(names), name, group.key.surrogate)


def _aggregation(groups: Sequence[RunGroup]) -> str:
    ways = distinct(
        str(record.metrics["protocol"].get("aggregation", "pooled"))
        for group in groups
        for record in group.scored
    )
    return " and ".join(f"{way} over folds" for way in ways)


def named_configurations(table: Table) -> Table:
    """The table with a warning, and each row's configuration named, where not all are alike."""
    different = distinct(row.configuration for row in table.rows if row.configuration)
    if len(different) < 2:
        return table
    rows = tuple(
        replace(row, marks=(*row.marks, row.configuration)) if row.configuration else row
        for row in table.rows
    )
    warning = f"Measured rows differ in configuration: {', '.join(different)}."
    return replace(table, rows=rows, notes=(warning, *table.notes))


def _elsewhere(groups: Sequence[RunGroup]) -> tuple[str, ...]:
    """A note on runs whose data set has no column here."""
    others = distinct(g.key.dataset for g in groups if g.key.dataset not in DATASETS)
    if not others:
        return ()
    return (f"Runs on other data sets have no column here: {', '.join(others)}.",)


def _legend(rows: Sequence[Row]) -> tuple[str, ...]:
    """What the marks in these rows mean, each once, and what ± is where there is one."""
    spread = any(c and c.sd is not None for row in rows for c in row.measured.values())
    words = ("mean ± sample standard deviation over seeds",) if spread else ()
    return (*words, *explained_marks(rows))


def explained_marks(rows: Sequence[Row]) -> tuple[str, ...]:
    """What the marks in these rows mean, each once."""
    words = chain.from_iterable(
        mark.replace(": ", ", ").split(", ") for row in rows for mark in row.marks
    )
    meanings = MARK_MEANINGS | dict(mark_meanings())
    printed = chain.from_iterable(row.published_marks for row in rows)
    known = [word for word in distinct(chain(words, printed)) if word in meanings]
    return tuple(f"{word}: {meanings[word]}" for word in known)


def _footnotes(rows: Iterable[Row]) -> tuple[str, ...]:
    """What readers should know of each fixed network, and why a row is published only."""
    return distinct(f"{row.method}: {row.note}" for row in rows if row.note)


def _seed_marks(seeds: Mapping[str, int]) -> tuple[str, ...]:
    """How many seeds stand behind a row's cells, where any has more than one."""
    counts = set(seeds.values())
    if counts == {1}:
        return ()
    if len(counts) == 1:
        return (f"{counts.pop()} seeds",)
    return (f"seeds: {', '.join(f'{name} {count}' for name, count in seeds.items())}",)


def _folders(records: Iterable[RunRecord]) -> tuple[str, ...]:
    return tuple(str(record.folder) for record in records)
