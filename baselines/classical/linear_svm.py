"""The linear support vector machine (SVM) of the baselines, its C chosen over inner folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnas.errors import MethodError

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Values of C to choose from, for features whose squared norm is 1 on average."""

INNER_FOLDS = 5


def linear_svm(features: np.ndarray, labels: np.ndarray, people: Sequence[str]) -> Pipeline:
    """A linear SVM with balanced class weights, fitted to the clips' features minus their mean.

    All features of a baseline have the same unit: they are not scaled one by one, which would give
    pixels at rest the weight of those that move. Every two classes have their own hyperplane. C is
    the one of `STRENGTHS` with the best balanced accuracy, pooled over inner folds that share
    nobody, and of equally good ones the smallest. Deterministic. Raises MethodError where the clips
    are of a single class.
    """
    import numpy as np
    from sklearn.metrics.pairwise import linear_kernel
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if len(set(labels.tolist())) < 2:
        raise MethodError("a linear SVM needs clips of two classes; allow more subjects")
    kernel = linear_kernel(features - features.mean(0))
    size = float(np.trace(kernel)) / len(kernel) or 1.0  # mean squared norm; 0 where all are alike
    strength = best_strength(kernel / size, labels, people)
    machine = SVC(kernel=linear_kernel, C=strength / size, class_weight="balanced")
    return make_pipeline(StandardScaler(with_std=False), machine).fit(features, labels)


def best_strength(kernel: np.ndarray, labels: np.ndarray, people: Sequence[str]) -> float:
    """The C that an SVM with this kernel matrix, (N, N), does best with on people it has not seen.

    The middle one where the clips of some inner fold cannot be left out, since what remains is of
    one person or one class.
    """
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.svm import SVC

    count = min(INNER_FOLDS, len(set(people)))
    folds = list(GroupKFold(count).split(kernel, labels, people)) if count > 1 else []
    if not folds or any(len(set(labels[train].tolist())) < 2 for train, _ in folds):
        return STRENGTHS[len(STRENGTHS) // 2]

    def score(strength: float) -> float:
        machine = SVC(kernel="precomputed", C=strength, class_weight="balanced")
        return balanced_accuracy_score(labels, cross_val_predict(machine, kernel, labels, cv=folds))

    return max(STRENGTHS, key=score)
