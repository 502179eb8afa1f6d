"""Table, picture and statement of the ablation study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from bench.data.clips import FRESH
from bench.protocol.metrics import UAR, metrics
from bench.system.files import csv_of_records
from reports.reading.marks import ENOUGH_TRAINED, MARK_MEANINGS, NOT_TRAINED, SMOKE, is_smoke
from reports.studies.record import clips_of, made_with, with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.drawing.style import Words

ALPHA = 0.05

GROUPS = {
    ("rows", "network"): "In the network: {genotypes} genotypes, with and without",
    ("rows", "search"): "In the search: {searches} searches of each kind",
    ("zero_line", "search"): "Search minus random search: {searches} of each kind",
}
"""Part of the record and place of action -> heading of these rows."""

ROW, LEFT, PANEL, RIGHT = 0.3, 2.95, 3.0, 2.55
"""Height of a row of the picture; widths of titles, axes and numbers, inches."""

Row = Mapping[str, Any]
Record = Mapping[str, Any]


def ablation_marks(record: Record) -> tuple[str, ...]:
    """What readers must know of all differences of a study."""
    rows = (*record["rows"], *record["zero_line"])
    poor = any(row["trained"] < ENOUGH_TRAINED for row in rows)
    return (
        *(("surrogate",) if record["surrogate"] else ()),
        *((SMOKE,) if is_smoke(record["preset"], record["config"]) else ()),
        *((FRESH,) if record["protocol"] == FRESH else ()),
        *((f"searches leaky: {', '.join(record['leaks'])}",) if record["leaks"] else ()),
        *((NOT_TRAINED,) if poor else ()),
    )


def ablation_page(record: Record) -> str:
    """Statement, table and its legend as Markdown."""
    return "\n\n".join((f"**{_heading(record)}.**", _table(record), statement(record))) + "\n"


def _heading(record: Record) -> str:
    return (
        f"Table 3 by design on {clips_of(record)}, preset {record['preset']}, {_protocol(record)}: "
        f"{record['genotypes']} genotypes with seeds {', '.join(map(str, record['seeds']))}, "
        f"{record['searches']} searches of each kind"
    )


def _table(record: Record) -> str:
    """The rows, and what the words of their columns mean."""
    from tabulate import tabulate

    others = [metric for name, metric in metrics().items() if name != UAR.name]
    table = tabulate(
        [
            (
                row["title"] + " over random search" * (not row["variant"]),
                row["variant"],
                row["acts"],
                row["n"],
                _told(row),
                *(f"{row['scores'][UAR.name][key]:.3g}" for key in ("p", "p_holm", "spread")),
                *(_told(row, metric.name) for metric in others),
                f"{row['trained']:.0%}"
                + (f" {NOT_TRAINED}" if row["trained"] < ENOUGH_TRAINED else ""),
                f"{row['macs_ratio']:.2f}",
                "–" if row["search_macs_ratio"] is None else f"{row['search_macs_ratio']:.2g}",
            )
            for row in (*record["rows"], *record["zero_line"])
        ],
        headers=(
            "difference",
            "as in",
            "acts in",
            "n",
            "UAR (95 %)",
            "p",
            "Holm p",
            "SD",
            *(f"{metric.heading} (95 %)" for metric in others),
            "trained",
            "MACs ratio",
            "search MACs ratio",
        ),
        tablefmt="github",
        disable_numparse=True,
    )
    return "\n".join((table, "", *(f"- {note}" for note in _notes(record))))


def ablation_csv(record: Record) -> str:
    """The rows with all digits, one a line."""
    found = []
    for part in ("rows", "zero_line"):
        for row in record[part]:
            scores = {
                f"{name}_{key}": value
                for name, score in row["scores"].items()
                for key, value in score.items()
            }
            plain = {key: value for key, value in row.items() if key != "scores"}
            found.append({"part": part, **plain, **scores})
    return csv_of_records(found)


def statement(record: Record) -> str:
    """One paragraph that says what the study found, factor by factor."""
    parts = [
        f"{GROUP_WORDS[acts]} {', '.join(map(_clause, rows))}"
        for acts, rows in _by_place(record["rows"]).items()
    ]
    decided = [
        f"{row['title']} ({GROUP_WORDS[row['acts']]})"
        for row in record["rows"]
        if row["scores"][UAR.name]["p_holm"] < ALPHA
    ]
    verdict = f"{_listed(decided)} {'is' if len(decided) == 1 else 'are'}" if decided else "none is"
    zero = ", ".join(map(_clause, record["zero_line"]))
    return (
        f"{_heading(record)}. Differences in UAR, RNAS-MER minus the ablation (95 % "
        f"intervals): {'; '.join(parts)}. After Holm's correction {verdict} distinguishable from "
        f"zero at {ALPHA:g}."
        + (f" Searches minus random search: {zero}." if zero else "")
        + f" Of the networks {_share(record):.0%} are trained."
    )


GROUP_WORDS = {"network": "in the network", "search": "in the search"}


def _told(row: Row, metric: str = UAR.name) -> str:
    return with_interval(row["scores"][metric], digits=3)


def _clause(row: Row) -> str:
    return f"{row['title']} {_told(row)}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _share(record: Record) -> float:
    """Share of trained networks over all runs."""
    shares = [run["trained"] for run in record["networks"]]
    return sum(shares) / len(shares)


def _by_place(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["acts"], []).append(row)
    return found


def _protocol(record: Record) -> str:
    if record["protocol"] == FRESH:
        return f"tested on {record['subjects']} new people (fresh)"
    return f"{record['subjects']} subjects left out in turn"


def _notes(record: Record) -> Iterator[str]:
    yield (
        "difference: RNAS-MER minus the ablation; positive: RNAS-MER's own is better. In the "
        "network each pair is one genotype; searches are not paired"
    )
    yield (
        "95 %: bootstrap over genotypes or searches and over subjects, each on its own; p: "
        "permutation test over genotypes or searches; Holm p: corrected over the rows of all "
        "factors, apart over those of the zero line"
    )
    yield "SD: of the paired differences, or of the scores between searches of one kind"
    yield f"trained: share of the networks where {MARK_MEANINGS['trained']}"
    yield f"MACs ratio: geometric mean; seeds: {', '.join(map(str, record['seeds']))}"
    yield "search MACs ratio: multiply-accumulates of the searches; 1 where they cost the same"
    for mark in record["marks"]:
        yield f"{mark}: {MARK_MEANINGS[mark]}" if mark in MARK_MEANINGS else mark


def draw_ablation(record: Record) -> Figure:
    """Forest plot: each difference in UAR with its interval, and the zero line."""
    from reports.drawing.style import DARK, house_style, sheet

    with house_style():
        groups = [
            (heading.format(**record), part, rows)
            for (part, acts), heading in GROUPS.items()
            if (rows := [row for row in record[part] if row["acts"] == acts])
        ]
        lines = sum(len(rows) + 1 for *_, rows in groups)
        page = sheet(LEFT + PANEL + RIGHT, lines * ROW + 0.6, _words(record))
        axes = page.axes(LEFT, 0.5, PANEL, lines * ROW)
        free = count()
        for heading, part, rows in groups:
            _write(axes, next(free), 0.12 - LEFT, heading, weight="bold")
            for row in rows:
                _difference(axes, next(free), row, part)
        axes.axvline(0, color=DARK, linewidth=1, zorder=0)
        axes.set(yticks=[], ylim=(lines - 0.5, -0.5), xlabel="difference in UAR")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        return page.figure


def _words(record: Record) -> Words:
    from reports.drawing.style import Words

    seeds = f"training seeds {', '.join(map(str, record['seeds']))}"
    marks = f" Marks: {'; '.join(record['marks'])}." if record["marks"] else ""
    return Words(
        f"Factors of Table 3 on {clips_of(record)}",
        f"UAR of RNAS-MER minus the ablation, {_protocol(record)}",
        (
            "Bars: 95 %, bootstrap over genotypes or searches and over subjects. p: permutation "
            "test over genotypes or searches, after Holm's correction. Hollow: under 95 % of the "
            "networks are trained.",
            f"{made_with(record, seeds)}{marks}",
        ),
    )


def _difference(axes: Axes, place: int, row: Row, part: str) -> None:
    """One row: its title, the estimate with its interval, and the numbers."""
    from reports.drawing.style import BLUE, GREEN, VERMILION

    looks = {"network": (BLUE, "o"), "search": (VERMILION, "s")}
    colour, marker = (GREEN, "D") if part == "zero_line" else looks[row["acts"]]
    score = row["scores"][UAR.name]
    if score["low"] is not None:
        axes.plot([score["low"], score["high"]], [place, place], color=colour, linewidth=1.6)
    face = colour if row["trained"] >= ENOUGH_TRAINED else "white"
    axes.plot(score["estimate"], place, marker, color=colour, markerfacecolor=face, markersize=5.5)
    _write(axes, place, 0.27 - LEFT, row["title"])
    _write(axes, place, PANEL + 0.1, f"{_told(row)}, p {score['p_holm']:.2g}")


def _write(axes: Axes, place: int, across: float, text: str, **style: Any) -> None:
    """Text on a line of the plot, `across` inches right of the axes' left edge."""
    axes.text(
        across / PANEL, place, text, transform=axes.get_yaxis_transform(), va="center", **style
    )
