"""Scores from the confusion matrix pooled over all folds (MEGC2019).

UF1 is the mean over classes of F1_c = 2 TP_c / (2 TP_c + FP_c + FN_c), UAR the mean of TP_c / n_c.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

SCORES = ("uar", "uf1", "acc")


def scores(true: Sequence[int], predicted: Sequence[int], classes: Sequence[str]) -> dict[str, Any]:
    """`uar`, `uf1`, `acc`, `confusion` (rows true, columns predicted), `classes`, `clips`.

    A class without a clip has no recall: it is named in `absent` and left out of both means, and
    the scores are None where no class is left.
    """
    count = len(classes)
    if len(true):
        matrix = confusion_matrix(true, predicted, labels=range(count))
    else:  # scikit-learn refuses it, but a part of a composite may be left without clips
        matrix = np.zeros((count, count), int)
    return {**matrix_scores(matrix, classes), "clips": int(matrix.sum())}


def matrix_scores(matrix: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """The scores of a confusion matrix, rows true, columns predicted."""
    hits = np.diag(matrix).astype(float)
    per_class = matrix.sum(axis=1)
    present = per_class > 0
    f1 = 2 * hits[present] / (per_class + matrix.sum(axis=0))[present]
    recall = hits[present] / per_class[present]
    empty = not present.any()
    return {
        "uar": None if empty else float(recall.mean()),
        "uf1": None if empty else float(f1.mean()),
        "acc": None if empty else float(hits.sum() / matrix.sum()),
        "confusion": matrix.tolist(),
        "classes": list(classes),
        "absent": [name for name, here in zip(classes, present, strict=True) if not here],
    }


def pooled_metrics(
    clips: Sequence[dict[str, Any]], classes: Sequence[str], parts: Sequence[str]
) -> dict[str, Any]:
    """Scores over the clips of all folds, and over each data set's clips where there are several.

    clips: {`dataset`, `subject`, `true`, `pred`}; parts: the data sets of a composite.
    """
    overall = _scored(clips, classes)
    slices = {
        part: _scored([clip for clip in clips if clip["dataset"] == part], classes)
        for part in (parts if len(parts) > 1 else ())
    }
    return {**overall, "slices": slices}


def fold_mean(clips: Sequence[dict[str, Any]], classes: Sequence[str]) -> dict[str, float]:
    """Mean over subjects of each one's own `uar`, `uf1` and `acc`: what some papers report.

    A class that a subject does not show is left out of that subject's means.
    """
    people: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for clip in clips:
        people.setdefault((clip["dataset"], clip["subject"]), []).append(clip)
    folds = [_scored(own, classes) for own in people.values()]
    return {name: float(np.mean([fold[name] for fold in folds])) for name in SCORES}


def _scored(clips: Sequence[dict[str, Any]], classes: Sequence[str]) -> dict[str, Any]:
    true, predicted = ([clip[key] for clip in clips] for key in ("true", "pred"))
    subjects = {(clip["dataset"], clip["subject"]) for clip in clips}
    return {**scores(true, predicted, classes), "subjects": len(subjects)}
