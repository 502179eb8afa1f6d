"""`bench leakage`: ordinary runs, resumed, and the table, JSON and picture made of them."""

from __future__ import annotations

import json

import pytest

VARIANT = "ststnet"  # small, and nothing is searched
NO_CLIP_TOO_FEW = ("--set", "data.frames=2", "--set", "recipe_epochs=3")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leakage")
    return folder / "runs", folder / "out"


@pytest.fixture(scope="module")
def ask(bench, places):
    runs, out = places

    def command(*arguments, variant=VARIANT):
        wanted = (*NO_CLIP_TOO_FEW, *arguments)
        return bench.small(runs, variant, "--out", out, *wanted, command="leakage")

    return command


@pytest.fixture(scope="module")
def record(ask, places):
    outcome = ask("--format", "json")
    assert outcome.code == 0, outcome.err
    (record,) = json.loads(outcome.out)
    return record


def test_the_file_holds_the_table_with_its_provenance(record, places):
    (file,) = places[1].glob("*.json")
    assert file.name == "smic-surrogate-ststnet.json"
    assert json.loads(file.read_text()) == record
    assert (record["permutations"], record["surrogate"], record["kind"]) == (20, True, "fixed")
    assert record["provenance"]["packages"]["torch"]
    assert [(c["search_scope"], c["selection"], c["leaky"]) for c in record["cells"]] == [
        ("none", "last", False),
        ("none", "inner_val", False),
        ("none", "oracle", True),
    ]
    for cell in record["cells"]:
        for name in ("uar", "uf1"):
            score = cell[name]
            assert score["true"]["low"] <= score["true"]["estimate"] <= score["true"]["high"]
            assert len(score["shuffled"]["values"]) == 20
            assert 1 / 21 <= score["p"] <= 1
    assert len(record["runs"]) == 21


def test_the_runs_are_ordinary_ones_each_with_labels_of_its_own(bench, record, places):
    outcome = bench("validate", places[0])
    assert outcome.out == "21 of 21 runs complete and clean\n"
    listed = json.loads(bench("list", "runs", "--runs", places[0], "--format", "json").out)
    assert len(listed) == 21
    labels = set()
    for path in places[0].glob("*/*/*/seed*"):
        folds = sorted((path / "folds").glob("*.json"))
        clips = [clip for fold in folds for clip in json.loads(fold.read_text())["clips"]]
        labels.add(tuple(clip["true"] for clip in clips))
        metrics = json.loads((path / "metrics.json").read_text())["selections"]
        assert metrics["oracle"]["acc"] >= metrics["last"]["acc"]  # on every fold of these weights
    assert len(labels) > 15


def test_a_second_call_only_reads(ask, record, places):
    before = {path: path.stat().st_mtime_ns for path in places[0].rglob("*.json")}
    outcome = ask()
    assert outcome.code == 0
    assert {path: path.stat().st_mtime_ns for path in places[0].rglob("*.json")} == before
    table = outcome.out
    assert "ststnet on smic (surrogate), preset smoke, not trained: 0 % of folds, 3 subj" in table
    assert "20 permutations of the labels" in table
    assert "leaky" in table and "oracle over last (search_scope=none)" in table


def test_pictures_lie_beside_the_file(record, places):
    assert {path.suffix for path in places[1].iterdir()} == {".json", ".png", ".svg"}


def test_a_search_needs_both_scopes(ask, places):
    outcome = ask("--dry-run", variant="rnas_mer_3")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert len(lines) == 2 * 21
    assert all("0 done already" in line for line in lines)
    assert not list(places[0].glob("*/rnas_mer_3"))


def test_fewer_than_twenty_permutations_are_refused(ask):
    outcome = ask("--permutations", "5")
    assert outcome.code == 2
    assert "20" in outcome.error


def test_failed_runs_are_told_in_one_line(ask):
    outcome = ask(
        "--set", "train.recipe=harness", "--set", "train.lr=1e9", "--set", "train.epochs=3"
    )
    assert outcome.code == 1
    assert "units failed, first ststnet: fold " in outcome.err.splitlines()[-1]
