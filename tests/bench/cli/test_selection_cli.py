"""`--set selection=...`: one training run, the scored epoch chosen by several rules."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix
from tiny_runs import only_run

EPOCHS = ("--set", "train.epochs=5")

pytestmark = pytest.mark.usefixtures("short")


def run_of(bench, folder, *settings):
    """A finished run of the smallest random network under these settings, and what it printed."""
    words = [word for setting in settings for word in ("--set", setting)]
    outcome = bench.small(folder, "random_short", *EPOCHS, *words)
    assert outcome.code == 0, outcome.err
    return only_run(folder), outcome.out


@pytest.fixture(scope="module")
def plain(bench, tmp_path_factory):
    return run_of(bench, tmp_path_factory.mktemp("plain"))[0]


@pytest.fixture(scope="module")
def oracle(bench, tmp_path_factory):
    return run_of(bench, tmp_path_factory.mktemp("oracle"), "selection=oracle")


@pytest.fixture(scope="module")
def inner(bench, tmp_path_factory):
    settings = ("selection=inner_val", "rules=last,inner_val,oracle")
    return run_of(bench, tmp_path_factory.mktemp("inner"), *settings)


def clips_of(run):
    return [clip for name in sorted(run.folds) for clip in run.folds[name]["clips"]]


def accuracy(fold, rule):
    return accuracy_score(
        [clip["true"] for clip in fold["clips"]],
        [clip["selected"][rule] for clip in fold["clips"]],
    )


def test_the_last_epoch_is_the_same_whether_others_were_looked_at_or_not(plain, oracle):
    run, _ = oracle
    for name, fold in plain.folds.items():
        assert run.folds[name]["losses"] == fold["losses"]
        last = [clip["selected"]["last"] for clip in run.folds[name]["clips"]]
        assert last == [clip["pred"] for clip in fold["clips"]]
        if run.folds[name]["epochs"]["oracle"] == 5:
            assert [clip["logits"] for clip in run.folds[name]["clips"]] == [
                clip["logits"] for clip in fold["clips"]
            ]


def test_recording_the_oracle_leaves_the_scored_predictions_alone(bench, plain, runs):
    watched, _ = run_of(bench, runs, "rules=last,oracle")
    assert [clip["logits"] for clip in clips_of(watched)] == [
        clip["logits"] for clip in clips_of(plain)
    ]
    metrics, before = watched.json("metrics.json"), plain.json("metrics.json")
    assert metrics["uf1"] == before["uf1"]
    assert metrics["protocol"]["leaky"] is False  # what is recorded is not what is scored
    assert set(metrics["selections"]) == {"last", "oracle"}


def test_the_oracle_is_no_worse_on_any_subject_and_called_leaky(oracle):
    run, said = oracle
    for fold in run.folds.values():
        assert accuracy(fold, "oracle") >= accuracy(fold, "last")
        assert fold["epochs"]["last"] == 5
        assert 1 <= fold["epochs"]["oracle"] <= 5
        for clip in fold["clips"]:
            assert clip["pred"] == clip["selected"]["oracle"] == int(np.argmax(clip["logits"]))
    protocol = run.json("metrics.json")["protocol"]
    assert protocol["selection"] == "oracle"
    assert protocol["leaks"] == ["selection=oracle"]
    assert "leaky: selection=oracle" in said


def test_the_table_marks_the_oracle(bench, oracle):
    run, _ = oracle
    runs = run.path.parents[3]
    shown = bench("tables", "--table", "2", "--runs", runs)
    assert shown.code == 0, shown.err
    assert "leaky: selection=oracle" in shown.out
    assert "the scored epoch is the best one on the test subject" in shown.out


def test_inner_val_trains_without_the_subjects_that_it_looks_at(inner, plain):
    run, said = inner
    assert "leaky" not in said
    for name, fold in run.folds.items():
        assert fold["inner_subjects"]
        assert f"smic/{name}" not in fold["inner_subjects"]
        assert set(fold["epochs"]) == {"last", "inner_val", "oracle"}
        assert fold["losses"] != plain.folds[name]["losses"]
    protocol = run.json("metrics.json")["protocol"]
    assert protocol["trained_without_inner_part"] is True
    assert protocol["rules"] == ["last", "inner_val", "oracle"]
    assert plain.json("metrics.json")["protocol"]["trained_without_inner_part"] is False


def test_metrics_have_the_pooled_scores_of_every_rule_and_the_mean_over_folds(inner):
    run, _ = inner
    metrics, clips = run.json("metrics.json"), clips_of(run)
    true = [clip["true"] for clip in clips]
    for rule, found in metrics["selections"].items():
        predicted = [clip["selected"][rule] for clip in clips]
        matrix = confusion_matrix(true, predicted, labels=[0, 1, 2])
        assert found["confusion"] == matrix.tolist()
        assert found["acc"] == pytest.approx(np.trace(matrix) / matrix.sum())
    assert metrics["selections"]["inner_val"]["uf1"] == metrics["uf1"]
    mean = metrics["aggregations"]["fold_mean"]
    folds = [accuracy(fold, "inner_val") for fold in run.folds.values()]
    assert mean["acc"] == pytest.approx(np.mean(folds))
    assert set(mean) == {"uar", "uf1", "acc"}
    assert metrics["protocol"]["aggregation"] == "pooled"


def test_an_unknown_rule_is_told_of_before_any_work(bench, runs):
    outcome = bench.small(runs, "random_rnas_mer", "--set", "rules=orcale")
    assert outcome.code == 2
    assert "Did you mean 'oracle'" in outcome.error
    assert not runs.exists()
