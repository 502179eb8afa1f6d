"""Ticks of a logarithmic axis: as many round numbers as have room for their labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from reports.drawing.style import SETTINGS, text_width

MANTISSAS = ((1,), (1, 3), (1, 2, 5))
STRIDES = (1, 2, 3, 5, 10, 20)
"""Decades from one tick to the next, where the axis has many."""

EVEN = range(2, 8)
"""Ticks at even distances of their values, where the axis spans less than a decade."""

AIR = 0.12
"""Inches free between two labels."""


def set_log_ticks(axes: Axes, width: float, text: Callable[[float], str]) -> None:
    """Makes the x axis logarithmic with ticks for its limits, which must not change afterwards.

    width: of the axes, inches; text: the label of a value.
    """
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(log_ticks(low, high, width, text)))
    axes.xaxis.set_major_formatter(lambda value, _: text(value))
    axes.xaxis.set_minor_locator(NullLocator())


def log_ticks(
    low: float, high: float, width: float, text: Callable[[float], str]
) -> tuple[float, ...]:
    """The longest row of round values in low..high whose labels leave AIR between each other; where
    none has two, some of close ones."""
    for candidates in (_round_rows(low, high), _thinned_rows(low, high)):
        rows = (tuple(value for value in row if low <= value <= high) for row in candidates)
        row = max((row for row in rows if _fit(row, low, high, width, text)), key=len, default=())
        if len(row) > 1:
            return row
    return row


def _round_rows(low: float, high: float) -> Iterator[Sequence[float]]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for mantissas in MANTISSAS:
        yield [m * 10.0**power for power in range(first, last + 1) for m in mantissas]
    for stride in STRIDES:
        yield [10.0**power for power in range(first - first % stride, last + 1, stride)]
    for most in EVEN:
        yield _even_row(low, high, most)


def _thinned_rows(low: float, high: float) -> Iterator[Sequence[float]]:
    """Every second, third ... of close values, from the first, second ... on."""
    close = [value for value in _even_row(low, high, EVEN.stop) if low <= value <= high]
    for stride in range(2, len(close)):
        for start in range(stride):
            yield close[start::stride]


def _even_row(low: float, high: float, most: int) -> Sequence[float]:
    return MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high).tolist()


def _fit(
    row: Sequence[float], low: float, high: float, width: float, text: Callable[[float], str]
) -> bool:
    inches = width / math.log(high / low)
    halves = [text_width(text(value), SETTINGS["xtick.labelsize"]) / 2 for value in row]
    gaps = (math.log(after / before) * inches for before, after in pairwise(row))
    return all(gap >= sum(pair) + AIR for gap, pair in zip(gaps, pairwise(halves), strict=True))
