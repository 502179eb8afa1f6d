"""A kind of method is one class: here a scikit-learn estimator, without search or network."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pytest
from real_runs import SIZES, SUBJECTS, Silence
from sklearn.naive_bayes import GaussianNB

from bench.config.loading import load_config
from bench.data.clips import subjects_among
from bench.data.sources import Source, load, used_labels
from bench.data.surrogates.writing import SURROGATE_VERSION, resolve_difficulty, write_surrogate
from bench.engine.execute import execute, executor_for
from bench.engine.plan import plan
from bench.engine.request import Request, check_methods, prepare_jobs
from bench.errors import UsageError
from bench.measuring.networks import usual_target
from bench.methods import kinds, registry
from bench.methods.variants import Variant
from bench.protocol.splits import named_fold
from bench.runs.checking.validate import validate
from bench.runs.record import read_run
from bench.system.files import write_json


@dataclass(frozen=True)
class Estimator:
    name: str
    summary: str
    smoothing: float
    groups: tuple[str, ...] = ("own",)
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Estimated(Variant):
    value = Estimator
    kind = "bayes"
    origin = "fixed"
    network_word = "estimator"
    searches = False
    without_search = "is an estimator"
    work = MappingProxyType(
        {
            "fold": f"{__name__}:estimate",
            "metrics": "bench.engine.units:score",
            "profile": f"{__name__}:weigh",
        }
    )

    estimator: Estimator

    @classmethod
    def _own_fields(cls, value):
        return {"estimator": value}

    @property
    def facts(self):
        return {"smoothing": str(self.estimator.smoothing)}

    @property
    def details(self):
        return {"smoothing": self.estimator.smoothing}

    def check(self, config):
        GaussianNB(var_smoothing=self.estimator.smoothing)


def estimate(unit, report):
    job = unit.job
    clips, arrays = load(job.source, job.config.data, None)
    labels = np.array(used_labels(clips.clips, job.config.data, job.seed))
    features = np.abs(np.diff(arrays.astype(float), axis=2)).mean((1, 2)).reshape(len(labels), -1)
    fold = named_fold(clips, unit.job.config.protocol, unit.fold)
    train, test = list(fold.train), list(fold.test)
    model = GaussianNB(var_smoothing=job.method.estimator.smoothing)
    seen = model.fit(features[train], labels[train]).predict_log_proba(features[test])
    logits = np.full((len(test), len(clips.classes)), seen.min() - 1)  # of classes not trained on
    logits[:, model.classes_] = seen
    found = [
        {
            "dataset": clips.clips[index].dataset,
            "clip": clips.clips[index].name,
            "true": int(labels[index]),
            "pred": int(row.argmax()),
            "selected": {"last": int(row.argmax())},
            "logits": row.tolist(),
        }
        for index, row in zip(test, logits, strict=True)
    ]
    who = {"run": job.stamp, "subject": unit.fold, "trained_on": subjects_among(clips, train)}
    write_json(unit.output, {**who, "clips": found})


def weigh(unit, report):
    write_json(unit.output, {"params": None, "checkpoint_mb": None})


def test_an_estimator_runs_is_read_and_is_sound(monkeypatch, tmp_path):
    name = f"smic-{resolve_difficulty('easy'):g}-seed0-version{SURROGATE_VERSION}"
    cache = tmp_path / "cache"
    write_surrogate("smic", cache / "surrogate" / name, size=16, subjects=SUBJECTS, workers=1)
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, Estimated))
    values = {"bayes": Estimator("bayes", "Naive Bayes on frame differences", 1e-3)}
    (entry,) = kinds.variants_of(values)
    monkeypatch.setattr(registry, "variants", lambda: {"bayes": entry})
    request = Request(
        variants=registry.select_variants(["own"]),
        source=Source("smic", None, True, cache),
        preset="smoke",
        config=load_config("smoke", SIZES),
        seeds=(0,),
        runs=tmp_path / "runs",
        device="cpu",
    )
    check_methods(request)
    prepared = prepare_jobs(request, lambda what, done, total: None)
    (job,) = prepared.jobs
    tasks = plan(job)
    assert {task.unit.phase for task in tasks} == {"fold", "metrics", "profile"}
    executor = executor_for(prepared, [task.unit for task in tasks])
    assert execute(prepared, executor, Silence()) == ()
    record = read_run(job.folder)
    assert (record.method, record.searches.names, record.finished) == (Estimated, (), SUBJECTS)
    assert record.metrics["protocol"]["leaks"] == []
    assert record.metrics["acc"] == np.trace(record.metrics["confusion"]) / record.data.clips
    assert validate(job.folder, None, cache).findings == ()
    with pytest.raises(UsageError, match="bayes trains no network"):
        usual_target("bayes", job.config, 3, seed=0, draws=1).networks()
