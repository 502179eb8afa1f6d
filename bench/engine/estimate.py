"""One fold of a classical baseline: fit without a subject, answer for that subject's clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.config.settings import DataConfig, recorded_rules
from bench.data.clips import ClipSet, clip_title, people, subjects_among
from bench.data.sources import Source, find_clips, fingerprinted, load, used_labels
from bench.engine.plan import Report, Unit
from bench.engine.recorded import require_own_clips
from bench.errors import BenchError, SuspectError, printable
from bench.methods.classical import Estimated
from bench.methods.registry import VARIANTS
from bench.protocol.splits import Fold, named_fold
from bench.runs.folds import ClipRecord, FoldRecord, Machine
from bench.runs.job import Job
from bench.system.files import write_json
from bench.system.packages import say_once
from bench.system.processes import in_another_process
from bench.system.provenance import machine

ASKED = 8
"""Clips that a classifier is asked about one by one."""

FEW_NUMBERS = 8
"""Below so many different numbers, features of two clips may be equal by chance."""


def evaluate_fold(unit: Unit, report: Report) -> None:
    """Fits the classifier without one subject, and writes its answers to that subject's clips.

    Every selection rule has the same answers, since there are no epochs to choose from.
    """
    job = unit.job
    with _at_work(job):
        clip_set, fold, trial = open_fold(unit, report)
        trial = replace(trial, classifier=trial.fit())
        scores, labels = trial.scores, trial.clips.labels
        if np.isnan(scores).any():
            raise BenchError(f"{job.variant} answers with numbers that are none (NaN)")
        own = VARIANTS.is_own(job.variant)
        fault = "" if own else _fault(unit, trial)
        otherwise = 0 if own else contradicted(trial.classifier, trial.tested, scores)
    if fault:
        raise SuspectError(f"{VARIANTS.origin(job.variant)} {fault}")
    rules = recorded_rules(job.config.protocol)
    answers = scores.argmax(1).tolist()
    record = FoldRecord(
        run=job.stamp,
        made_on=Machine(**machine("cpu", trial.method.threads)),
        subject=fold.subject or fold.name,
        trained_on=tuple(subjects_among(clip_set, trial.train)),
        contradicted=otherwise,
        clips=tuple(
            ClipRecord(
                dataset=clip_set.clips[index].dataset,
                subject="" if fold.subject else clip_set.clips[index].subject,
                clip=clip_set.clips[index].name,
                true=int(labels[index]),
                pred=answer,
                selected=dict.fromkeys(rules, answer),
                logits=tuple(row),
            )
            for index, answer, row in zip(trial.test, answers, scores.tolist(), strict=True)
        ),
    )
    write_json(unit.output, asdict(record))


@dataclass(frozen=True)
class Clips:
    """Features (N, features), labels (N,) and the person of each clip; classes: how many."""

    features: np.ndarray
    labels: np.ndarray
    people: Sequence[str]
    classes: int

    def fitted(self, method: Estimated, chosen: Sequence[int]) -> Any:
        """The classifier that the baseline fits to the chosen clips."""
        known = [self.people[index] for index in chosen]
        classifier = method.baseline.fit(self.features[chosen], self.labels[chosen], known)
        _require_labels(classifier, self.labels[chosen])
        return classifier

    @property
    def mislabelled(self) -> Clips:
        """The same with the labels shuffled: what suits them is not what suits the true ones."""
        return replace(self, labels=np.random.default_rng(0).permutation(self.labels))


def _require_labels(classifier: Any, labels: np.ndarray) -> None:
    """BenchError where the classes of a classifier are not the labels that it was fitted to."""
    classes, expected = getattr(classifier, "classes_", None), np.unique(labels)
    if classes is not None and not np.array_equal(np.unique(classes), expected):
        shown = ", ".join(map(str, np.ravel(classes)))
        raise BenchError(
            f"the classifier {type(classifier).__name__} has classes_ {shown}, and was fitted to "
            f"the labels {', '.join(map(str, expected))}: its answers would be of other classes"
        )


@dataclass(frozen=True)
class Trial:
    """A baseline, a fold, and the classifier that this process has fitted to it, if it has."""

    method: Estimated
    clips: Clips = field(compare=False)
    train: Sequence[int] = field(compare=False)
    test: Sequence[int] = field(compare=False)
    classifier: Any = field(default=None, compare=False)

    @property
    def tested(self) -> np.ndarray:
        """Features of the tested clips, (n, features)."""
        return self.clips.features[self.test]

    @property
    def scores(self) -> np.ndarray:
        """Of the tested clips, (n, classes)."""
        return self.scored(self.classifier)

    def scored(self, classifier: Any) -> np.ndarray:
        """What a classifier answers to the tested clips, (n, classes)."""
        return class_scores(classifier, self.tested, self.clips.classes)

    def fit_others(self) -> Any:
        """A classifier fitted to all clips with wrong labels."""
        return self.clips.mislabelled.fitted(self.method, range(len(self.clips.features)))

    def fit(self) -> Any:
        """A classifier fitted to the fold."""
        return self.clips.fitted(self.method, self.train)


def open_fold(unit: Unit, report: Report) -> tuple[ClipSet, Fold, Trial]:
    """The clips, who is left out, and the baseline before it is fitted."""
    job, method = unit.job, unit.job.method
    assert isinstance(method, Estimated), f"{job.variant} is no classical baseline"
    data = method.data(job.config)
    clip_set, features = features_of(Asked(job.source, data, method, report))
    require_own_clips(job, clip_set)
    labels = np.array(used_labels(clip_set.clips, job.config.data, job.seed))
    fold = named_fold(clip_set, job.config.protocol, unit.fold)
    train, test = list(fold.train), list(fold.test)
    clips = Clips(features, labels, people(clip_set), len(clip_set.classes))
    return clip_set, fold, Trial(method, clips, train, test)


def scores_of(unit: Unit) -> np.ndarray:
    """What a fold's classifier answers, (tested clips, classes)."""
    with _at_work(unit.job):
        trial = open_fold(unit, _silent)[-1]
        return trial.scored(trial.fit())


