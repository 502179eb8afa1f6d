"""Single plots for papers and notebooks: each takes `ax=`, returns it, and bakes in no title.

`style`: `paper` is as wide as a column and has its small type, `screen` is for reading here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from bench.errors import unknown_name
from bench.protocol.metrics import subject_matrices
from bench.runs.folder import RunFolder
from bench.runs.predictions import finished_folds, run_predictions
from bench.runs.record import read_run
from bench.system.fonts import fit_fonts
from reports.drawing.style import BLUE, DARK, GREEN, GREY, PURPLE, SHADES, VERMILION, house_style

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

    from bench.models.answers import Answers

Style = Literal["paper", "screen"]


@dataclass(frozen=True)
class Look:
    """Width of a figure, inches, and size of its text, points."""

    width: float
    text: float


LOOKS: MappingProxyType[str, Look] = MappingProxyType(
    {"paper": Look(3.3, 8.0), "screen": Look(6.2, 10.0)}
)


TEXTS: tuple[RcKeyType, ...] = (
    "font.size",
    "axes.labelsize",
    "axes.titlesize",
    "xtick.labelsize",
    "ytick.labelsize",
    "legend.fontsize",
)


@contextmanager
def styled(style: Style) -> Iterator[Look]:
    """The house style at the size of `paper` or `screen`; UsageError for another word."""
    if style not in LOOKS:
        raise unknown_name("style", style, LOOKS)
    look = LOOKS[style]
    with house_style(), matplotlib.rc_context(dict.fromkeys(TEXTS, look.text)):
        yield look


LINES = ((BLUE, "-"), (VERMILION, "--"), (GREEN, "-."), (PURPLE, ":"))
"""Distinguished by dashes as well as by colour."""

Drawing = Callable[..., None]


def single(height: float) -> Callable[[Drawing], Callable[..., Axes]]:
    """Makes a plot of what draws on given axes; height: over the width of a new figure."""

    def made(draw: Drawing) -> Callable[..., Axes]:
        @wraps(draw)
        def plot(
            what: Any, *, ax: Axes | None = None, style: Style = "screen", **more: Any
        ) -> Axes:
            with styled(style) as look:
                if ax is None:
                    from matplotlib import pyplot

                    size = (look.width, height * look.width)
                    _, ax = pyplot.subplots(figsize=size, layout="constrained")
                draw(what, ax, **more)
                fit_fonts(ax.figure)
            return ax

        return plot

    return made


@single(0.85)
def confusion(run: str | Path, ax: Axes) -> None:
    """Confusion matrix of a finished run, pooled over its folds: rows true, clips in each cell."""
    predictions = run_predictions(RunFolder(Path(run)))
    counts = predictions.matrices.sum(0)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    ax.imshow(shares, cmap=SHADES, vmin=0, vmax=1.15)
    ax.spines[:].set_visible(True)
    for row, column in np.ndindex(counts.shape):
        colour = "white" if shares[row, column] > 0.6 else "black"
        text = f"{counts[row, column]}\n{shares[row, column]:.0%}"
        ax.text(column, row, text, ha="center", va="center", color=colour)
    places = range(len(predictions.classes))
    ax.set_xticks(places, predictions.classes)
    ax.set_yticks(places, predictions.classes)
    ax.tick_params(length=0)
    ax.set(xlabel="predicted", ylabel="true")


@single(0.62)
def losses(run: str | Path, ax: Axes) -> None:
    """Mean training loss of every epoch: a thin line a fold, their mean thick."""
    folds = finished_folds(read_run(RunFolder(Path(run)))).values()
    curves = [fold.losses for fold in folds if fold.losses]
    for curve in curves:
        ax.plot(range(1, len(curve) + 1), curve, color=BLUE, linewidth=0.6, alpha=0.5)
    longest = min(map(len, curves), default=0)
    mean = np.mean([curve[:longest] for curve in curves], axis=0) if curves else []
    ax.plot(range(1, longest + 1), mean, color=BLUE, linewidth=1.8)
    ax.set(xlabel="epoch", ylabel="training loss")


@single(0.62)
def subjects(run: str | Path, ax: Axes) -> None:
    """Share of right answers of each subject, best first; the line is that of all clips."""
    predictions = run_predictions(RunFolder(Path(run)))
    people = sorted(set(predictions.people))
    matrices = subject_matrices(
        [a.true for a in predictions.answers],
        [a.pred for a in predictions.answers],
        predictions.people,
        len(predictions.classes),
    )
    shares = matrices.trace(axis1=1, axis2=2) / matrices.sum((1, 2))
    order = np.argsort(-shares, kind="stable")
    ax.bar(range(len(people)), shares[order], color=BLUE, width=0.7)
    ax.axhline(predictions.right.mean(), color=VERMILION, linestyle="--", linewidth=1.2)
    names = [people[place].partition("/")[2] for place in order]
    ax.set_xticks(range(len(people)), names, rotation=90)
    ax.set(ylim=(0, 1), ylabel="clips right")


@single(0.5)
def probabilities(answers: Answers, ax: Axes, clip: int = 0) -> None:
    """Bars of one clip's probabilities; of several models their mean, with their spread."""
    spread = None if answers.spread is None else answers.spread[clip]
    values = answers.mean[clip]
    places = range(len(answers.classes))
    colours = [BLUE if place == values.argmax() else GREY for place in places]
    ax.barh(places, values, xerr=spread, color=colours, height=0.62, ecolor=DARK, capsize=3)
    for place, value in enumerate(values):
        ax.text(1.02, place, f"{value:.2f}", va="center", transform=ax.get_yaxis_transform())
    ax.set_yticks(places, answers.classes)
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(0, 1), ylim=(len(answers.classes) - 0.4, -0.6), xlabel="probability")


@single(0.5)
def over_time(answers: Answers, ax: Axes, fps: float | None = None) -> None:
    """Probabilities of each window of a video at its middle; of several models with their spread.

    fps: frames per second; without it the axis counts frames.
    """
    spans = np.array([clip.span for clip in answers.clips])  # (windows, 2)
    middle = spans.mean(1) / (fps or 1)
    for place, name in enumerate(answers.classes):
        mean = answers.mean[:, place]
        colour, dashes = LINES[place % len(LINES)]
        ax.plot(middle, mean, label=name, color=colour, linestyle=dashes)
        if answers.spread is not None:
            spread = answers.spread[:, place]
            ax.fill_between(middle, mean - spread, mean + spread, alpha=0.2, color=colour)
    ax.set(ylim=(0, 1), xlabel="seconds" if fps else "frame", ylabel="probability")
    ax.legend(ncols=len(answers.classes), loc="lower center", bbox_to_anchor=(0.5, 1.0))
