"""`bench compare` on runs that the harness made."""

from __future__ import annotations

import json

import pytest
from made_logs import HAND
from tiny_runs import only_run


def test_a_search_beside_its_random_control(bench, searched_runs, random_runs):
    searched, drawn = only_run(searched_runs), only_run(random_runs)
    arguments = ("compare", searched.path, drawn.path, "--draws", 1000)
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
    outcome = bench("compare", run.path, *rules, "--draws", 1000, "--format", "json")
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


@pytest.mark.parametrize("other", ["LAB", "Lab"])
def test_sets_whose_names_differ_in_case_alone_are_said_to(bench, tmp_path, other):
    for name, dataset in (("a", "lab"), ("b", other)):
        rows = "".join(f"{dataset},p{n % 3},c{n},{n % 2},{n % 2}\n" for n in range(9))
        (tmp_path / f"{name}.csv").write_text(f"dataset,subject,clip,true,pred\n{rows}")
    told = bench("compare", tmp_path / "a.csv", tmp_path / "b.csv").error
    assert "names that differ in upper and lower case alone: write one" in told


ROWS = [("labx", "s1", "a", "Fear", "Joy"), ("laby", "s2", "a", "joy", "joy")]


def table(path, rows=ROWS, columns=5):
    titles = ("dataset", "subject", "clip", "true", "pred")
    path.write_text("\n".join(",".join(row[5 - columns :]) for row in (titles, *rows)) + "\n")
    return path


def test_logs_of_the_same_clips_in_another_order_and_spelling_are_compared(bench, tmp_path):
    one = table(tmp_path / "one.csv")
    turned = [(*row[:3], row[3].upper(), row[3]) for row in reversed(ROWS)]
    two = table(tmp_path / "two.csv", turned)
    outcome = bench("compare", one, two, "--draws", 100, "--format", "json")
    assert outcome.code == 0, outcome.err
    (found,) = json.loads(outcome.out)["comparisons"]
    assert (found["clips"], found["dataset"]) == (2, "labx+laby")
    assert [entry["scores"]["acc"]["mean"] for entry in found["entries"]] == [0.5, 1]


def test_logs_of_one_name_are_told_apart_by_their_files(bench, tmp_path):
    (tmp_path / "a").mkdir()
    turned = [(*row[:3], row[3], row[3]) for row in ROWS]
    files = [table(tmp_path / "pred.csv"), table(tmp_path / "a" / "pred.csv", turned)]
    files.append(tmp_path / "pred.txt")
    files[-1].write_text(files[0].read_text() + "\n")
    outcome = bench("compare", *files, "--draws", 100, "--format", "json")
    (found,) = json.loads(outcome.out)["comparisons"]
    assert [entry["name"] for entry in found["entries"]] == [f"pred ({file})" for file in files]


def test_classes_in_another_order_are_taken_by_name(bench, tmp_path):
    folds = [
        {"subject": f"s{n}", "clips": [{"dataset": "lab", "clip": "a", "true": t, "pred": t}]}
        for n, t in enumerate((0, 1))
    ]
    one = tmp_path / "one.json"
    one.write_text(json.dumps({"classes": ["joy", "Fear"], "folds": folds}))
    rows = [("lab", "s0", "a", "joy", "fear"), ("lab", "s1", "a", "fear", "fear")]
    outcome = bench("compare", one, table(tmp_path / "two.csv", rows), "--draws", 100)
    assert outcome.code == 0, outcome.err
    rows[0] = ("lab", "s0", "a", "fear", "joy")
    outcome = bench("compare", one, table(tmp_path / "three.csv", rows), "--draws", 100)
    assert "take other labels as true for 1 clip(s): lab s0 a is joy against fear" in outcome.error


def test_the_data_set_is_filled_where_a_table_does_not_say_it(bench, tmp_path):
    rows = [("labx", *row[1:]) for row in ROWS]
    one, two = table(tmp_path / "one.csv", rows), table(tmp_path / "two.csv", rows, 4)
    arguments = ("compare", one, two, "--draws", 100, "--dataset")
    assert bench(*arguments, "labx").code == 0
    assert "says other data sets" in bench(*arguments, "laby").error
