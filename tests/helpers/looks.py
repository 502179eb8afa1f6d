"""What stands on a figure, measured with the renderer that paints it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

TOUCH = 0.75
"""Pixels that two boxes may share: the rounding of their edges."""


def texts(figure: Figure) -> dict[Text, Bbox]:
    """Every text that is painted, with its box in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # which is when ticks and keys take their places
    hidden = {text for axes in figure.axes for text in _unpainted(axes)}
    return {
        text: Text.get_window_extent(text, renderer)
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible() and text not in hidden
    }


def _unpainted(axes: Axes) -> Iterator[Text]:
    """Texts of an axis that is off, and of ticks beyond the limits of an axis."""
    window = axes.get_window_extent().padded(1)
    for axis, low, high, side in (
        (axes.xaxis, window.x0, window.x1, 0),
        (axes.yaxis, window.y0, window.y1, 1),
    ):
        if not axes.axison:
            yield axis.label
        for tick in axis.get_major_ticks() + axis.get_minor_ticks():
            for label in (tick.label1, tick.label2):
                place = label.get_transform().transform(label.get_position())[side]
                if not (axes.axison and low <= place <= high):
                    yield label


def words_on(figure: Figure) -> list[str]:
    """Every text, its lines joined."""
    return [" ".join(text.get_text().split()) for text in figure.findobj(Text)]


def cut_off(figure: Figure, boxes: dict[Text, Bbox]) -> list[str]:
    """Texts that an edge of the figure cuts."""
    width, height = figure.get_size_inches() * figure.dpi
    return [
        text.get_text()
        for text, box in boxes.items()
        if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
    ]


def overlapping(boxes: dict[Text, Bbox]) -> list[tuple[str, str]]:
    """Pairs of texts of which one hides the other.

    Texts that slant are left out: their boxes are larger than they are.
    """
    level = [(text, box) for text, box in boxes.items() if text.get_rotation() % 90 == 0]
    return [
        (first.get_text(), second.get_text())
        for (first, a), (second, b) in combinations(level, 2)
        if intersect(a, b)
    ]


def intersect(a: Bbox, b: Bbox) -> bool:
    return min(a.x1, b.x1) - max(a.x0, b.x0) > TOUCH and min(a.y1, b.y1) - max(a.y0, b.y0) > TOUCH
