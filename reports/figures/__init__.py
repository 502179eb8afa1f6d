"""Figures 1 and 3 of the paper made from runs; searches and predictions as figures.

Importing this package is cheap: matplotlib is imported when a figure is drawn, torch and pyplot
never, and no global setting of matplotlib is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.methods.registry import Variant
    from bench.runs.record import RunRecord
    from reports.figures.run import RunFigures


FIGURE_1 = "figure1"

RUN_FIGURES = (
    "network_path",
    "cell",
    "search_curves",
    "architecture",
    "confusion",
    "subjects",
)
"""Names of the figures that a run can have, in the order in which they are shown."""

PICTURES = ("png", "svg", "pdf")

DOT = "dot"


def run_figures(record: RunRecord, names: Iterable[str] = RUN_FIGURES) -> RunFigures:
    """The figures that can be drawn from a run's files; the rest in `missing`, with the reason."""
    from reports.figures.run import draw_run

    return draw_run(record, tuple(names))


def tradeoff(
    records: Iterable[RunRecord], variants: Mapping[str, Variant], dataset: str | None = None
) -> Figure:
    """Figure 1: UAR against parameters and against FLOPs, published and measured.

    dataset: of the runs to show, e.g. `smic` or `smic-surrogate`; by default the one with the most
    variants. Without runs only the published points are shown.
    """
    from reports.figures.figure1 import draw_tradeoff

    return draw_tradeoff(records, variants, dataset)


def svg(figure: Figure) -> str:
    """One `<svg>` element for an HTML page, its text as text; the same for the same figure.

    Its ids are prefixed with a digest of the drawing, so that one page can hold many.
    """
    from reports.drawing.export import svg_element

    return svg_element(figure)


def save(figure: Figure, stem: Path, formats: Sequence[str] = PICTURES) -> list[Path]:
    """Writes `<stem>.png`, `.svg` and `.pdf` as asked; the same figure gives the same bytes.

    Raises BenchError where a file cannot be written.
    """
    from reports.drawing.export import save_figure

    return save_figure(figure, stem, formats)
