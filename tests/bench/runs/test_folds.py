"""The share of trained folds, from the losses of folds and in metrics of every age."""

from __future__ import annotations

import json
from math import log

import pytest

from bench.runs.folder import RunFolder
from bench.runs.folds import ClipRecord, FoldRecord, trained_share
from bench.runs.record import read_run


def fold(*losses):
    return FoldRecord(subject="s", clips=(), losses=losses)


def test_a_fold_is_trained_by_its_last_loss():
    assert trained_share([fold(9.0, 0.69 * log(3)), fold(0.1, 0.71 * log(3))], 3) == 0.5
    assert trained_share([fold(0.71 * log(3))], 5) == 1


def test_folds_without_losses_do_not_count():
    assert trained_share([fold(), fold(0.1)], 3) == 1
    assert trained_share([fold()], 3) is None


@pytest.mark.parametrize(
    ("logits", "tied"),
    [
        ([(0.1, 0.5, 0.5), (2.0, 2.0, 2.0), (0.0, 0.0, 1.0)], 2),
        ([(float("-inf"), 0.0, 0.0)], 1),
        ([(0.3, 0.2, 0.2), (0.1, 0.2, 0.2000001)], 0),
        ([(), ()], 0),
    ],
)
def test_classes_that_share_the_largest_logit_are_counted(logits, tied):
    clips = [ClipRecord(dataset="d", clip="c", true=0, pred=0, logits=row) for row in logits]
    assert FoldRecord(subject="s", clips=tuple(clips)).tied == tied


@pytest.fixture
def folder(tmp_path):
    """Two finished folds, one of them trained, in a run that is older than the share."""
    place = RunFolder(tmp_path / "seed0")
    losses = {"a": [1.2, 0.2], "b": [1.2, 1.0]}
    run = {"dataset": "smic", "surrogate": True, "variant": "rnas_mer", "preset": "small"}
    run |= {"config_hash": "aaaa1111", "seed": 0, "folds": list(losses), "config": {}}
    for name, each in losses.items():
        write(place.fold(name), {"subject": name, "clips": [], "losses": each})
    write(place.run, {**run, "data": {"classes": ["x", "y", "z"]}})
    write(place.metrics, {"uar": 0.5})
    return place


def write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


def test_older_metrics_leave_it_to_the_folds(folder):
    assert read_run(folder).trained == 0.5
    write(folder.metrics, {"trained": 0.25})
    assert read_run(folder).trained == 0.25


def test_it_is_unknown_for_other_losses_and_unreadable_folds(folder):
    run = json.loads(folder.run.read_text())
    write(folder.run, {**run, "kind": "fixed", "network": {"recipe": {"loss": "margin"}}})
    assert read_run(folder).trained is None
    write(folder.run, run)
    folder.fold("a").write_text("{")
    assert read_run(folder).trained is None