def others_first(unit: Unit) -> tuple[np.ndarray, np.ndarray]:
    """What classifiers answer that are fitted to wrong labels, and then to the fold."""
    with _at_work(unit.job):
        trial = open_fold(unit, _silent)[-1]
        return trial.scored(trial.fit_others()), trial.scored(trial.fit())


def _silent(what: str, done: int, total: int) -> None:
    """Reports to nobody."""


def _fault(unit: Unit, trial: Trial) -> str:
    """What makes a baseline's answers worthless, empty where nothing does.

    Each fold is fitted again in another process, which has fitted nothing else. The first fold of
    this process is looked at more closely: what a fit keeps shows where wrong labels come first.
    """
    if trial in _tried:
        found = _alike(trial.scores, in_another_process(scores_of, unit))
        return "" if found else CARRIED.format("in another process")
    if fault := fault_of(trial):
        return fault
    others, own = in_another_process(others_first, unit)
    if not (_alike(trial.scores, own) and _alike(trial.scored(trial.fit_others()), others)):
        return CARRIED.format("in another process, which fits to other labels first")
    _tried.add(trial)
    return ""


CARRIED = (
    "answers otherwise {}: choose and learn all anew in each fit, and keep nothing from one to the "
    "next, in no file either"
)

_tried: set[Trial] = set()
"""One of each baseline that has passed in this process."""


@contextmanager
def _at_work(job: Job) -> Iterator[None]:
    """On the threads of the method; errors of its own say whose they are."""
    assert isinstance(job.method, Estimated), f"{job.variant} is no classical baseline"
    with threadpool_limits(job.method.threads), VARIANTS.answering(job.variant):
        yield


def fault_of(trial: Trial) -> str:
    """What makes a baseline's answers worthless, empty where nothing does.

    It is fitted to all clips with wrong labels, and then as before: it must have learnt from them,
    and have forgotten them again.
    """
    if _rests_on_others(trial):
        return (
            "answers otherwise about a clip alone than among others: its answer to a clip depends "
            "on those that are asked about with it (their mean, rank or number); each clip is "
            "tested by itself"
        )
    first, other = trial.scores, trial.fit_others()
    misled = trial.scored(other)
    again = trial.fit()
    if any(each is trial.classifier for each in (again, other)):
        return "returns one object from every fit: make a new classifier in each"
    if not _alike(first, trial.scored(again)):
        return (
            "answers otherwise when it is fitted again to the same clips: keep nothing from one "
            "fit to the next, and give random_state to what is random"
        )
    if _alike(first, misled) and np.ptp(first, axis=0).any():
        return "answers the same whatever labels it is fitted to: fit a new classifier each time"
    return ""


def _rests_on_others(trial: Trial) -> bool:
    """Whether the answer to a clip changes with those that are asked about at once."""
    clips, classifier = trial.clips, trial.classifier
    if not _alike(trial.scores, trial.scores):
        return False  # it draws its answers, whoever is asked about
    known = classifier.classes_  # the others are below whatever they are shown with
    tested = [class_scores(classifier, clip[None], clips.classes) for clip in trial.tested[:ASKED]]
    alone = np.concatenate(tested)[:, known]
    of_all = class_scores(classifier, clips.features, clips.classes)[trial.test]
    return not all(_alike(alone, each[:ASKED, known]) for each in (trial.scores, of_all))


def _alike(scores: np.ndarray, others: np.ndarray) -> bool:
    return np.allclose(scores, others, rtol=1e-5, atol=1e-9, equal_nan=True)


