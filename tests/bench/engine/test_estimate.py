"""Scores of classifiers as the logits of a run."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from bench.engine.estimate import (
    Clips,
    Trial,
    class_scores,
    contradicted,
    differing,
    fault_of,
    shared_features,
)
from bench.errors import BenchError

FEATURES = np.array([[0.0], [1.0], [2.0], [3.0]])


def test_a_class_that_training_lacks_is_never_the_answer():
    for classifier in (SVC(kernel="linear"), DummyClassifier(strategy="prior")):
        classifier.fit(FEATURES, [0, 0, 2, 2])
        scores = class_scores(classifier, FEATURES, classes=4)
        assert scores.shape == (4, 4) and np.isfinite(scores).all()
        assert (scores[:, [1, 3]].max(1) < scores[:, [0, 2]].min(1)).all()
        assert scores.argmax(1).tolist() == classifier.predict(FEATURES).tolist()


def svm(features, labels, people):
    return SVC(kernel="linear").fit(features, labels)


class Neighbours(KNeighborsClassifier):
    def predict_log_proba(self, X):
        return np.log(self.predict_proba(X) + 1e-6)


ONE = SVC(kernel="linear")


def one_object(features, labels, people):
    return ONE.fit(features, labels)


def remembering():
    seen = []

    def fit(features, labels, people):
        seen.extend(zip(features, labels, strict=True))
        return Neighbours(1).fit(*map(list, zip(*seen, strict=True)))

    return fit


def warm():
    """A network of scikit-learn that goes on from where the last fit ended."""
    ended = {}

    def fit(features, labels, people):
        network = MLPClassifier((4,), max_iter=1, random_state=0, warm_start=True)
        vars(network).update(ended)
        network.fit(features, labels)
        ended.update(vars(network))
        return network

    return fit


def first_again():
    first = []

    def fit(features, labels, people):
        first[:] = first or [svm(features, labels, people)]
        return SimpleNamespace(
            decision_function=first[0].decision_function, classes_=first[0].classes_
        )

    return fit


def unseeded(features, labels, people):
    return DummyClassifier(strategy="stratified").fit(features, labels)


class Standardising(DummyClassifier):
    """Standardises what it is asked about by what else it is asked about."""

    def decision_function(self, X):
        return ((X - X.mean(0)) / (X.std(0) + 1e-9))[:, :3] * self.class_prior_


class Ranking(SVC):
    def decision_function(self, X):
        return super().decision_function(X).argsort(0).astype(float)


class Scaled(SGDClassifier):
    def decision_function(self, X):
        many = len(X) > 3
        return super().decision_function((X - X.mean(0)) / (X.std(0) + 1e-9) if many else X)


class Named(SVC):
    def fit(self, X, y):
        return super().fit(X, np.array(["a", "b", "c"])[y])


class Shifted(SVC):
    def fit(self, X, y):
        return super().fit(X, y + 1)


class Inverted(SVC):
    def predict(self, X):
        return (super().predict(X) + 1) % 3


class Guessing(Neighbours):
    def predict(self, X):
        return np.zeros(len(X), int)


class Failing(SVC):
    def predict(self, X):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("classifier", "clips"),
    [
        (SVC(), 0),
        (DummyClassifier(strategy="prior"), 0),
        (Failing(), 0),
        (Inverted(), 12),
        (Guessing(1), 8),
    ],
)
def test_clips_that_predict_answers_otherwise_are_counted(classifier, clips):
    features, labels = np.arange(12.0)[:, None], np.repeat([0, 1, 2], 4)
    classifier.fit(features, labels)
    scores = class_scores(classifier, features, 3)
    assert contradicted(classifier, features, scores) == clips
    assert contradicted(SimpleNamespace(), features, scores) == 0


@pytest.mark.parametrize("classifier", [Named(), Shifted(), SimpleNamespace(classes_=[0, 1, 2])])
def test_a_classifier_of_other_classes_or_without_scores_is_refused_in_a_line(classifier):
    features, labels = np.arange(12.0)[:, None], np.arange(12) % 3
    if hasattr(classifier, "fit"):
        classifier.fit(features, labels)
    with pytest.raises(BenchError, match=r"the classifier .* has classes_|lacks") as error:
        class_scores(classifier, features, 3)
    assert "\n" not in str(error.value)


class Renumbered(GaussianNB):
    """Counts its classes from 0, whatever they are called."""

    def fit(self, features, labels):
        return super().fit(features, np.unique(labels, return_inverse=True)[1])


@pytest.mark.parametrize("labels", [[1, 2], [0, 2]])
def test_a_classifier_whose_classes_are_not_its_labels_is_refused(labels):
    def fit(features, labels, people):
        return Renumbered().fit(features, labels)

    method = SimpleNamespace(baseline=SimpleNamespace(fit=fit))
    clips = Clips(np.arange(8.0)[:, None], np.repeat(labels, 4), ["p"] * 8, 3)
    with pytest.raises(BenchError, match="has classes_ 0, 1, and was fitted to the labels"):
        clips.fitted(method, range(8))


def test_classes_may_stand_in_any_order():
    fitted = SimpleNamespace(classes_=np.array([2, 0]))
    method = SimpleNamespace(baseline=SimpleNamespace(fit=lambda *_: fitted))
    clips = Clips(np.zeros((4, 1)), np.array([0, 2, 2, 0]), ["p"] * 4, 3)
    assert clips.fitted(method, range(4)) is fitted


def fault(fit) -> str:
    generator = np.random.default_rng(0)
    labels = np.arange(24) % 3
    features = generator.normal(size=(24, 4)) + labels[:, None]
    clips = Clips(features, labels, ["a", "b", "c", "d"] * 6, 3)
    method = SimpleNamespace(baseline=SimpleNamespace(fit=fit))
    train, test = list(range(16)), list(range(16, 24))
    return fault_of(Trial(method, clips, train, test, clips.fitted(method, train)))


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        (svm, ""),
        (lambda x, y, people: DummyClassifier(strategy="prior").fit(x, y), ""),
        (lambda x, y, people: Neighbours(3).fit(x, y), ""),
        (lambda x, y, people: SVC().fit(x, y), ""),
        (lambda x, y, people: SVC(decision_function_shape="ovr", C=0.1).fit(x, y), ""),
        (one_object, "one object from every fit"),
        (remembering(), "fitted again to the same clips"),
        (warm(), "fitted again to the same clips"),
        (unseeded, "fitted again to the same clips"),
        (first_again(), "the same whatever labels"),
        (lambda x, y, people: Standardising().fit(x, y), "about a clip alone"),
        (lambda x, y, people: Ranking(kernel="linear").fit(x, y), "about a clip alone"),
        (lambda x, y, people: Scaled().fit(x, y), "about a clip alone"),  # and drawn anew
    ],
)
def test_answers_are_of_one_clip_and_one_fit(fit, said):
    found = fault(fit)
    assert said in found and bool(said) == bool(found)


def centred():
    seen = []

    def features(clip):
        seen.append(clip)
        return clip - np.mean(seen, axis=0)

    return features


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (lambda clip: clip**2, False),
        (lambda clip: clip * np.nan, False),
        (lambda clip: clip + np.random.default_rng().normal(), True),
        (centred(), True),
    ],
)
def test_features_are_of_one_clip(features, told):
    inputs = np.arange(12.0).reshape(4, 3)
    found = np.stack([features(each.copy()) for each in inputs])
    assert differing(features, inputs, found) == told


def means(clip):
    return clip.mean(0)


def kept(key):
    """Features that are remembered under a key of the clip."""
    known = {}
    return lambda clip: known.setdefault(key(clip), means(clip))


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (kept(lambda clip: (clip.shape, round(clip.mean()))), [(0, 2), (0, 4), (1, 5)]),
        (kept(lambda clip: str(clip)[:20]), [(2, 4)]),
        (means, []),
        (lambda clip: (clip > 0)[:, 0].astype(float), []),  # of few numbers
        (lambda clip: np.zeros(9), []),
    ],
)
def test_features_that_clips_of_other_input_share_are_found(features, told):
    inputs = np.random.default_rng(0).normal(size=(6, 4, 9)) + [[[0]], [[9]]] * 3
    inputs[3] = inputs[1]  # one clip twice
    inputs[4, :1] = inputs[2, :1]
    found = np.stack([features(each.copy()) for each in inputs])
    assert shared_features(inputs, found) == told
