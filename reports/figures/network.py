"""Figure 3, left: the network path on the trellis of a search space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.runs.record import RunRecord
from bench.runs.searches import Decoded, decoded, space_of
from reports.drawing.style import BLUE, DARK, GREY, PALE, TEXT_SIZE, VERMILION, Sheet, Words, sheet
from reports.figures.words import words
from rnas.trellis import Arrow, Path, State, Trellis

STEP_UP = 0.72
"""Inches between the rows of two resolutions."""

LEFT, RIGHT, BOTTOM, TOP = 0.85, 0.35, 1.0, 0.3
RADIUS = 0.1
BESIDE = 0.075
"""Inches between the decoded path and that of uniform β where they take the same arrow."""

LABEL_OFF, SLANTED = 0.13, 0.05
"""Inches between an arrow and its number, and how much more if it is slanted."""

BEFORE_CROSSING, MIDDLE = 0.4, 0.52
"""Position of a number along its arrow, where arrows can cross and where they cannot."""


def network_path(record: RunRecord) -> Figure:
    """All states and transitions with the decoded path and the path of a uniform β."""
    space = space_of(record)
    found = decoded(record, space)
    if record.searches.per_fold:
        return _path_over_folds(record, space.outer, found)
    return _one_path(record, space.outer, found[0])


def _one_path(record: RunRecord, trellis: Trellis, one: Decoded) -> Figure:
    page = _page(
        trellis,
        words(record, "Network path (Figure 3)", _sentence(one), _notes(record, trellis, one)),
    )
    axes, place = _trellis(page, trellis)
    _arrows(axes, place, trellis, one.beta)
    _path(axes, place, trellis, one.uniform_path, UNIFORM, -BESIDE)
    _path(axes, place, trellis, one.genotype.path, DECODED)
    _states(axes, place, trellis, one.genotype.path)
    if one.beta is not None:
        _numbers(axes, place, _beta_texts(trellis, one.genotype.path, one.beta))
    kind = "decoded path" if record.method.learns else "drawn path"
    keys = [(kind, DECODED), ("path of a uniform β", UNIFORM)]
    _legend(axes, [*keys, *_arrow_keys(one.beta is not None, bool(trellis.unidentifiable))])
    return page.figure


def _beta_texts(trellis: Trellis, path: Path, beta: Mapping[Arrow, float]) -> dict[Arrow, str]:
    """β of the transitions on the path, in brackets where it is not identifiable."""
    texts = {arrow: f"{beta[arrow]:.2f}" for arrow in trellis.arrows_of(path)}
    return {
        arrow: f"({text})" if arrow.source in trellis.unidentifiable else text
        for arrow, text in texts.items()
    }


def _path_over_folds(record: RunRecord, trellis: Trellis, found: Sequence[Decoded]) -> Figure:
    counts = arrow_counts(trellis, found)
    paths = Counter(one.genotype.path for one in found)
    common, times = paths.most_common(1)[0]
    uniform, folds = found[0].uniform_path, len(found)
    sentence = (
        f"{len(paths)} different path{'s' if len(paths) > 1 else ''} over {folds} folds; most "
        f"frequent: {joined(common)}, {times} of {folds}; uniform β: {joined(uniform)}, "
        f"{paths[uniform]} of {folds}"
    )
    notes = (
        "Width and number: folds whose path takes the transition. Filled states: most frequent "
        "path. A path equal to that of a uniform β is no finding where the search started there.",
    )
    page = _page(trellis, words(record, "Network paths (Figure 3)", sentence, notes))
    axes, place = _trellis(page, trellis)
    _arrows(axes, place, trellis, None)
    shares = {arrow: count / folds for arrow, count in counts.items()}
    _weighted(axes, place, shares, BLUE, 1.0, 5.5)
    _path(axes, place, trellis, uniform, UNIFORM, -BESIDE)
    _states(axes, place, trellis, common)
    _numbers(axes, place, {arrow: str(count) for arrow, count in counts.items()})
    keys = [("all folds take it", DECODED), ("path of a uniform β", UNIFORM)]
    _legend(axes, [*keys, *_arrow_keys(False)])
    return page.figure


def arrow_counts(trellis: Trellis, found: Iterable[Decoded]) -> Counter[Arrow]:
    """How many decoded paths take each arrow."""
    return Counter(arrow for one in found for arrow in trellis.arrows_of(one.genotype.path))


def joined(path: Path) -> str:
    """A path as text: 2-4-8-8-16-16."""
    return "-".join(map(str, path))


def _sentence(one: Decoded) -> str:
    chance = "" if one.probability is None else f", probability {one.probability:.3g}"
    path = f"Path {joined(one.genotype.path)}{chance}"
    uniform = f"{one.uniform_probability:.3g}"
    if one.genotype.path == one.uniform_path:
        return f"{path}: the path of a uniform β (there {uniform})"
    return f"{path}; uniform β: {joined(one.uniform_path)}, probability {uniform}"


def _notes(record: RunRecord, trellis: Trellis, one: Decoded) -> list[str]:
    notes = []
    if not record.method.learns:
        notes.append("Random control: the path was drawn uniformly from all paths, not searched.")
    elif one.beta is None and one.strategy:
        notes.append(f"Searched by {one.strategy}, which moves no β.")
    elif one.beta is None:
        notes.append("The genotype was given by its user: no β is known.")
    notes.append("Uniform β: an untrained search with start=uniform, where its path is no finding.")
    if one.beta is not None:
        notes.append("Numbers: β of the transitions taken. Width and darkness: β of the others.")
        if trellis.unidentifiable:
            notes.append(
                "Dotted, and in brackets: β that is not identifiable (it scales the only input of "
                "a state, and normalisation removes the scale)."
            )
    return notes


class LineStyle(TypedDict, total=False):
    """Keyword arguments of `Axes.plot`."""

    color: str
    linewidth: float
    linestyle: tuple[float, tuple[float, ...]]
    solid_capstyle: Literal["round"]


DECODED: LineStyle = {"color": BLUE, "linewidth": 4.0, "solid_capstyle": "round"}
UNIFORM: LineStyle = {"color": VERMILION, "linewidth": 1.8, "linestyle": (0, (3.2, 1.8))}
POSSIBLE: LineStyle = {"color": PALE, "linewidth": 0.9}
LIKELY: LineStyle = {"color": GREY, "linewidth": 3.0}
UNSEEN: LineStyle = {"color": GREY, "linewidth": 1.4, "linestyle": (0, (0.8, 1.6))}


def _arrow_keys(weighted: bool, unseen: bool = False) -> list[tuple[str, LineStyle]]:
    if not weighted:
        return [("possible transition", POSSIBLE)]
    keys = [("β near 1", LIKELY), ("β near 0", POSSIBLE)]
    return [*keys, ("β not identifiable", UNSEEN)] if unseen else keys


class Place:
    """Positions on the canvas, inches."""

    def __init__(self, trellis: Trellis, page: Sheet) -> None:
        self.across = (page.width - LEFT - RIGHT) / trellis.layers
        self.top = page.height - TOP
        self.number_at = BEFORE_CROSSING if "up" in trellis.moves else MIDDLE

    def __call__(self, state: State) -> np.ndarray:
        """Centre of a state, (2,)."""
        return np.array((LEFT + state.layer * self.across, self.top - state.level * STEP_UP))

    def line(self, arrow: Arrow, aside: float = 0.0) -> np.ndarray:
        """Both ends of an arrow, (2, 2), moved sideways (left of its direction is positive)."""
        return np.array((self(arrow.source), self(arrow.target))) + aside * self.normal(arrow)

    def normal(self, arrow: Arrow) -> np.ndarray:
        """Unit vector to the left of an arrow's direction, (2,)."""
        along = self(arrow.target) - self(arrow.source)
        return np.array((-along[1], along[0])) / np.hypot(*along)