@dataclass(frozen=True)
class Asked:
    """Clips and the baseline whose features of them are wanted."""

    source: Source
    config: DataConfig
    method: Estimated
    report: Report = field(compare=False)


@lru_cache(maxsize=4)
def features_of(asked: Asked) -> tuple[ClipSet, np.ndarray]:
    """The clips and their features (N, features), float64. The latest results stay in memory."""
    method = asked.method
    if method.inputs:
        clip_set, inputs = load(asked.source, asked.config, method.still)
    else:
        clip_set = fingerprinted(find_clips(asked.source, asked.config), asked.source, asked.config)
        inputs = np.empty((len(clip_set.clips), 0))
    rows: list[np.ndarray] = []
    for each in inputs:
        asked.report("features", len(rows), len(inputs))
        rows.append(method.baseline.features(each.copy()))  # others see the clips after it
    try:
        features = np.stack(rows).astype(np.float64)
    except (TypeError, ValueError):
        shapes = ", ".join(sorted({f"{np.asarray(row).dtype}{np.shape(row)}" for row in rows})[:4])
        raise BenchError(
            f"{VARIANTS.origin(method.name)} gives features {shapes}; expected numbers, as many of "
            "each clip"
        ) from None
    if not VARIANTS.is_own(method.name) and differing(method.baseline.features, inputs, features):
        raise BenchError(
            f"{VARIANTS.origin(method.name)} gives other features of a clip when asked again: they "
            "may depend on that clip alone; keep nothing from one clip to the next, draw nothing"
        )
    if not VARIANTS.is_own(method.name) and (shared := shared_features(inputs, features)):
        one, other = (clip_title(clip_set.clips[place]) for place in shared[0])
        say_once(
            f"warning: {VARIANTS.origin(method.name)} gives {len(shared)} clip(s) features that "
            f"equal another clip's in every digit, though their input differs, first {other} those "
            f"of {one}: is something kept under a key that both share?"
        )
    return clip_set, features


def shared_features(inputs: np.ndarray, features: np.ndarray) -> list[tuple[int, int]]:
    """(Earlier clip, clip) of different input (N, ...) and exactly equal features (N, features).

    Features of few different numbers may be equal by chance, and are left out.
    """
    first: dict[bytes, int] = {}
    found = []
    for place, row in enumerate(features):
        earlier = first.setdefault(row.tobytes(), place)
        differs = earlier != place and not np.array_equal(inputs[earlier], inputs[place])
        if differs and len(np.unique(row)) >= FEW_NUMBERS:
            found.append((earlier, place))
    return found


def differing(features: Callable, inputs: np.ndarray, found: np.ndarray) -> bool:
    """Whether a baseline gives others than the features found (N, features) when asked again.

    Asked about few clips, in another order.
    """
    places = reversed(range(min(ASKED, len(found))))
    return not all(
        np.array_equal(found[place], features(inputs[place].copy()), equal_nan=True)
        for place in places
    )


def class_scores(classifier: Any, features: np.ndarray, classes: int) -> np.ndarray:
    """Decision values, or log probabilities where it has none, (clips, classes): most is likeliest.

    A class that none of the training clips has gets less than every other. Raises BenchError for a
    classifier without them, or with other classes than the labels it was fitted to.
    """
    ways = ("decision_function", "predict_log_proba")
    way = next((each for each in ways if hasattr(classifier, each)), None)
    if way is None or not hasattr(classifier, "classes_"):
        raise BenchError(
            f"the classifier {type(classifier).__name__} lacks {' and '.join(ways)}, or classes_: "
            "`fit` gives a fitted classifier as scikit-learn has them, with one of the two"
        )
    found = np.asarray(getattr(classifier, way)(features))
    found = np.stack([-found, found], axis=1) if found.ndim == 1 else found
    known = np.asarray(classifier.classes_)
    labels = known.dtype.kind in "iu" and set(known.tolist()) <= set(range(classes))
    fits = found.shape == (len(features), known.size) and len({*known.tolist()}) == known.size
    if not (labels and fits):
        shown = printable(repr(known.tolist()))[:80]
        raise BenchError(
            f"the classifier {type(classifier).__name__} has classes_ {shown} and {way} of shape "
            f"{found.shape}: expected the labels it was fitted to, whole numbers of 0 to "
            f"{classes - 1}, and a column for each"
        )
    scores = np.full((len(features), classes), found.min() - 1)
    scores[:, known] = found
    return scores


def contradicted(classifier: Any, features: np.ndarray, scores: np.ndarray) -> int:
    """About how many clips `predict` answers otherwise than the largest score, which counts.

    0 where there is no `predict`, or it fails: it is not scored. scikit-learn's own may differ, an
    SVC of equal votes and NearestCentroid do.
    """
    with suppress(Exception):
        told = np.asarray(classifier.predict(features.copy()))
        return int(np.sum(np.broadcast_to(told, len(scores)) != scores.argmax(1)))
    return 0
