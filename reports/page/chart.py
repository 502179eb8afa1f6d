"""Scores with their intervals as an `<svg>` that takes the page's width and colours.

Places across are shares of the width, so that text keeps its size on a telephone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.html.templating import fill

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Distances between ticks: the smallest that leaves at most `MOST_TICKS`."""

MOST_TICKS = 7
EDGE = 3.0
"""Per cent of the width left free on either side."""


@dataclass(frozen=True)
class Point:
    """A score with its interval (None: there is none); hollow where it has a caveat."""

    name: str
    score: float
    low: float | None
    high: float | None
    caveat: bool


@dataclass(frozen=True)
class Line:
    """A score to hold the others against: `random` or `linear`."""

    kind: str
    name: str
    score: float


def chart(heading: str, points: Sequence[Point], lines: Sequence[Line]) -> Markup:
    """A point with its interval for each method, one below another, and the lines through all."""
    values = [line.score for line in lines]
    for point in points:
        values += [each for each in (point.score, point.low, point.high) if each is not None]
    ticks = list(_ticks(min(values), max(values)))

    def across(value: float) -> str:
        share = (value - ticks[0]) / (ticks[-1] - ticks[0])
        return f"{EDGE + (100 - 2 * EDGE) * share:.2f}%"

    return fill(
        "chart.html", heading=heading, points=points, lines=lines, ticks=ticks, across=across
    )


def _ticks(low: float, high: float) -> Iterator[float]:
    """Round values around `low` to `high`, two at least."""
    for step in STEPS:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first < MOST_TICKS or step == STEPS[-1]:
            break
    for number in range(first, max(last, first + 1) + 1):
        yield number * step
