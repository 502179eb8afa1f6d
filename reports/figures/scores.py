"""What a run predicted: its confusion matrix, and how many clips of each subject are right."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bench.store import RunRecord
from reports.figures.folder import CannotDraw, words
from reports.figures.style import sheet


def confusion(record: RunRecord) -> Figure:
    """Counts and row percentages of the pooled confusion matrix; rows are the true classes."""
    if record.metrics is None:
        raise CannotDraw(
            f"{record.folds_done} of {record.folds_total} folds finished, no metrics.json yet"
        )
    classes = record.metrics["classes"]
    counts = np.array(record.metrics["confusion"])
    figure = sheet(4.6, 3.6, words(record, "Confusion matrix"))
    axes = figure.add_subplot()
    axes.imshow(counts, cmap="Blues", vmin=0)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    for row, column in np.ndindex(counts.shape):
        axes.text(column, row, str(counts[row, column]), ha="center", va="center")
    return figure
