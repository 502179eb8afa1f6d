"""A comparison as text: for the terminal, as Markdown, CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from bench.cli.output import sheet
from bench.protocol.metrics import ACC, metrics
from bench.scoring.ranking import Agreement
from bench.scoring.statistics import Interval
from bench.system.result_files import sealed
from reports.compare.entries import Entry
from reports.compare.pairs import Control, Pair
from reports.compare.report import Comparison, Report

COLUMNS = (
    "dataset",
    "first",
    "second",
    "metric",
    "difference",
    "low",
    "high",
    "p_permutation",
    "p_permutation_holm",
    "p_mcnemar",
    "p_mcnemar_holm",
    "first_marks",
    "second_marks",
)
Sheet = tuple[list[str], list[tuple]]
"""Headings and rows of text."""


def render(report: Report, form: str) -> str:
    """The report in a format: table, md, csv (a row per pair and metric) or json."""
    if form == "json":
        return json.dumps(sealed(report.to_dict()), indent=1)
    if form == "csv":
        metric = report.plan.metric
        rows = [row for each in report.comparisons for row in _figures(each, metric)]
        return sheet(rows, COLUMNS, form)
    blocks = [block for each in report.comparisons for block in _blocks(each, report, form)]
    return "\n\n".join([*blocks, *_ranks(report, form), *_notes(report.notes, form)])


def _figures(comparison: Comparison, metric: str) -> Iterator[tuple]:
    """A row per pair and metric; each p value stands in the row of its metric.

    McNemar's test is about accuracy.
    """
    marks = {entry.name: "; ".join(entry.marks) for entry in comparison.entries}
    for pair in comparison.pairs:
        for name, found in pair.differences.items():
            tested = name == metric
            yield (
                comparison.dataset,
                pair.first,
                pair.second,
                name,
                found.estimate,
                found.low,
                found.high,
                *((pair.permutation.p, pair.permutation_holm) if tested else (None, None)),
                *((pair.mcnemar_p, pair.mcnemar_holm) if name == ACC.name else (None, None)),
                marks[pair.first],
                marks[pair.second],
            )


def _blocks(comparison: Comparison, report: Report, form: str) -> Iterator[str]:
    metric = report.plan.metric
    yield f"## {_heading(comparison)}" if form == "md" else _heading(comparison)
    for headings, rows in _sheets(comparison, metric):
        yield sheet(rows, headings, form)
    yield legend(metric, len(comparison.pairs))
    if comparison.agreement:
        yield _stability(comparison.agreement)
    yield from _notes(comparison.notes, form)


def _sheets(comparison: Comparison, metric: str) -> Iterator[Sheet]:
    """The entries with their scores, and the pairs with their differences and tests."""
    controls = {control.name: control for control in comparison.controls}
    random = f"{metrics()[metric].heading} beside random"
    headings = ["", "seeds", *_score_headings(), random, "marks"]
    yield headings, [_entry(entry, controls.get(entry.name)) for entry in comparison.entries]
    yield pair_headings(metric), [pair_row(pair) for pair in comparison.pairs]


def _heading(comparison: Comparison) -> str:
    """The clips that are compared on, in words."""
    answers = comparison.entries[0].predictions[0]
    record = comparison.entries[0].first
    kind = " surrogate" if record.surrogate else ""
    return (
        f"{record.dataset}{kind}: {len(answers.answers)} clips of {len(set(answers.people))} "
        "subjects, the same in all"
    )


def _entry(entry: Entry, control: Control | None) -> tuple:
    scores = [_mean(entry.scores(name)) for name in metrics()]
    seeds = ", ".join(map(str, entry.seeds))
    return (entry.name, seeds, *scores, beside(control), "; ".join(entry.marks))


def _mean(values: Any) -> str:
    spread = f" ± {values.std(ddof=1):.4f}" if len(values) > 1 else ""
    return f"{values.mean():.4f}{spread}"


def beside(control: Control | None) -> str:
    """`+4.1 % of 0.7200 (n = 5, above 4)`: beside the mean of the random networks of its space."""
    if control is None:
        return ""
    count = len(control.random_scores)
    change = "mean is 0" if control.relative is None else f"{control.relative:+.1f} %"
    return f"{change} of {control.random_mean:.4f} (n = {count}, above {control.better})"


def pair_headings(metric: str) -> list[str]:
    """What stands over the columns of `pair_row`."""
    differences = [f"Δ{heading} [95 %]" for heading in _score_headings()]
    tested = f"p ({metrics()[metric].heading})"
    return ["first", "second", *differences, tested, "Holm", "McNemar", "Holm"]


def _score_headings() -> list[str]:
    return [metric.heading for metric in metrics().values()]


def pair_row(pair: Pair) -> tuple[str, ...]:
    """The names, the differences with their intervals, p values, each with Holm's after it."""
    differences = [told_difference(found) for found in pair.differences.values()]
    p_values = (pair.permutation.p, pair.permutation_holm, pair.mcnemar_p, pair.mcnemar_holm)
    return (pair.first, pair.second, *differences, *map(_p, p_values))


def told_difference(found: Interval) -> str:
    """`+0.0310 [-0.0120, +0.0740]`."""
    if found.low is None:
        return f"{found.estimate:+.4f}"
    return f"{found.estimate:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def told_p(value: float) -> str:
    """The p value as `p = 0.0430` or `p < 0.0001`."""
    text = _p(value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def legend(metric: str, pairs: int) -> str:
    """What the columns of the pairs mean."""
    corrected = f"; Holm: corrected for {pairs} pairs" if pairs > 1 else ""
    return (
        "Δ: first - second, mean over paired seeds; intervals resample subjects. "
        f"p: paired permutation test over subjects ({metrics()[metric].words}); "
        f"McNemar: exact test, as if clips were independent{corrected}."
    )


def _stability(found: Agreement) -> str:
    told = []
    if found.kendall_w is not None:
        told.append(f"Kendall's W {found.kendall_w:.3f}")
    if found.mean_tau is not None:
        told.append(f"mean Kendall τ {found.mean_tau:.3f}")
    if not told:
        told.append("all scores equal")
    return (
        f"Rank stability over {found.blocks} seeds of {found.methods} methods: {', '.join(told)} "
        "(1: the same order for every seed)"
    )


def _ranks(report: Report, form: str) -> Iterator[str]:
    found = report.ranks
    if found is None:
        return
    order = sorted(zip(found.names, found.ranks, strict=True), key=lambda each: each[1])
    yield sheet([(name, f"{rank:.2f}") for name, rank in order], ["", "mean rank"], form)
    yield (
        f"Ranks over {found.blocks} blocks (data set, seed): Friedman {told_p(found.p)}, "
        f"Nemenyi's critical difference {found.critical_difference:.2f} at {found.alpha:g}"
    )


def _notes(notes: Sequence[str], form: str) -> Iterator[str]:
    if notes:
        yield "\n".join(f"- {note}" if form == "md" else note for note in notes)
