"""`bench compare` on runs that the harness made."""

from __future__ import annotations

import json

from tiny_runs import only_run


def test_a_search_beside_its_random_control(bench, searched_runs, random_runs):
    searched, drawn = only_run(searched_runs), only_run(random_runs)
    arguments = ("compare", searched.path, drawn.path, "--draws", 200)
    outcome = bench(*arguments, "--format", "json")
    assert outcome.code == 0, outcome.err
    (found,) = json.loads(outcome.out)["comparisons"]
    (pair,) = found["pairs"]
    own = {run.json("run.json")["variant"]: run.json("metrics.json") for run in (searched, drawn)}
    for metric in ("uar", "uf1", "acc"):
        difference = own["rnas_mer_3"][metric] - own["random_rnas_mer"][metric]
        assert abs(pair["differences"][metric]["estimate"] - difference) < 1e-12
    assert found["surrogate"] is True
    assert "leaky: search_scope=all" in found["entries"][0]["marks"]


def test_one_run_alone_is_one_line(bench, searched_runs):
    outcome = bench("compare", only_run(searched_runs).path)
    assert outcome.code == 1
    assert "no two configurations on the same data set" in outcome.error


def test_two_rules_of_one_run(bench, composite_runs):
    run = only_run(composite_runs)
    rules = ("--selection", "last", "--selection", "oracle")
    outcome = bench("compare", run.path, *rules, "--draws", 200, "--format", "json")
    assert outcome.code == 0, outcome.err
    (found,) = json.loads(outcome.out)["comparisons"]
    own = run.json("metrics.json")["selections"]
    assert [entry["scores"]["uar"]["mean"] for entry in found["entries"]] == [
        own[rule]["uar"] for rule in ("last", "oracle")
    ]
    assert [entry["leaky"] for entry in found["entries"]] == [False, True]
    assert (found["clips"], found["subjects"]) == (own["last"]["clips"], own["last"]["subjects"])
