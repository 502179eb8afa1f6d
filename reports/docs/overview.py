"""The picture over README: two measurements of `results/`, each beside what chance gives.

`python -m reports.docs` draws it again.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.system.result_files import read_result
from reports.drawing.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    MARGIN,
    PALE,
    TEXT_SIZE,
    VERMILION,
    Sheet,
    Words,
    house_style,
    sheet,
    text_width,
)
from reports.reading.marks import MARK_MEANINGS, NOT_TRAINED

WIDTH, HEIGHT = 9.0, 1.7
"""Inches of the sheet and of a panel: at 900 pixels a point of type is 1.4 pixels."""

BELOW, ABOVE, GAP = 0.45, 0.72, 0.1
"""Inches around the panels."""

SMALL = TEXT_SIZE - 0.5

CHANCE = 1 / 3
"""UAR of answers that do not depend on the clip, of three classes."""

CONTROL = "random control"

RULES = {
    "last": "the last",
    "inner_val": "best in inner validation",
    "oracle": "best on the test subject (leaky)",
}


class Line(NamedTuple):
    """A row of a panel: its name, the mean, both ends of its bar, in words, single values."""

    name: str
    value: float
    ends: tuple[float, float]
    text: str
    colour: str
    dots: Sequence[float] = ()


class Panel(NamedTuple):
    """A question, what is measured, the rows; band: ends of a band behind all rows."""

    title: str
    about: str
    lines: list[Line]
    band: tuple[float, float] | None = None


def write_overview(results: Path, docs: Path) -> None:
    """Writes `pictures/overview.png`."""
    from reports.drawing.export import save_figure

    save_figure(draw_overview(results), docs / "pictures" / "overview", ["png"])


def draw_overview(results: Path) -> Figure:
    """Searches beside random draws, and what a leak gives where labels are shuffled."""
    with (results / "strategies-smic-surrogate.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    searches = _searches(rows)
    file = results / "leakage-smic-surrogate-random_rnas_mer.json"
    record = read_result(file)
    leak = _leak(record)
    words = Words(
        "Is it the method, or chance, or a leak?",
        "Measured on generated (surrogate) SMIC clips, not on the licensed data set",
        (
            f"{_other_marks(rows)} Leak: {record['variant']}; ticks: single permutations, bars: "
            "95 % interval of their mean.",
        ),
    )
    with house_style():
        page = sheet(WIDTH, HEIGHT + BELOW + ABOVE, words)
        sides = [(_widest(line.name for line in each.lines), each) for each in (searches, leak)]
        numbers = [_widest(line.text for line in each.lines) for _, each in sides]
        width = (WIDTH - GAP - sum(numbers) - sum(names for names, _ in sides)) / 2
        left = 0.0
        for (names, panel), after in zip(sides, numbers, strict=True):
            _head(page, left, panel)
            _panel(page.axes(left + names, BELOW, width, HEIGHT), panel)
            left += names + width + after + GAP
    return page.figure


def _widest(texts: Iterable[str]) -> float:
    """Inches for the longest of the texts beside an axis."""
    return max(text_width(text, SMALL) for text in texts) + 0.22


def _strategy(row: Mapping[str, str]) -> str:
    marks = row["marks"].split("; ")
    if CONTROL in marks:
        return "drawn at random"
    named = next((mark for mark in marks if mark.startswith("strategy ")), "first_order")
    name = named.removeprefix("strategy ").replace("_", " ")
    untrained = any(mark.startswith(NOT_TRAINED) for mark in marks)
    return f"{name} ({NOT_TRAINED})" if untrained else name


def _other_marks(rows: Sequence[Mapping[str, str]]) -> str:
    """A sentence on the marks of the searches that no name of a row says."""
    bearers: dict[str, list[str]] = {}
    for row in rows:
        for mark in row["marks"].split("; "):
            if mark in MARK_MEANINGS and mark != CONTROL and not mark.startswith("strategy "):
                bearers.setdefault(mark, []).append(_strategy(row))
    all_rows = [mark for mark, names in bearers.items() if len(names) == len(rows)]
    some = [f"{m}: {', '.join(n)}" for m, n in bearers.items() if len(n) < len(rows)]
    return f"Searches: {'; '.join([*all_rows, *some])}."


def _searches(rows: Sequence[Mapping[str, str]]) -> Panel:
    """A line per search strategy; the random control is the last, and the band."""
    found = []
    for row in rows:
        mean, sd = float(row["uar"]), float(row["uar_sd"])
        colour = GREEN if CONTROL in row["marks"] else BLUE
        text = f"{mean:.2f} ± {sd:.2f}"
        found.append(Line(_strategy(row), mean, (mean - sd, mean + sd), text, colour))
    found.sort(key=lambda line: line.colour == GREEN)
    seeds = min(int(row["seeds"]) for row in rows)
    about = f"space of {rows[0]['variant']}, mean ± SD of {seeds} seeds, new people"
    return Panel("Is a search better than a random draw?", about, found, found[-1].ends)


def _leak(record: Mapping[str, Any]) -> Panel:
    """A line per rule that chooses the scored epoch: UAR with shuffled labels."""
    found = []
    for cell in record["cells"]:
        uar = cell["uar"]["shuffled"]
        ends, text = (uar["low"], uar["high"]), f"{uar['mean']:.2f}"
        colour = VERMILION if cell["leaky"] else BLUE
        name = RULES[cell["selection"]]
        found.append(Line(name, uar["mean"], ends, text, colour, uar["values"]))
    about = (
        f"labels shuffled {record['permutations']} times, {record['subjects']} subjects, "
        f"{record['preset']}; scored epoch:"
    )
    return Panel("What does a leak give by itself?", about, found)


def _head(page: Sheet, left: float, panel: Panel) -> None:
    axes, top = page.canvas(), page.height - 0.1
    axes.text(left + MARGIN, top, panel.title, size=TEXT_SIZE + 1, weight="bold", va="top")
    axes.text(left + MARGIN, top - 0.21, panel.about, size=SMALL, color=DARK, va="top")


def _panel(axes: Axes, panel: Panel) -> None:
    if panel.band:
        axes.axvspan(*panel.band, color=PALE, alpha=0.45, linewidth=0)
    across = axes.get_xaxis_transform()
    axes.axvline(CHANCE, color=GREY, linewidth=1, linestyle="--")
    axes.text(CHANCE, 1.0, "chance", color=GREY, size=SMALL, ha="center", transform=across)
    for place, line in enumerate(panel.lines):
        axes.plot(line.dots, [place] * len(line.dots), "|", color=GREY, markersize=7, alpha=0.6)
        axes.hlines(place, *line.ends, color=line.colour, linewidth=2.6)
        axes.plot(line.value, place, "o", color=line.colour, markersize=7, markeredgecolor="white")
        axes.text(
            1.04, place, line.text, size=SMALL, va="center", transform=axes.get_yaxis_transform()
        )
    axes.set_yticks(range(len(panel.lines)), [line.name for line in panel.lines])
    axes.set(ylim=(len(panel.lines) - 0.4, -0.6), xlabel="UAR")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
