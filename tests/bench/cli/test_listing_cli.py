"""`bench list`: variants, data sets, presets and runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_runs import only_run, without_seals

from baselines.peers import PEERS
from bench.methods.registry import variants

KEYS = {
    "parameters",
    "input",
    "recipe",
    "pretraining",
    "released_selection",
    "deviations",
    "marks",
    "reference",
}


def test_long_for_machines_adds_to_what_is_listed(bench):
    short = json.loads(bench("list", "variants", "--format", "json").out)
    long = json.loads(bench("list", "variants", "--long", "--format", "json").out)
    assert [{key: row[key] for key in short[0]} for row in long] == short
    assert all(set(row) == KEYS | set(short[0]) for row in long)
    rows = {row["name"]: row for row in long}
    for entry in PEERS:
        row = rows[entry.name]
        assert row["parameters"] == entry.params
        assert row["input"] == entry.input_text
        assert row["released_selection"] == entry.released_selection
        assert row["deviations"] == list(entry.deviations)
        assert row["marks"] == list(entry.marks)
    assert rows["rnas_mer"]["parameters"] is None
    assert rows["rnas_mer"]["input"] == "clip"


def test_long_for_readers_says_all_of_it(bench):
    text = bench("list", "variants", "--long").out
    words = " ".join(text.split())
    assert all(f"{name} (" in words for name in variants())
    assert "1,683" in words
    for entry in PEERS:
        assert all(" ".join(text.split()) in words for text in entry.deviations)
    lines = text.splitlines()
    assert all(len(line) <= 100 for line in lines if line.startswith("  "))


class TestLists:
    @pytest.mark.parametrize(
        ("what", "keys"),
        [
            ("variants", {"name", "group", "kind", "summary"}),
            ("datasets", {"name", "title", "summary"}),
            ("presets", {"name", "summary"}),
            ("strategies", {"name", "summary", "package"}),
            ("operations", {"name", "summary", "package"}),
        ],
    )
    def test_as_json_and_as_table_name_the_same(self, bench, what, keys):
        rows = json.loads(bench("list", what, "--format", "json").out)
        assert rows
        assert all(set(row) == keys and all(row.values()) for row in rows)
        table = bench("list", what).out
        assert [row["name"] for row in rows] == [line.split()[0] for line in table.splitlines()[2:]]

    def test_what_a_package_brings_is_listed_with_it(self, bench, install_package):
        source = '"""Four draws.\n\nThe best of them."""\nraise RuntimeError("imported")'
        group = {"bench.strategies": {"four": "draws:Four"}, "bench.operations": {"o": "draws:O"}}
        install_package(source, group, "draws")
        for what, name in (("strategies", "four"), ("operations", "o")):
            rows = json.loads(bench("list", what, "--format", "json").out)
            assert {"name": name, "summary": "Four draws.", "package": "draws"} in rows

    def test_settings_of_a_preset(self, bench):
        from bench.config.loading import load_config
        from bench.config.settings import settings_table

        rows = json.loads(bench("list", "presets", "smoke", "--format", "json").out)
        assert [row["setting"] for row in rows] == [key for key, *_ in settings_table()]
        values = {row["setting"]: row["value"] for row in rows}
        assert values["search.epochs"] == load_config("smoke").search.epochs

    def test_runs(self, bench, finished):
        (row,) = json.loads(bench("list", "runs", "--runs", finished, "--format", "json").out)
        assert (row["variant"], row["dataset"]) == ("random_rnas_mer", "smic (surrogate)")
        assert row["folds"] == "3/3"
        assert row["uar"] == only_run(finished).json("metrics.json")["uar"]
        assert row["marks"].startswith("surrogate; smoke: nothing converged; ")
        assert row["marks"] in bench("list", "runs", "--runs", finished).out
        assert Path(row["folder"]) == only_run(finished).path

    def test_a_configuration_that_reads_like_a_number_is_shown_as_it_is(self, bench, finished):
        without_seals(only_run(finished))
        own = only_run(finished).path.parent
        file = own.rename(own.with_name("smoke-12345e67")) / "seed0/run.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "config_hash": "12345e67"}))
        assert " 12345e67 " in bench("list", "runs", "--runs", finished).out

    def test_runs_names_what_it_cannot_read(self, bench, finished):
        (only_run(finished).path / "run.json").write_text("{")
        outcome = bench("list", "runs", "--runs", finished)
        assert outcome.code == 1
        assert outcome.out == "none\n"
        assert outcome.err.startswith("skipped: ")
        assert "run.json" in outcome.err

    @pytest.mark.parametrize(("content", "named"), [("[1]", True), ("7", True), ("{}", False)])
    def test_runs_are_listed_whatever_their_metrics_hold(self, bench, finished, content, named):
        without_seals(only_run(finished))
        (only_run(finished).path / "metrics.json").write_text(content)
        outcome = bench("list", "runs", "--runs", finished)
        assert outcome.code == int(named)
        assert ("metrics.json holds no results" in outcome.err) is named
        assert ("random_rnas_mer" in outcome.out) is not named

    def test_no_runs(self, bench, runs):
        assert bench("list", "runs", "--runs", runs).out == "none\n"
