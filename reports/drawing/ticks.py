"""Ticks of a logarithmic axis: as many round numbers as have room for their labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

from reports.drawing.style import SETTINGS, text_width

MANTISSAS = ((1,), (1, 3), (1, 2, 5))

MOST = range(2, 8)
"""Ticks that matplotlib is asked for at most: at whole decades, or at even distances."""

AIR = 0.12
"""Inches free between two labels."""

Text = Callable[[float], str]


def set_log_ticks(axes: Axes, width: float, text: Text) -> None:
    """Makes the x axis logarithmic with ticks for its limits, which must not change afterwards.

    width: of the axes, inches; text: the label of a value.
    """
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(log_ticks(low, high, width, text)))
    axes.xaxis.set_major_formatter(lambda value, _: text(value))
    axes.xaxis.set_minor_locator(NullLocator())


def log_ticks(low: float, high: float, width: float, text: Text) -> Sequence[float]:
    """The longest row of round values in low..high whose labels leave AIR between each other.

    Where none has two values, every second, third ... of close ones.
    """
    row: Sequence[float] = ()
    for candidates in (_round_rows(low, high), _thinned_rows(low, high)):
        rows = ([value for value in each if low <= value <= high] for each in candidates)
        row = max((each for each in rows if _fit(each, low, high, width, text)), key=len)
        if len(row) > 1:
            break
    return row


def _round_rows(low: float, high: float) -> Iterator[Sequence[float]]:
    for mantissas in MANTISSAS:
        yield LogLocator(subs=mantissas, numticks=1000).tick_values(low, high)
    for most in MOST:
        yield LogLocator(numticks=most).tick_values(low, high)
        yield _even_row(low, high, most)


def _thinned_rows(low: float, high: float) -> Iterator[Sequence[float]]:
    close = _even_row(low, high, MOST.stop)
    for stride in range(2, len(close)):
        for start in range(stride):
            yield close[start::stride]


def _even_row(low: float, high: float, most: int) -> Sequence[float]:
    return MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high)


def _fit(row: Sequence[float], low: float, high: float, width: float, text: Text) -> bool:
    inches = width / math.log(high / low)
    halves = [text_width(text(value), SETTINGS["xtick.labelsize"]) / 2 for value in row]
    gaps = (math.log(after / before) * inches for before, after in pairwise(row))
    return all(gap >= sum(pair) + AIR for gap, pair in zip(gaps, pairwise(halves), strict=True))
