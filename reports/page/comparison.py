"""What `bench compare` says of the runs on the page: configurations that may be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.runs.record import RunRecord
from bench.scoring.statistics import DRAWS
from reports.compare.checks import check_comparable
from reports.compare.entries import Entry, make_entries
from reports.compare.render import Sheet, heading, legend, sheets
from reports.compare.report import Plan, compare
from reports.reading.finished import MALFORMED
from reports.reading.groups import gather

PLAN = Plan(metric="uar", draws=DRAWS)
"""As `bench compare` does unless it is asked for something else."""

MOST = 12
"""Configurations on the same clips that stand beside each other: 66 pairs."""


@dataclass(frozen=True)
class Compared:
    """Configurations on the same clips under the same protocol, and their pairs."""

    title: str
    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...]


def comparisons(records: Iterable[RunRecord]) -> tuple[Compared, ...]:
    """A comparison for every two or more configurations of finished runs that allow one."""
    finished = [r for r in records if r.metrics and r.folds_done == r.folds_total]
    alike = _comparable(_readable(finished))
    return tuple(_compared(entries) for entries in alike if len(entries) > 1)


def _readable(records: Iterable[RunRecord]) -> Iterator[Entry]:
    for group in gather(records):
        try:
            (entry,) = make_entries([group])
            check_comparable([entry])
            entry.protocol  # noqa: B018 (metrics of another form raise here)
        except (BenchError, *MALFORMED):
            continue  # the page of the run names the file
        yield entry


def _comparable(entries: Iterable[Entry]) -> list[list[Entry]]:
    """The entries in sets within which every two may be compared."""
    found: list[list[Entry]] = []
    for entry in entries:
        place = next((alike for alike in found if _fits(entry, alike)), None)
        if place is None:
            found.append([entry])
        else:
            place.append(entry)
    return found


def _fits(entry: Entry, others: Sequence[Entry]) -> bool:
    if entry.dataset != others[0].dataset:
        return False
    try:
        check_comparable([*others, entry])
    except BenchError:
        return False
    return True


def _compared(entries: Sequence[Entry]) -> Compared:
    shown = make_entries([entry.group for entry in entries[:MOST]])  # named apart
    report = compare(shown, PLAN, lambda what, done, total: None)
    (comparison,) = report.comparisons
    left = [entry.name for entry in entries[MOST:]]
    notes = [f"not shown, see `bench compare`: {', '.join(left)}"] if left else []
    return Compared(
        heading(comparison),
        tuple(sheets(comparison, PLAN.metric)),
        (legend(PLAN.metric, len(comparison.pairs)), *comparison.notes, *notes),
    )
