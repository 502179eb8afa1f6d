"""How every figure looks: colours, type, the sheet with title and footnotes.

Colours are those of Okabe and Ito; wherever colour tells things apart, marker, hatch, line style
or text does so too, for readers of grey print.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

BLACK, DARK, GREY, PALE = "#000000", "#404040", "#6b6b6b", "#d4d4d4"
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILION, PURPLE, SKY = "#D55E00", "#CC79A7", "#56B4E9"

HEAT = "cividis"
"""Perceptually uniform, the same to readers with colour vision deficiencies, monotonic in grey."""

SHADES = "Blues"
"""For counts: from white to a dark blue, so that a dark cell is a full one in grey too."""

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
    "text.parse_math": False,  # names of classes and clips may hold a $
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "xtick.labelsize": TEXT_SIZE - 0.5,
    "ytick.labelsize": TEXT_SIZE - 0.5,
    "legend.fontsize": TEXT_SIZE - 0.5,
    "legend.frameon": False,
    "hatch.linewidth": 0.7,
    "image.composite_image": False,
    "svg.hashsalt": "rnas-mer-bench",
    "pdf.fonttype": 42,
}


@contextmanager
def house_style() -> Iterator[None]:
    """matplotlib's own defaults with ours, whatever the reader's matplotlibrc says."""
    wanted = {**matplotlib.rcParamsDefault, **SETTINGS}
    del wanted["backend"]
    now = matplotlib.rcParams
    # Setting all 300 costs as much as a small figure; next to none of them differ.
    with matplotlib.rc_context({key: value for key, value in wanted.items() if now[key] != value}):
        yield


@dataclass(frozen=True)
class Words:
    """What stands around a drawing: title, what it shows, and what a reader must know of it."""

    title: str
    subtitle: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A figure with its title above and its notes below a drawing area.

    width, height: of the drawing area, inches; below: inches under it.
    """

    figure: Figure
    width: float
    height: float
    below: float

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes at a place given in inches from the lower left corner of the drawing area."""
        across, up = self.figure.get_size_inches()
        rect = (left / across, (bottom + self.below) / up, width / across, height / up)
        return self.figure.add_axes(rect)

    def canvas(self) -> Axes:
        """Axes without an axis over the whole drawing area, whose unit is an inch."""
        axes = self.axes(0, 0, self.width, self.height)
        axes.set_axis_off()
        axes.set(xlim=(0, self.width), ylim=(0, self.height))
        return axes


def sheet(width: float, height: float, words: Words) -> Sheet:
    """An empty sheet with a drawing area of `width` x `height` inches."""
    title = wrapped((words.title,), width, TITLE_SIZE, bold=True)
    subtitle = wrapped((words.subtitle,), width, SUBTITLE_SIZE)
    notes = wrapped(words.notes, width, NOTE_SIZE)
    above = MARGIN + _depth(title, TITLE_SIZE) + _depth(subtitle, SUBTITLE_SIZE)
    below = MARGIN + _depth(notes, NOTE_SIZE)
    total = above + height + below
    figure = Figure(figsize=(width, total), facecolor="white")
    figure.set_label(". ".join(filter(None, (words.title, words.subtitle))))
    left, top = MARGIN / width, 1 - MARGIN / total
    figure.text(left, top, "\n".join(title), size=TITLE_SIZE, weight="bold", va="top")
    if subtitle:
        top -= _depth(title, TITLE_SIZE) / total
        figure.text(left, top, "\n".join(subtitle), size=SUBTITLE_SIZE, va="top")
    if notes:
        below_text = MARGIN / total
        figure.text(left, below_text, "\n".join(notes), size=NOTE_SIZE, color=DARK, va="bottom")
    return Sheet(figure, width, height, below)


def wrapped(lines: Sequence[str], width: float, size: float, bold: bool = False) -> list[str]:
    """The lines, broken so that each fits a sheet of `width` inches."""
    per_inch = 72 / (size * (0.66 if bold else 0.58))  # DejaVu Sans: ems of an average letter
    columns = max(20, int((width - 2 * MARGIN) * per_inch))
    return [part for line in lines for part in textwrap.wrap(line, columns)]


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Inches that a line of text takes."""
    font = FontProperties(family="DejaVu Sans", weight=weight)
    return TextPath((0, 0), text, size=size, prop=font).get_extents().x1 / 72


def _depth(lines: Sequence[str], size: float) -> float:
    """Inches that lines of a size take, with a little air."""
    return len(lines) * size * 1.25 / 72 + (0.05 if lines else 0)
