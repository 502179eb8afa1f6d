"""Hand-designed methods in the tables: their runs, their marks, what the footnotes say of them."""

from __future__ import annotations

import json

import pytest
from built_tables import table

from bench.methods.registry import variants
from reports.published import published_only
from reports.tables.render import render


def row_of(built, variant):
    return next(row for row in built.rows if row.variant == variant)


@pytest.mark.parametrize(
    ("number", "method", "variant"),
    [
        (2, "Dual_Inc", "dual_inception"),
        (2, "STSTNet", "ststnet"),
        (2, "NMER", "nmer"),
        (2, "CapsuleNet", "capsulenet"),
        (2, "ICE-GAN", "ice_gan"),
        (2, "RCN-F", "rcn_f"),
        (2, "Graph-CNN", "lei_graph_cnn"),
        (5, "LEARNet", "learnet"),
        (5, "ICE-GAN", "ice_gan"),
        (5, "DualInc", "dual_inception"),
    ],
)
def test_runs_stand_beside_the_row_of_the_paper(record, number, method, variant):
    profile = {"params": variants()[variant].network.params, "checkpoint_mb": 1.0}
    row = row_of(table(number, record(variant=variant, uar=0.6, profile=profile)), variant)
    assert row.method == method
    assert row.source == "measured"
    assert any(row.published.values())
    assert any(row.measured.values())


def test_a_network_is_described_in_a_footnote_once_it_has_runs(record):
    assert not any(note.startswith("STSTNet: ") for note in table(2).notes)
    built = table(2, record(variant="ststnet"), record(variant="ststnet", surrogate=True))
    (note,) = [note for note in built.notes if note.startswith("STSTNet: ")]
    network = variants()["ststnet"].network
    words = ("parameters: 1,683", network.input.text, network.recipe.text, "last epoch")
    assert all(word in note for word in (*words, *network.deviations))


def test_what_is_not_the_published_method_is_marked_in_its_row(record):
    row = row_of(table(2, record(variant="capsulenet")), "capsulenet")
    assert row.marks == ("from scratch",)
    built = table(2, record(variant="ice_gan"))
    assert row_of(built, "ice_gan").marks == ("classifier only", "no generator")
    assert any(note.startswith("classifier only: ") for note in built.notes)
    built = table(2, record(variant="lei_graph_cnn"))
    assert row_of(built, "lei_graph_cnn").marks == ("no MagNet", "no landmarks", "no AU labels")
    assert any(note.startswith("no MagNet: ") for note in built.notes)


@pytest.mark.parametrize(
    ("variant", "mark"),
    [
        ("off_tanet", "not in this table"),
        ("r2plus1d_small", "ours, not in the paper"),
        ("rnas_mer_4b", "ours, not in the paper"),
        ("random_rnas_mer_3", "random control"),
    ],
)
def test_a_method_that_the_table_does_not_print_says_what_it_is(record, variant, mark):
    number = 4 if "rnas" in variant else 2
    assert row_of(table(number, record(variant=variant)), variant).marks[0] == mark


@pytest.mark.parametrize("number", [2, 5])
def test_every_row_that_is_published_only_says_why(number):
    built = table(number)
    rows = [row for row in built.rows if row.source == "published only"]
    assert rows
    for row in rows:
        assert row.note == published_only()[row.method]
        assert f"{row.method}: {row.note}" in built.notes


@pytest.mark.parametrize("style", ["md", "latex", "html", "json"])
def test_footnotes_are_in_every_form(record, style):
    text = render([table(2, record(variant="ststnet"))], style)
    assert "1,683" in text
    assert "siamese 3D network" in text


def test_machines_find_the_note_in_its_row(record):
    rows = json.loads(render([table(2, record(variant="ststnet"))], "json"))["rows"]
    notes = {row["method"]: row["note"] for row in rows}
    assert notes["STSTNet"].startswith("parameters: 1,683; input: ")
    assert notes["CLFM"] == published_only()["CLFM"]
    assert notes["RNAS-MER"] == notes["Graph-CNN"] == ""
