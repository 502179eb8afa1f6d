"""Scores of classifiers as the logits of a run."""

from __future__ import annotations

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.svm import SVC

from bench.engine.estimate import class_scores

FEATURES = np.array([[0.0], [1.0], [2.0], [3.0]])


def test_a_class_that_training_lacks_is_never_the_answer():
    for classifier in (SVC(kernel="linear"), DummyClassifier(strategy="prior")):
        classifier.fit(FEATURES, [0, 0, 2, 2])
        scores = class_scores(classifier, FEATURES, classes=4)
        assert scores.shape == (4, 4) and np.isfinite(scores).all()
        assert (scores[:, [1, 3]].max(1) < scores[:, [0, 2]].min(1)).all()
        assert scores.argmax(1).tolist() == classifier.predict(FEATURES).tolist()
