"""The leaderboards: for each data set and protocol a row a method, best first.

Intervals, differences and tests are those of `bench compare`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import fmean

from markupsafe import Markup

from bench.errors import BenchError
from bench.methods.classical import Estimated
from bench.protocol.metrics import metrics
from bench.runs.record import RunRecord
from bench.runs.typed import MALFORMED
from bench.scoring.statistics import DRAWS, Interval, score_intervals
from reports.compare.checks import check_comparable
from reports.compare.entries import Entry, Protocol, make_entries, named_apart
from reports.compare.pairs import Pair
from reports.compare.render import (
    beside,
    legend,
    pair_headings,
    pair_row,
    told_difference,
    told_p,
)
from reports.compare.report import Comparison, Plan, compare_on
from reports.page.chart import Line, Point, chart
from reports.page.clips import Disagreements, disagreements
from reports.page.marks import group_marks
from reports.reading.groups import dataset_order, gather
from reports.reading.searches import Searched
from reports.tables.html import HtmlMark, html_mark
from reports.tables.table import mean_cell

PLAN = Plan(metric="uar", draws=DRAWS)
"""As `bench compare` does unless it is asked for something else."""

MOST = 12
"""Methods that are tested against each other: 66 pairs. The others have intervals alone."""

SCOPES = {"fold": "search per fold", "all": "one search over all subjects"}


@dataclass(frozen=True)
class Seed:
    """A run of a row: its score and where its page is."""

    seed: int
    anchor: str
    score: float


@dataclass(frozen=True)
class BoardRow:
    """A method with all its seeds; texts are empty where there is nothing to say.

    lead: by how much the best is ahead, with its interval; test: its p value; random: the score
    beside random networks; search: seconds of all searches of a run; trained: a share.
    """

    name: str
    marks: tuple[HtmlMark, ...]
    scores: Mapping[str, float]
    interval: Interval
    lead: str
    test: str
    random: str
    params: str
    macs: str
    search: float | None
    trained: float | None
    seeds: tuple[Seed, ...]

    @property
    def caveat(self) -> bool:
        """Whether its score must not look like a clean one."""
        return any(mark.caveat for mark in self.marks)

    @property
    def search_time(self) -> str:
        """The cost of the search in the unit that fits; none where it is drawn or not recorded."""
        return _duration(self.search) if self.search else "–"


@dataclass(frozen=True)
class Pairing:
    """Two methods as `bench compare` sets them beside each other: their places, and the cells."""

    places: tuple[int, int]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """The methods on the same clips under the same protocol, and what tells them apart."""

    title: str
    protocol: str
    rows: tuple[BoardRow, ...]
    chart: Markup
    legend: str
    headings: Sequence[str]
    pairs: tuple[Pairing, ...]
    clips: Disagreements
    notes: tuple[str, ...]

    @property
    def tested(self) -> tuple[BoardRow, ...]:
        """The rows that are compared in pairs, in the order of their places."""
        return tuple(row for row in self.rows if row.test)

    @property
    def rest(self) -> tuple[BoardRow, ...]:
        """The rows that are not."""
        return tuple(row for row in self.rows if not row.test)


def boards(
    records: Iterable[RunRecord],
    anchors: Mapping[Path, str],
    searched: Iterable[Searched],
    faces: bool,
    progress: Callable[[str, int, int], None],
) -> tuple[Board, ...]:
    """A leaderboard for each set of finished runs on the same clips under the same protocol.

    anchors: folder of a run -> the anchor of its page; faces: whether real clips may be shown.
    """
    finished = [r for r in records if r.metrics and r.folds_done == r.folds_total]
    costs = {each.record.folder: _seconds(each) for each in searched}
    alike = sorted(_alike(_readable(finished)), key=lambda entries: dataset_order(entries[0].group))
    return tuple(_board(entries, anchors, costs, faces, progress) for entries in alike)


def _readable(records: Iterable[RunRecord]) -> Iterator[Entry]:
    for group in gather(records):
        try:
            (entry,) = make_entries([group])
            check_comparable([entry])
            entry.protocol  # noqa: B018 (metrics of another form raise here)
        except (BenchError, *MALFORMED):
            continue  # the page of the run names the file
        if isfinite(_score(entry)):  # not so where a class has no clip: the list of runs says it
            yield entry


def _alike(entries: Iterable[Entry]) -> list[list[Entry]]:
    """The entries in sets within which every two may be compared.

    One that searched nothing stands in the sets of every search scope.
    """
    found: list[list[Entry]] = []
    for entry in sorted(entries, key=lambda entry: entry.protocol.search_scope is None):
        places = [alike for alike in found if _fits(entry, alike[0])]
        for alike in places:
            alike.append(entry)
        if not places:
            found.append([entry])
    return found


def _fits(entry: Entry, other: Entry) -> bool:
    if entry.dataset != other.dataset:
        return False
    try:
        check_comparable([other, entry])
    except BenchError:
        return False
    return True


def _board(
    entries: Sequence[Entry],
    anchors: Mapping[Path, str],
    costs: Mapping[Path, float | None],
    faces: bool,
    progress: Callable[[str, int, int], None],
) -> Board:
    ranked = named_apart(sorted(entries, key=_score, reverse=True))
    tested = _tested(ranked)
    comparison = compare_on(tested[0].dataset, tested, PLAN, progress)
    rows = tuple(_row(entry, comparison, anchors, costs) for entry in ranked)
    return Board(
        title=ranked[0].group.clips,
        protocol=_protocol(ranked),
        rows=rows,
        chart=_chart([row for row in rows if row.test], tested),
        legend=legend(PLAN.metric, len(comparison.pairs)),
        headings=pair_headings(PLAN.metric),
        pairs=_pairings(comparison),
        clips=disagreements(tested, faces),
        notes=comparison.notes,
    )


def _score(entry: Entry) -> float:
    return float(entry.scores(PLAN.metric).mean())


def _tested(ranked: Sequence[Entry]) -> list[Entry]:
    """The best, with the best random control and the best classical baseline wherever they are."""
    kept = [each for each in (_best_control(ranked), _best_baseline(ranked)) if each]
    others = [entry for entry in ranked if entry not in kept][: MOST - len(kept)]
    return [entry for entry in ranked if entry in (*kept, *others)]


def _best_control(ranked: Sequence[Entry]) -> Entry | None:
    return next((entry for entry in ranked if entry.first.method.control), None)


def _best_baseline(ranked: Sequence[Entry]) -> Entry | None:
    return next((entry for entry in ranked if issubclass(entry.first.method, Estimated)), None)


def _protocol(entries: Sequence[Entry]) -> str:
    """`LOSO, search per fold, selection last, pooled; 120 clips of 8 subjects`."""
    shown: Protocol = entries[0].protocol
    scopes = [scope for e in entries if (scope := e.protocol.search_scope)]
    parts = (
        shown.split,
        SCOPES.get(scopes[0], scopes[0]) if scopes else None,
        f"selection {shown.selection}",
        "without the inner part" if shown.inner_part else None,
        "genotypes given" if shown.genotype else None,
        shown.aggregation,
    )
    answers = entries[0].predictions[0]
    clips = f"{len(answers.answers)} clips of {len(set(answers.people))} subjects"
    return f"{', '.join(filter(None, parts))}; {clips}"


def _row(
    entry: Entry,
    comparison: Comparison,
    anchors: Mapping[Path, str],
    costs: Mapping[Path, float | None],
) -> BoardRow:
    best = comparison.entries[0]
    lead = _pair(comparison, best.name, entry.name)
    found = comparison.intervals.get(entry.name) or score_intervals(
        entry.matrices, [PLAN.metric], PLAN.draws, PLAN.seed
    )
    control = next((each for each in comparison.controls if each.name == entry.name), None)
    spent = [costs.get(record.folder) for record in entry.records]
    known = [seconds for seconds in spent if seconds is not None]
    shares = [record.trained for record in entry.records if record.trained is not None]
    profiles = entry.group.profiles
    params, macs = (_millions([each.get(key) for each in profiles]) for key in ("params", "macs"))
    scores = entry.scores(PLAN.metric)
    return BoardRow(
        name=entry.name,
        marks=tuple(map(html_mark, _marks(entry))),
        scores={name: float(entry.scores(name).mean()) for name in metrics()},
        interval=found[PLAN.metric],
        lead=told_difference(lead.differences[PLAN.metric]) if lead else "",
        test=_told_test(lead) if lead else "best" if entry.name == best.name else "",
        random=beside(control),
        params=params,
        macs=macs,
        search=fmean(known) if len(known) == len(spent) else None,
        trained=fmean(shares) if shares else None,
        seeds=tuple(
            Seed(record.seed, anchors[record.folder], float(score))
            for record, score in zip(entry.records, scores, strict=True)
        ),
    )


def _marks(entry: Entry) -> list[str]:
    """The marks but for the share of trained folds where it is fine: it has a column."""
    return [mark for mark in group_marks(entry.group) if not mark.startswith("trained: ")]


def _pair(comparison: Comparison, first: str, second: str) -> Pair | None:
    pairs = comparison.pairs
    return next((each for each in pairs if (each.first, each.second) == (first, second)), None)


def _told_test(pair: Pair) -> str:
    return f"{told_p(pair.permutation.p)}, Holm{told_p(pair.permutation_holm).removeprefix('p')}"


def _millions(values: Sequence[float | None]) -> str:
    """The mean with its spread, in millions."""
    millions = [None if value is None else value / 1e6 for value in values]
    cell = mean_cell(millions, "{:.3g}".format)
    return cell.text if cell else "–"


def _seconds(searched: Searched) -> float | None:
    """Seconds of all searches of a run; None where one did not record them."""
    each = [search["seconds"] for search in searched.searches]
    known = [seconds for seconds in each if seconds is not None]
    return sum(known) if len(known) == len(each) else None


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def _chart(rows: Sequence[BoardRow], entries: Sequence[Entry]) -> Markup:
    """The scores of the rows with the best random control and classical baseline as lines."""
    points = [
        Point(row.name, row.interval.estimate, row.interval.low, row.interval.high, row.caveat)
        for row in rows
    ]
    references = (("random", _best_control(entries)), ("linear", _best_baseline(entries)))
    lines = [Line(kind, each.name, _score(each)) for kind, each in references if each]
    return chart(metrics()[PLAN.metric].heading, points, lines)


def _pairings(comparison: Comparison) -> tuple[Pairing, ...]:
    places = {entry.name: place for place, entry in enumerate(comparison.entries)}
    return tuple(
        Pairing((places[pair.first], places[pair.second]), pair_row(pair)[2:])
        for pair in comparison.pairs
    )
