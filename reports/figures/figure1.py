"""Figure 1: accuracy against size and computation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matplotlib.figure import Figure

from bench.registry import Variant
from bench.store import RunRecord
from reports.figures.style import Words, house_style, sheet


def draw_tradeoff(
    records: Iterable[RunRecord], variants: Mapping[str, Variant], dataset: str | None
) -> Figure:
    with house_style():
        figure = sheet(11, 5, Words("Figure 1. Accuracy against size"))
        figure.subplots(1, 2)
    return figure
