"""Scores from the confusion matrix pooled over all folds (MEGC2019).

UF1 is the mean over classes of F1_c = 2 TP_c / (2 TP_c + FP_c + FN_c), UAR the mean of TP_c / n_c.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

SCORES = ("uar", "uf1", "acc")


def scores(true: Sequence[int], predicted: Sequence[int], classes: Sequence[str]) -> dict[str, Any]:
    """`uar`, `uf1`, `acc`, `confusion` (rows true, columns predicted), `classes`, `clips`.

    A class without a clip has no recall: it is named in `absent` and left out of both means, and
    the scores are None where no class is left.
    """
    count = len(classes)
    if len(true):
        from sklearn.metrics import confusion_matrix  # late: reports need no sklearn

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


Statistic = Callable[[np.ndarray], np.ndarray]
"""Confusion matrices (..., C, C) -> scores (...)."""


def uar(matrices: np.ndarray) -> np.ndarray:
    """Unweighted average recall of matrices (..., C, C); NaN where no class has a clip."""
    hits, per_class = _diagonal(matrices), matrices.sum(axis=-1)
    return _mean_present(hits, per_class, per_class)


def uf1(matrices: np.ndarray) -> np.ndarray:
    """Unweighted F1 of matrices (..., C, C) over the classes that have a clip."""
    per_class = matrices.sum(axis=-1)
    return _mean_present(2 * _diagonal(matrices), per_class + matrices.sum(axis=-2), per_class)


def acc(matrices: np.ndarray) -> np.ndarray:
    """Share of the clips that are right, of matrices (..., C, C)."""
    total = matrices.sum(axis=(-2, -1))
    return _ratio(_diagonal(matrices).sum(axis=-1), total, math.nan)


STATISTICS: Mapping[str, Statistic] = MappingProxyType({"uar": uar, "uf1": uf1, "acc": acc})


def subject_matrices(
    true: Sequence[int], pred: Sequence[int], subject: Sequence[str], classes: int
) -> np.ndarray:
    """(S, C, C) counts: one confusion matrix per subject, in the order of their names.

    subject: names that differ wherever the people do (`smic/s01`, not `s01`, in a composite).
    """
    people, place = np.unique(np.asarray(subject), return_inverse=True)
    matrices = np.zeros((len(people), classes, classes), dtype=np.int64)
    np.add.at(matrices, (place, np.asarray(true, int), np.asarray(pred, int)), 1)
    return matrices


def _diagonal(matrices: np.ndarray) -> np.ndarray:
    return np.diagonal(matrices, axis1=-2, axis2=-1)


def _ratio(above: np.ndarray, below: np.ndarray, otherwise: float) -> np.ndarray:
    """above / below, `otherwise` where below is 0."""
    filled = np.full(np.shape(below), otherwise)
    return np.divide(above, below, out=filled, where=np.asarray(below) > 0)


def _mean_present(above: np.ndarray, below: np.ndarray, per_class: np.ndarray) -> np.ndarray:
    """Mean of above / below over the classes with clips: a class without one has no recall."""
    present = per_class > 0
    return _ratio(
        (_ratio(above, below, 0.0) * present).sum(axis=-1), present.sum(axis=-1), math.nan
    )
