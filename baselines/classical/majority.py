"""The most frequent class of the training clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from baselines.classical.baseline import ClassicalBaseline

if TYPE_CHECKING:
    import numpy as np
    from sklearn.dummy import DummyClassifier


def nothing(clip: np.ndarray) -> np.ndarray:
    """What there is to see where nothing is, (0,)."""
    return clip


def class_frequencies(
    features: np.ndarray, labels: np.ndarray, people: Sequence[str]
) -> DummyClassifier:
    """Answers with the most frequent label, whatever it is shown."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior").fit(features, labels)


MAJORITY = ClassicalBaseline(
    name="majority",
    summary="Baseline: the most frequent class of the training clips",
    input=None,
    features=nothing,
    fit=class_frequencies,
    groups=("classical",),
    marks=("ours",),
)
