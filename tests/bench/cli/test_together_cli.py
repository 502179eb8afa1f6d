"""`compute.folds_at_once`: the same predictions, fold files and resumption as one at a time."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_runs import merged, only_run

TOGETHER = ("--set", "compute.folds_at_once=2")


def logits(run):
    return {
        (fold, clip["clip"]): clip["logits"]
        for fold, record in run.folds.items()
        for clip in record["clips"]
    }


@pytest.fixture(scope="module")
def together(bench, tmp_path_factory):
    runs = tmp_path_factory.mktemp("together")
    outcome = bench.small(runs, "random_rnas_mer", *TOGETHER)
    assert outcome.code == 0, outcome.err
    return only_run(runs), outcome


def test_predictions_are_those_of_one_fold_at_a_time(together, random_runs):
    run, alone = together[0], only_run(random_runs)
    found, expected = logits(run), logits(alone)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(list(found.values()), list(expected.values()), atol=1e-4)
    for fold, record in run.folds.items():
        assert record["run"]["config_hash"] == run.json("run.json")["config_hash"]
        assert record["trained_on"] == alone.folds[fold]["trained_on"]
        np.testing.assert_allclose(record["losses"], alone.folds[fold]["losses"], atol=1e-4)
    assert run.json("run.json")["config"]["compute"]["folds_at_once"] == 2


@pytest.mark.parametrize("how", [(), TOGETHER])
def test_untrained_folds_are_trained_anew_as_if_from_the_start(bench, how, runs, tmp_path):
    """Four epochs leave every fold untrained; nothing of them is left in the eight."""
    epochs, doubled = (("--set", f"train.{each}") for each in ("epochs=8", "doublings=1"))
    assert bench.small(runs, "random_rnas_mer", *how, "--set", "train.epochs=4", *doubled).code == 0
    assert bench.small(tmp_path / "long", "random_rnas_mer", *epochs).code == 0
    run, expected = only_run(runs), only_run(tmp_path / "long")
    for fold, record in run.folds.items():
        assert record["losses"] == expected.folds[fold]["losses"]
        assert record["epochs"]["last"] == len(record["losses"]) == 8
        assert record["clips"] == expected.folds[fold]["clips"]
    assert bench("validate", run.path).code == 0


def test_each_fold_is_said(together):
    said = [line for line in together[1].err.splitlines() if ": fold " in line]
    assert len(said) == 3
    assert all("done" in line for line in said)


def test_only_missing_folds_are_trained_again(bench, together, tmp_path):
    run, _ = together
    fold = sorted(run.folds)[1]
    before = run.folds
    (run.path / "folds" / f"{fold}.json").unlink()
    times = run.times
    outcome = bench.small(run.path.parents[3], "random_rnas_mer", *TOGETHER)
    assert outcome.code == 0, outcome.err
    kept = [name for name in times if name.startswith("folds/")]
    assert {name: run.times[name] for name in kept} == {name: times[name] for name in kept}
    np.testing.assert_allclose(
        [clip["logits"] for clip in run.folds[fold]["clips"]],
        [clip["logits"] for clip in before[fold]["clips"]],
        atol=1e-4,
    )


def test_searches_in_every_fold_are_trained_by_architecture(bench, tmp_path):
    """Each fold draws a genotype of its own: nothing can be stacked, and nothing is missing."""
    scope = ("--set", "protocol.search_scope=fold")
    outcome = bench.small(tmp_path, "random_rnas_mer", *TOGETHER, *scope)
    assert outcome.code == 0, outcome.err
    assert len(only_run(tmp_path).folds) == 3


def test_fixed_networks_too(bench, tmp_path):
    outcomes = [
        bench.small(tmp_path / "together", "ststnet", *TOGETHER),
        bench.small(tmp_path / "alone", "ststnet", "--executor", "serial"),
    ]
    assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
    found, expected = (logits(only_run(tmp_path / name)) for name in ("together", "alone"))
    np.testing.assert_allclose(list(found.values()), list(expected.values()), atol=1e-4)


def test_networks_with_dropout_are_trained_one_at_a_time(bench, tmp_path):
    outcome = bench.small(tmp_path, "off_apexnet", *TOGETHER)
    assert outcome.code == 0, outcome.err
    assert len(only_run(tmp_path).folds) == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--jobs", "2"), "compute.folds_at_once=2 with --jobs or --executor"),
        (("--set", "compute.compile=default"), "with compute.compile=default"),
        (("--set", "compute.folds_at_once=0"), "expected a number from 1"),
    ],
)
def test_what_does_not_go_together_is_said(bench, tmp_path, more, said):
    outcome = bench.small(tmp_path, "random_rnas_mer", *merged(TOGETHER, more))
    assert outcome.code == 2
    assert said in outcome.error
