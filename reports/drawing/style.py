"""Style of every figure: colours, fonts, a sheet with title and notes.

The colours are Okabe and Ito's, safe for colour-blind readers. What colour distinguishes, marker,
hatch, line style or text distinguishes too, for print in grey.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from rich.cells import cell_len

from bench.system.fonts import HOUSE, families

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

BLACK, DARK, GREY, PALE = "#000000", "#404040", "#6b6b6b", "#d4d4d4"
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILION, PURPLE, SKY = "#D55E00", "#CC79A7", "#56B4E9"

HEAT = "RdBu_r"
"""Colour map around a middle, which is white: red above, blue below; safe for the colour-blind."""

SHADES = "Blues"
"""Colour map of counts: white to dark blue, darker is more in grey too."""

TITLE_SIZE, SUBTITLE_SIZE, TEXT_SIZE, NOTE_SIZE = 12.0, 9.5, 9.0, 8.0
MARGIN = 0.12
"""Inches left free around a sheet."""

SETTINGS: dict[RcKeyType, Any] = {
    "font.family": HOUSE,
    "font.size": TEXT_SIZE,
    "axes.titlesize": TEXT_SIZE + 0.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": TEXT_SIZE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": False,
    "text.parse_math": False,  # names of classes and clips may contain a $
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
    """SETTINGS over the defaults of matplotlib, whatever the user's matplotlibrc says."""
    wanted: dict[RcKeyType, Any] = {**matplotlib.rcParamsDefault, **SETTINGS}
    del wanted["backend"]
    now = matplotlib.rcParams
    # Setting all 300 takes as long as drawing a small figure, and hardly any differ.
    with matplotlib.rc_context({key: value for key, value in wanted.items() if now[key] != value}):
        yield


@dataclass(frozen=True)
class Words:
    """The text around a drawing: title, subtitle above it, notes below it."""

    title: str
    subtitle: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A figure with its title above and its notes below a drawing area.

    width, height: of the drawing area, inches; below: height of the notes, inches.
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
        """Axes without ticks or frame over the whole drawing area, in units of inches."""
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
    """The lines, wrapped to a sheet of `width` inches."""
    per_inch = 72 / (size * (0.66 if bold else 0.58))  # DejaVu Sans: ems of an average letter
    columns = (width - 2 * MARGIN) * per_inch
    return [
        part
        for line in filter(None, lines)  # East Asian characters are twice as wide
        for part in textwrap.wrap(line, max(20, int(columns * len(line) / cell_len(line))))
    ]


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text, inches."""
    font = FontProperties(family=families(text), weight=weight)
    return TextPath((0, 0), text, size=size, prop=font).get_extents().x1 / 72


def _depth(lines: Sequence[str], size: float) -> float:
    """Height of lines of text with a small margin, inches."""
    return len(lines) * size * 1.25 / 72 + (0.05 if lines else 0)
