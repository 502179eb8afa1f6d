"""Figures of a run's predictions: confusion matrices, and accuracy per subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.errors import BenchError
from bench.protocol.metrics import metrics as known_metrics
from bench.runs.folds import ClipRecord
from bench.runs.predictions import finished_folds
from bench.runs.record import RunRecord
from bench.runs.searches import CannotDraw
from reports.drawing.style import (
    BLACK,
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    SHADES,
    TEXT_SIZE,
    VERMILION,
    Sheet,
    sheet,
    text_width,
)
from reports.figures.words import words
from reports.reading.names import DATASETS

SQUARE = 0.82
"""Side of a cell of the matrix, inches."""


def confusion(record: RunRecord) -> Figure:
    """Confusion matrix over all folds (rows: true classes), and of each slice beside it."""
    if record.metrics is None:
        raise CannotDraw(
            f"no metrics.json yet: {record.folds_done} of {record.folds_total} folds finished"
        )
    panels = [("all clips", *_matrix(record, record.metrics))] if record.metrics["slices"] else []
    panels += [
        (f"slice: {DATASETS.get(name, name)}", *_matrix(record, each))
        for name, each in record.metrics["slices"].items()
        if each.get("clips") != 0
    ]
    panels = panels or [("", *_matrix(record, record.metrics))]
    classes, first = panels[0][1], panels[0][2]
    names = max(text_width(name, TEXT_SIZE) for name in classes) + 0.55
    side = SQUARE * len(classes)
    across = side + 0.35
    notes = ("Number of clips, and share of the row: the clips of that true class.",)
    page = sheet(
        max(names + across * len(panels), 6.2),
        side + 0.7 + 0.25 * (len(panels) > 1),
        words(record, "Confusion matrix", _scores(record.metrics, first), notes),
    )
    left = names + max(0.0, (page.width - names - across * len(panels)) / 2)
    for index, (title, classes, counts) in enumerate(panels):
        axes = page.axes(left + across * index, 0.55, side, side)
        _cells(axes, counts)
        axes.set_title(title, size=TEXT_SIZE)
        axes.set_xticks(range(len(classes)), classes)
        axes.set_yticks(range(len(classes)), classes if index == 0 else [""] * len(classes))
        axes.set_xlabel("predicted")
        axes.tick_params(length=0)
        if index == 0:
            axes.set_ylabel("true")
    return page.figure


def _matrix(record: RunRecord, metrics: Mapping[str, Any]) -> tuple[list[str], np.ndarray]:
    """Classes and counts (K, K); BenchError where the counts do not fit the classes."""
    try:
        classes, counts = list(metrics["classes"]), np.array(metrics["confusion"], int)
    except (KeyError, TypeError, ValueError):
        classes, counts = [], np.zeros(0)
    if not classes or counts.shape != (len(classes),) * 2:
        raise BenchError(
            f"{record.folder / 'metrics.json'}: 'classes' and 'confusion' are no square matrix; "
            "move the file elsewhere and repeat the command that wrote it"
        )
    return classes, counts


def _scores(metrics: Mapping[str, Any], counts: np.ndarray) -> str:
    scores = ", ".join(
        f"{metric.heading} {metrics[name]:.4f}"
        for name, metric in known_metrics().items()
        if metrics.get(name) is not None
    )
    return f"{scores}; {counts.sum()} clips, pooled over folds"


def _cells(axes: Axes, counts: np.ndarray) -> None:
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    axes.imshow(shares, cmap=SHADES, vmin=0, vmax=1.15)
    axes.spines[:].set_visible(True)
    for row, column in np.ndindex(counts.shape):
        colour = "white" if shares[row, column] > 0.6 else BLACK
        text = f"{counts[row, column]}"
        axes.text(
            column, row - 0.1, text, ha="center", va="center", size=TEXT_SIZE + 3, color=colour
        )
        share = f"{shares[row, column]:.0%}" if totals[row, 0] else "no clip"
        axes.text(
            column, row + 0.22, share, ha="center", va="center", size=TEXT_SIZE - 1, color=colour
        )


# Per subject

BAR = 0.2
"""Inches per bar."""

SET_STYLES = {
    "smic": (BLUE, ""),
    "casme2": (ORANGE, "////"),
    "samm": (GREEN, "...."),
}
BAR_WIDTH = 4.2


def subjects(record: RunRecord) -> Figure:
    """Accuracy of each subject, highest first."""
    folds = {name: fold.clips for name, fold in finished_folds(record).items()}
    rows = sorted(
        (
            (fold, clips[0].dataset, _right(clips), len(clips))
            for fold, clips in folds.items()
            if clips
        ),
        key=lambda row: (-row[2] / row[3], -row[3], row[0]),
    )
    if not rows:
        raise CannotDraw("no fold has a clip")
    right, total = sum(row[2] for row in rows), sum(row[3] for row in rows)
    names = max(text_width(name, TEXT_SIZE) for name, *_ in rows) + 0.35
    sentence = f"{right} of {total} clips right ({right / total:.1%}), {len(rows)} subjects"
    page = sheet(
        names + BAR_WIDTH + 1.3,
        BAR * len(rows) + 0.85,
        words(record, "Subjects", sentence, _unfinished(record)),
    )
    _bars(page, names, rows, right / total)
    return page.figure


def _right(clips: Sequence[ClipRecord]) -> int:
    return sum(clip.true == clip.pred for clip in clips)


def _unfinished(record: RunRecord) -> tuple[str, ...]:
    if record.folds_done == record.folds_total:
        return ()
    return (f"{record.folds_done} of {record.folds_total} folds are finished.",)


def _bars(
    page: Sheet, names: float, rows: Sequence[tuple[str, str, int, int]], overall: float
) -> None:
    axes = page.axes(names, 0.5, BAR_WIDTH, BAR * len(rows))
    sets = list(dict.fromkeys(row[1] for row in rows))
    for dataset in sets:
        colour, hatch = SET_STYLES.get(dataset, (BLUE, ""))
        places = [index for index, row in enumerate(rows) if row[1] == dataset]
        axes.barh(
            places,
            [rows[index][2] / rows[index][3] for index in places],
            height=0.68,
            color=colour,
            hatch=hatch,
            edgecolor="white" if hatch else colour,
            label=DATASETS.get(dataset, dataset),
        )
        axes.barh(places, 1, height=0.68, facecolor="none", edgecolor=GREY, linewidth=0.6)
    for index, (_, _, right, clips) in enumerate(rows):
        axes.text(1.015, index, f"{right} of {clips}", va="center", size=TEXT_SIZE - 0.5)
    axes.axvline(overall, color=VERMILION, linewidth=1.4, linestyle="--", label="all clips")
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xlabel="clips right")
    axes.set_xticks(np.linspace(0, 1, 5), ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_color(DARK)
    keys, labels = axes.get_legend_handles_labels()
    shown = [(k, n) for k, n in zip(keys, labels, strict=True) if len(sets) > 1 or n == "all clips"]
    axes.legend(
        *zip(*shown, strict=True), loc="lower right", bbox_to_anchor=(1, 1), ncols=len(shown)
    )