def _page(trellis: Trellis, about: Words) -> Sheet:
    across = 1.15 if trellis.layers <= 8 else 0.82
    width = LEFT + RIGHT + max(across * trellis.layers, 5.9)
    return sheet(width, BOTTOM + TOP + STEP_UP * (len(trellis.factors) - 1), about)


def _trellis(page: Sheet, trellis: Trellis) -> tuple[Axes, Place]:
    """The canvas with the labels of layers and resolutions."""
    axes, place = page.canvas(), Place(trellis, page)
    for level, factor in enumerate(trellis.factors):
        _, up = place(State(0, level))
        axes.text(LEFT - 0.3, up, f"s = {factor}", ha="right", va="center", size=TEXT_SIZE)
    lowest = place(State(0, len(trellis.factors) - 1))[1] - 0.3
    for layer in range(trellis.layers + 1):
        name = str(layer) if layer else "stem"
        across, _ = place(State(layer, 0))
        axes.text(across, lowest, name, ha="center", va="center", size=TEXT_SIZE)
    middle = (place(State(0, 0)) + place(State(trellis.layers, 0)))[0] / 2
    axes.text(
        middle,
        lowest - 0.2,
        "layer (s: downsampling factor; the path runs from left to right)",
        ha="center",
        va="center",
        size=TEXT_SIZE - 0.5,
        color=DARK,
    )
    return axes, place


