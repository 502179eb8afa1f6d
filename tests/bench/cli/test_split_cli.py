"""Other splits than leave one subject out: run, sound, named wherever scores stand, never mixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_runs import Run

SPLITS = {
    "loso": (),
    "kfold": ("protocol.split=kfold", "protocol.folds=2"),
    "lodo": ("protocol.split=lodo",),
    "one": ("protocol.split=lodo", "protocol.test_sets=SAMM"),
}
NAMES = {"kfold": "k folds: 2 by subject", "lodo": "data set left out"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Path:
    """Two data sets of three people and six clips each; only one person of samm is surprised."""
    folder = tmp_path_factory.mktemp("two")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8)
    rows = ["dataset,subject,clip,label,frames"]
    for name in ("smic", "samm"):
        for person in "123":
            labels = ("negative", "surprise" if name + person == "samm1" else "positive")
            for label in labels:
                clip = f"{name}{person}{label[0]}"
                np.save(folder / f"{clip}.npy", pixels + len(rows))
                rows.append(f"{name},{name}{person},{clip},{label},{clip}.npy")
    path = folder / "two.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def runs(bench, manifest, tmp_path_factory):
    """Run folder by split, all below one folder."""
    folder = tmp_path_factory.mktemp("splits")
    found = {}
    for name, settings in SPLITS.items():
        before = set(folder.glob("*/*/*/seed0"))
        outcome = bench(
            *("run", "--variant", "majority", "--dataset", f"manifest:{manifest}"),
            *("--preset", "smoke", "--runs", folder, "--set", "data.subject_count=0"),
            *(word for each in settings for word in ("--set", each)),
        )
        assert outcome.code == 0, outcome.err
        (path,) = set(folder.glob("*/*/*/seed0")) - before
        found[name] = (Run(path), outcome)
    return folder, found


@pytest.mark.parametrize(
    ("split", "folds", "clips"),
    [
        ("kfold", {"fold-01", "fold-02"}, 12),
        ("lodo", {"smic", "samm"}, 12),
        ("one", {"samm"}, 6),
    ],
)
def test_every_clip_is_answered_by_those_who_have_not_seen_its_subject(
    bench, runs, split, folds, clips
):
    run, outcome = runs[1][split]
    assert set(run.folds) == folds
    for name, fold in run.folds.items():
        assert fold["subject"] == name
        tested = {f"{clip['dataset']}/{clip['subject']}" for clip in fold["clips"]}
        assert not tested & set(fold["trained_on"])
    metrics = run.json("metrics.json")
    assert metrics["clips"] == clips == run.json("run.json")["data"]["clips"]
    assert metrics["protocol"]["split"].startswith(NAMES.get(split, "data set left out: tested"))
    assert f"({metrics['protocol']['split']}, pooled" in outcome.out
    assert bench("validate", run.path).code == 0, bench("validate", run.path).out


def test_a_class_that_folds_train_without_is_told_and_kept(runs):
    _, found = runs
    told = {"loso": "1 of 6 folds train without a clip of it: samm1", "lodo": "1 of 2 folds train"}
    for name, what in told.items():
        assert f"absent: surprise: {what}" in found[name][1].err
    problems = found["loso"][0].json("run.json")["data"]["problems"]
    kinds = [each["kind"] for each in problems]  # no release has such names of subjects
    assert kinds == ["identity", "identity", "absent"]


def test_the_split_is_a_mark_wherever_it_is_compared_on_purpose(bench, runs):
    paths = [runs[1][name][0].path for name in ("loso", "kfold", "lodo")]
    outcome = bench("compare", *paths, "--across-protocols", "--format", "md")
    assert outcome.code == 0, outcome.err
    for mark in ("k folds: 2 by subject", "data set left out", "trained without a class"):
        assert mark in outcome.out


def test_runs_of_two_splits_are_compared_on_purpose_only(bench, runs):
    folds, sets = (runs[1][name][0].path for name in ("kfold", "lodo"))
    outcome = bench("compare", folds, sets)
    assert "split: k folds: 2 by subject against data set left out" in outcome.error
    assert "--across-protocols" in outcome.error


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        (("split=kfold", "folds=7"), "7 folds of 6 subject(s); expected"),
        (("split=lodo", "test_sets=casme2"), "casme2"),
        (("split=kfold", "folds=1"), "protocol.folds"),
    ],
)
def test_a_split_that_cannot_be_made_is_one_line(bench, manifest, tmp_path, settings, what):
    outcome = bench(
        *("run", "--variant", "majority", "--dataset", f"manifest:{manifest}"),
        *("--preset", "smoke", "--runs", tmp_path, "--set", "data.subject_count=0"),
        *(word for each in settings for word in ("--set", f"protocol.{each}")),
    )
    assert outcome.code != 0 and what in outcome.error
    assert not list(tmp_path.iterdir())
