"""`bench compare` on runs that the harness made."""

from __future__ import annotations

import json

from made_logs import HAND
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


# Predictions made elsewhere


def test_two_logs_are_compared_clip_by_clip(bench, tmp_path):
    one, two = tmp_path / "theirs.txt", tmp_path / "others.csv"
    one.write_text(HAND)
    rows = ["database,subject,file,y_true,y_pred"]
    for line in HAND.splitlines():
        words = line.split()
        if len(words) == 2:
            dataset, subject = words
        else:
            clip, true, _ = words
            rows.append(f"{dataset},{subject},{clip},{true},{true}")
    two.write_text("\n".join(rows) + "\n")
    outcome = bench("compare", one, two, "--draws", 100, "--format", "json")
    assert outcome.code == 0, outcome.err
    (found,) = json.loads(outcome.out)["comparisons"]
    assert [entry["name"] for entry in found["entries"]] == ["theirs", "others"]
    assert (found["clips"], found["subjects"], found["dataset"]) == (8, 3, "casme2+samm")
    assert found["entries"][1]["scores"]["uar"]["mean"] == 1
    assert all("read from a log" in entry["marks"] for entry in found["entries"])
    assert [note.partition(":")[0] for note in found["notes"]] == [
        "with 3 subjects p is at least 0.250 for a pair"
    ]
    difference = found["pairs"][0]["differences"]["acc"]["estimate"]
    assert difference == -sum(len(set(line.split()[1:])) == 2 for line in HAND.splitlines()) / 8


def test_logs_of_other_clips_or_sets_are_one_line(bench, tmp_path):
    one, two, three = (tmp_path / f"{name}.txt" for name in ("one", "two", "three"))
    one.write_text(HAND)
    lines = HAND.splitlines()
    two.write_text("\n".join(lines[:-1]) + "\n")
    three.write_text("\n".join(lines[:4]) + "\n")
    assert "only one has samm 006 006_5_9" in bench("compare", one, two).error
    assert "no two configurations" in bench("compare", one, three).error
    two.write_text(HAND)
    for again in (one, two):
        outcome = bench("compare", one, again)
        assert outcome.code == 2 and f"{again} is {one} again" in outcome.error