def _arrows(axes: Axes, place: Place, trellis: Trellis, beta: Mapping[Arrow, float] | None) -> None:
    """Every transition, wider and darker the larger its β."""
    if beta is None:
        lines = [place.line(arrow) for arrow in trellis.arrows]
        axes.add_collection(LineCollection(lines, colors=PALE, linewidths=0.9, zorder=1))
        return
    seen = {a: b for a, b in beta.items() if a.source not in trellis.unidentifiable}
    _weighted(axes, place, seen, GREY, 0.6, 3.6)
    unseen = [place.line(arrow) for arrow in beta if arrow not in seen]
    axes.add_collection(
        LineCollection(
            unseen, colors=GREY, linewidths=1.4, linestyles=[UNSEEN["linestyle"]], zorder=1
        )
    )


def _weighted(
    axes: Axes,
    place: Place,
    share: Mapping[Arrow, float],
    colour: str,
    thinnest: float,
    widest: float,
) -> None:
    """Transitions, wider and less transparent the larger their share."""
    axes.add_collection(
        LineCollection(
            [place.line(arrow) for arrow in share],
            colors=colour,
            linewidths=[thinnest + (widest - thinnest) * value for value in share.values()],
            alpha=[0.2 + 0.75 * min(value, 1.0) for value in share.values()],
            capstyle="round",
            zorder=2,
        )
    )


def _path(
    axes: Axes, place: Place, trellis: Trellis, path: Path, style: LineStyle, aside: float = 0.0
) -> None:
    for arrow in trellis.arrows_of(path):
        axes.plot(*place.line(arrow, aside).T, zorder=4, **style)


def _states(axes: Axes, place: Place, trellis: Trellis, path: Path) -> None:
    """All states; those of the path filled, the stem a square."""
    taken = {State(0, 0), *(arrow.target for arrow in trellis.arrows_of(path))}
    area = (2 * RADIUS * 72) ** 2  # points², as matplotlib gives the size of a marker
    for states, colour in ((taken, BLUE), (set(trellis.states) - taken, "white")):
        spots = [place(state) for state in sorted(states) if state.layer]
        if spots:
            across, up = np.transpose(spots)
            axes.scatter(across, up, s=area, c=colour, edgecolors=DARK, zorder=6)
    across, up = place(State(0, 0))
    axes.scatter(across, up, s=area, c=BLUE, marker="s", edgecolors=DARK, zorder=6)


def _numbers(axes: Axes, place: Place, numbers: Mapping[Arrow, str]) -> None:
    """A number beside each arrow, on the side away from the path of uniform β."""
    for arrow, text in numbers.items():
        slanted = arrow.source.level != arrow.target.level
        start, end = place.line(arrow, LABEL_OFF + SLANTED * slanted)
        across, up = start + place.number_at * (end - start)
        axes.text(
            across,
            up,
            text,
            ha="center",
            va="center",
            size=TEXT_SIZE - 1.5,
            zorder=7,
        )


def _legend(axes: Axes, keys: Sequence[tuple[str, LineStyle]]) -> None:
    handles = [Line2D([], [], label=name, **style) for name, style in keys]
    axes.legend(handles=handles, loc="lower center", ncols=len(keys), handlelength=2.4)
