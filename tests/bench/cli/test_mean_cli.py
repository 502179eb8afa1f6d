"""Several runs' answers to the same clips, averaged: `bench export RUN RUN`."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from compared_runs import right, right_for, write_run, wrong_every

from bench.runs.folder import RunFolder
from bench.scoring.mean import mean_log


def with_logits(folder, sure: float, drop: str = ""):
    """The run with logits that are `sure` of its answers; none in the fold `drop`."""
    for file in sorted(RunFolder(folder).fold("x").parent.glob("*.json")):
        fold = json.loads(file.read_text())
        for clip in fold["clips"]:
            logits = [sure if place == clip["pred"] else 0.0 for place in range(3)]
            clip["logits"] = [] if fold["subject"] == drop else logits
        file.write_text(json.dumps(fold))
    return folder


def answers(log):
    return {answer.key: answer.pred for answer in log.predictions.answers}


def test_the_surest_is_followed(tmp_path):
    runs = [
        with_logits(write_run(tmp_path, "rnas_mer", right_for("s01")), 1.0),
        with_logits(write_run(tmp_path, "rnas_mer_3", wrong_every(2), scope="fold"), 3.0),
    ]
    log = mean_log(runs)
    assert answers(log) == answers(mean_log(runs[1:]))
    assert log.protocol["leaks"] == ["search_scope=all"] and log.protocol["leaky"]
    assert log.protocol["search_scope"] is None and log.protocol["selection"] == "last"
    assert log.protocol["surrogate"]


def test_it_is_the_mean_of_probabilities_not_of_logits(tmp_path):
    """Two runs sure of one class, a third surer still of another: of logits its class would win."""
    runs = [
        with_logits(write_run(tmp_path, "rnas_mer", right, seed=0), 4.0),
        with_logits(write_run(tmp_path, "rnas_mer", right, seed=1), 4.0),
        with_logits(write_run(tmp_path, "rnas_mer", right_for(), seed=2), 20.0),
    ]
    assert np.all(mean_log(runs).predictions.right)


def test_the_export_is_scored_and_compared_as_any_log(bench, tmp_path):
    runs = [
        with_logits(write_run(tmp_path / "runs", "rnas_mer", wrong_every(3, seed), seed=seed), 2.0)
        for seed in (0, 1, 2)
    ]
    out = tmp_path / "mean.json"
    assert bench("export", *runs, "--format", "json", "--out", out).code == 0
    assert [each["seed"] for each in json.loads(out.read_text())["source"]["mean of"]] == [0, 1, 2]
    found = json.loads(bench("score", out, "--format", "json", "--draws", 0).out)
    assert found["uar"] == 1 and found["protocol"]["surrogate"]
    assert found["protocol"]["leaks"] == ["search_scope=all"]
    mean = "mean of rnas_mer seed 0, rnas_mer seed 1, rnas_mer seed 2"
    assert mean in found["protocol"]["marks"]
    assert mean in bench("score", out, "--draws", 0).out
    compared = bench("compare", out, runs[0], "--draws", 100)
    assert compared.code == 0 and "surrogate" in compared.out and mean in compared.out


def test_a_log_stands_beside_runs_on_its_clips_whatever_their_set_is_called(bench, tmp_path):
    run = with_logits(write_run(tmp_path / "runs", dataset="manifest-mine"), 1.0)
    for fold in RunFolder(run).fold("x").parent.glob("*.json"):
        fold.write_text(fold.read_text().replace("manifest-mine", "lab"))
    out = tmp_path / "log.json"
    assert bench("export", run, "--format", "json", "--out", out).code == 0
    compared = bench("compare", out, run, "--draws", 100)
    assert compared.code == 0 and compared.out.startswith("manifest-mine surrogate: 48 clips")


@pytest.mark.parametrize(
    ("others", "drop", "twice", "told"),
    [
        ({"people": ("s01", "s02")}, "", False, "has other clips or labels than"),
        ({"relabel": lambda subject, number: 0}, "", False, "has other clips or labels than"),
        ({"surrogate": False}, "", False, "has generated clips"),
        ({"fingerprint": "g"}, "", False, "clips of the same names with other frames"),
        ({}, "s03", False, "s03.json records no logits of c0"),
        ({}, "", True, "seed0 again (a copy or a link)"),
    ],
)
def test_what_has_no_mean(bench, tmp_path, others, drop, twice, told):
    one = with_logits(write_run(tmp_path, seed=0), 1.0)
    other = with_logits(write_run(tmp_path, seed=1, **others), 1.0, drop)
    outcome = bench("export", one, one if twice else other)
    assert outcome.code and told in outcome.err and outcome.err.count("\n") == 1


def test_copies_and_runs_on_frames_cropped_anew(bench, tmp_path):
    one = with_logits(write_run(tmp_path, seed=0), 1.0)
    copied = shutil.copytree(one, tmp_path / "copy")
    assert "again (a copy or a link)" in bench("export", one, copied).err
    cropped = with_logits(write_run(tmp_path, seed=1, fingerprint="g"), 1.0)
    assert bench("export", one, cropped, "--other-frames").code == 0


def test_options_that_do_not_go_with_several(bench, tmp_path):
    runs = [with_logits(write_run(tmp_path, seed=seed), 1.0) for seed in (0, 1)]
    assert "no --selection" in bench("export", *runs, "--selection", "last").err
    model = tmp_path / "net.safetensors"
    model.write_bytes(b"")
    assert "name one model file" in bench("export", runs[0], model).err
