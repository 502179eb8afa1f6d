"""One fold of a classical baseline: fit without a subject, answer for that subject's clips."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.config.settings import DataConfig, recorded_rules
from bench.data.clips import ClipSet, people, subjects_among
from bench.data.sources import Source, find_clips, load, used_labels
from bench.engine.plan import Report, Unit
from bench.methods.variants import Estimated
from bench.protocol.splits import named_fold
from bench.runs.folds import ClipRecord, FoldRecord, Machine
from bench.system.files import write_json
from bench.system.provenance import machine


def evaluate_fold(unit: Unit, report: Report) -> None:
    """Fits the classifier without one subject, and writes its answers to that subject's clips.

    Every selection rule has the same answers, since there are no epochs to choose from.
    """
    job, method = unit.job, unit.job.method
    assert isinstance(method, Estimated), f"{job.variant} is no classical baseline"
    with threadpool_limits(method.threads):
        data = method.data(job.config)
        clip_set, features = features_of(Asked(job.source, data, method, report))
        labels = np.array(used_labels(clip_set.clips, job.config.data, job.seed))
        fold = named_fold(clip_set, job.config.protocol, unit.fold)
        owners = people(clip_set)
        train, test = list(fold.train), list(fold.test)
        known = [owners[index] for index in train]
        classifier = method.baseline.fit(features[train], labels[train], known)
        scores = class_scores(classifier, features[test], len(clip_set.classes))
    rules = recorded_rules(job.config.protocol)
    answers = scores.argmax(1).tolist()
    record = FoldRecord(
        run=job.stamp,
        made_on=Machine(**machine("cpu", method.threads)),
        subject=fold.subject or fold.name,
        trained_on=tuple(subjects_among(clip_set, train)),
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
            for index, answer, row in zip(test, answers, scores.tolist(), strict=True)
        ),
    )
    write_json(unit.output, asdict(record))


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
        clip_set = find_clips(asked.source, asked.config)
        inputs = np.empty((len(clip_set.clips), 0))
    rows: list[np.ndarray] = []
    for each in inputs:
        asked.report("features", len(rows), len(inputs))
        rows.append(method.baseline.features(each))
    return clip_set, np.stack(rows).astype(np.float64)


def class_scores(classifier: Any, features: np.ndarray, classes: int) -> np.ndarray:
    """Decision values, or log probabilities where it has none, (clips, classes): most is likeliest.

    A class that none of the training clips has gets less than every other.
    """
    if hasattr(classifier, "decision_function"):
        found = classifier.decision_function(features)
        found = np.stack([-found, found], axis=1) if found.ndim == 1 else found
    else:
        found = classifier.predict_log_proba(features)
    scores = np.full((len(features), classes), found.min() - 1)
    scores[:, classifier.classes_] = found
    return scores
