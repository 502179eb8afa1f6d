"""Searched variants and their controls on optical flow: ready images, and flow of clips."""

from __future__ import annotations

import json

from tiny_runs import SIZES, merged, only_run

IMPLIED = "data.frames=1, data.representation=flow, data.size=28 by the data"
ONE_EPOCH = ("search.epochs=1", "train.epochs=1")


def test_a_search_runs_on_ready_flow_images(bench, flows, runs):
    sizes, epochs = (
        [word for each in group for word in ("--set", each)] for group in (SIZES, ONE_EPOCH)
    )
    sizes = merged(sizes, epochs)
    command = ("run", "--variant", "rnas_mer_3", "--dataset", f"manifest:{flows}", *sizes)
    outcome = bench(*command, "--preset", "smoke", "--runs", runs)
    assert outcome.code == 0, outcome.err
    assert outcome.err.count(IMPLIED) == 1
    run = only_run(runs)
    data = run.json("run.json")["config"]["data"]
    assert (data["representation"], data["frames"], data["size"]) == ("flow", 1, 28)
    assert run.json("profile.json")["input_shape"] == [3, 1, 28, 28]
    assert run.json("metrics.json")["clips"] == 9
    told = bench("validate", run.path)
    assert told.code == 0 and told.err == f"{run.path}: compared with {flows}\n"
    (answer,) = json.loads(bench("validate", run.path, "--format", "json").out)
    assert answer["manifest"] == str(flows) and not answer["unchecked"]
    prepare = ("data", "prepare", "--dataset", f"manifest:{flows}", "--jobs", 1)
    prepared = bench(*prepare, "--verify", 2)
    assert prepared.code == 0, prepared.err
    assert "1×28×28×3" in prepared.out
    before = run.times
    assert bench(*command, "--preset", "smoke", "--runs", runs).code == 0
    assert run.times == before


def test_a_control_runs_on_the_flow_of_clips(bench, runs):
    flow = ("--set", "data.representation=flow", "--set", "data.flow_side=16")
    outcome = bench.small(runs, "random_rnas_mer", *flow)
    assert outcome.code == 0, outcome.err
    run = only_run(runs)
    assert run.json("run.json")["config"]["data"]["representation"] == "flow"
    assert run.json("profile.json")["input_shape"] == [3, 4, 8, 8]
    prepared = bench(
        *("data", "prepare", "--dataset", "smic", "--surrogate", "--preset", "smoke", *flow),
        *("--set", "data.frames=4", "--set", "data.size=8", "--inputs", "clip"),
        *("--set", "data.subject_count=3", "--verify", 2, "--jobs", 1),
    )
    assert prepared.code == 0, prepared.err
    assert "clip: 2 of 2 made anew are the same" in prepared.out


def test_those_of_a_group_that_need_frames_are_left_out_and_named(bench, flows, runs):
    command = ("run", "--dataset", f"manifest:{flows}", "--preset", "smoke", "--runs", runs)
    outcome = bench(*command, "--variant", "classical")
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("flow images: lbp_top, linear_difference\n") == 1
    made = {path.parent.parent.name for path in runs.glob("*/*/*/seed0")}
    assert made == {"majority", "linear_flow"}
    asked = bench(*command, "--variant", "lbp_top")
    assert asked.code == 1 and "is given as a ready flow image; expected its frames" in asked.error
