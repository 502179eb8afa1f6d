"""How every figure looks: colours, type, the sheet with title and footnotes.

Colours are those of Okabe and Ito; wherever colour tells things apart, marker, hatch, line style
or text does so too, for readers of grey print.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
from matplotlib.figure import Figure

BLACK, GREY, PALE = "#000000", "#6b6b6b", "#d4d4d4"
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILION, PURPLE, SKY = "#D55E00", "#CC79A7", "#56B4E9"

HEAT = "cividis"
"""Perceptually uniform, the same to readers with colour vision deficiencies, monotonic in grey."""

TITLE_SIZE, SUBTITLE_SIZE, TEXT_SIZE, NOTE_SIZE = 12.0, 9.5, 9.0, 8.0
MARGIN = 0.12
"""Inches left free around a sheet."""

SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": TEXT_SIZE,
    "axes.titlesize": TEXT_SIZE + 0.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": TEXT_SIZE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": False,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "xtick.labelsize": TEXT_SIZE - 0.5,
    "ytick.labelsize": TEXT_SIZE - 0.5,
    "legend.fontsize": TEXT_SIZE - 0.5,
    "legend.frameon": False,
    "hatch.linewidth": 0.7,
    "svg.hashsalt": "rnas-mer-bench",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


@contextmanager
def house_style() -> Iterator[None]:
    """matplotlib's own defaults with ours, whatever the reader's matplotlibrc says."""
    defaults = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
    with matplotlib.rc_context({**defaults, **SETTINGS}):
        yield


@dataclass(frozen=True)
class Words:
    """What stands around a drawing: title, what it shows, and what a reader must know of it."""

    title: str
    subtitle: str = ""
    notes: tuple[str, ...] = ()


def sheet(width: float, height: float, words: Words) -> Figure:
    """An empty figure of `width` x `height` inches of drawing, title above and notes below.

    Axes that are added to it keep clear of both.
    """
    title = wrapped((words.title,), width, TITLE_SIZE, bold=True)
    subtitle = wrapped((words.subtitle,), width, SUBTITLE_SIZE)
    notes = wrapped(words.notes, width, NOTE_SIZE)
    above = MARGIN + _depth(title, TITLE_SIZE) + _depth(subtitle, SUBTITLE_SIZE) + MARGIN / 2
    below = MARGIN + _depth(notes, NOTE_SIZE)
    total = above + height + below
    rect = (MARGIN / width, below / total, 1 - 2 * MARGIN / width, height / total)
    figure = Figure(figsize=(width, total), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(rect=rect, w_pad=0.05, h_pad=0.06)
    figure.set_label(". ".join(filter(None, (words.title, words.subtitle))))
    left, top = MARGIN / width, 1 - MARGIN / total
    figure.text(left, top, "\n".join(title), size=TITLE_SIZE, weight="bold", va="top")
    top -= _depth(title, TITLE_SIZE) / total
    figure.text(left, top, "\n".join(subtitle), size=SUBTITLE_SIZE, va="top")
    figure.text(left, MARGIN / total, "\n".join(notes), size=NOTE_SIZE, color="#404040")
    return figure


def wrapped(lines: Sequence[str], width: float, size: float, bold: bool = False) -> list[str]:
    """The lines, broken so that each fits a sheet of `width` inches."""
    per_inch = 72 / (size * (0.66 if bold else 0.58))  # DejaVu Sans: ems of an average letter
    columns = max(20, int((width - 2 * MARGIN) * per_inch))
    return [part for line in lines for part in textwrap.wrap(line, columns)]


def _depth(lines: Sequence[str], size: float) -> float:
    """Inches that lines of a size take, with a little air."""
    return len(lines) * size * 1.25 / 72 + (0.05 if lines else 0)
