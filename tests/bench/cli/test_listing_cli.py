"""`bench list variants --long`: what is known of every method."""

from __future__ import annotations

import json

from baselines.peers import PEERS
from bench.registry import variants

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
