"""The picture, the table and the statement of `bench ablate`."""

from __future__ import annotations

import csv
import io

import pytest
from looks import cut_off, overlapping, texts, words_on

from reports.studies.ablation import (
    ablation_csv,
    ablation_marks,
    ablation_page,
    draw_ablation,
    statement,
)


def row(title, acts, estimate, p, variant="rnas_mer_3", trained=1.0):
    low, high = estimate - 0.04, estimate + 0.05
    score = {"estimate": estimate, "low": low, "high": high, "p": p / 3, "spread": 0.02}
    return {
        "title": title,
        "variant": variant,
        "acts": acts,
        "first": "rnas_mer",
        "second": "other",
        "n": 4,
        "scores": {name: {**score, "p_holm": p} for name in ("uar", "uf1", "acc")},
        "trained": trained,
        "macs_ratio": 1.25,
        "search_macs_ratio": 0.125 if acts == "search" else None,
    }


@pytest.fixture
def record():
    found = {
        "variant": "rnas_mer",
        "dataset": "smic",
        "surrogate": True,
        "preset": "small",
        "protocol": "loso",
        "genotypes": 4,
        "searches": 3,
        "seeds": [0, 1],
        "subjects": 8,
        "leaks": ["search_scope=all"],
        "config": {"data": {"frames": 8, "size": 24}, "train": {"epochs": 40}},
        "rows": [
            row("operation set, equal MACs", "network", 0.061, 0.01, "rnas_mer_2"),
            row("attention", "network", -0.02, 0.6, trained=0.9),
            row("edge normalisation η", "search", 0.11, 0.2, "rnas_mer_4b"),
        ],
        "zero_line": [
            row("rnas_mer", "search", 0.004, 0.9, ""),
            row("edge normalisation η as in rnas_mer_4b", "search", -0.15, 0.5, ""),
        ],
        "networks": [{"trained": 1.0}, {"trained": 0.5}],
    }
    return {**found, "marks": ablation_marks(found)}


def test_every_word_is_legible(record):
    figure = draw_ablation(record)
    boxes = texts(figure)
    assert not cut_off(figure, boxes)
    assert not overlapping(boxes)
    assert any("SMIC-HS (surrogate)" in words for words in words_on(figure))


def test_each_row_has_its_point_its_interval_and_a_hollow_mark_where_not_trained(record):
    axes = draw_ablation(record).axes[0]
    points = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    rows = [*record["rows"], *record["zero_line"]]
    assert [point.get_xdata()[0] for point in points] == [
        row["scores"]["uar"]["estimate"] for row in rows
    ]
    hollow = [point.get_markerfacecolor() == "white" for point in points]
    assert hollow == [row["trained"] < 0.95 for row in rows]
    bars = {tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2}
    for each in rows:
        assert (each["scores"]["uar"]["low"], each["scores"]["uar"]["high"]) in bars
    assert (0, 0) in bars  # the zero line
    places = [point.get_ydata()[0] for point in points]
    assert places == [1, 2, 4, 6, 7]  # headings between them


def test_one_side_alone_is_drawn(record):
    alone = {**record, "rows": record["rows"][:2], "zero_line": []}
    boxes = texts(draw_ablation(alone))
    assert not overlapping(boxes)
    assert not any("Search minus" in words for words in words_on(draw_ablation(alone)))


def test_marks(record):
    assert record["marks"] == ("surrogate", "searches leaky: search_scope=all", "not trained")


def test_the_statement_follows_from_the_table(record):
    said = statement(record)
    assert "operation set, equal MACs +0.061 (+0.021 to +0.111)" in said
    assert "correction operation set, equal MACs (in the network) is distinguishable" in said
    assert "Of the networks 75% are trained" in said
    for each in record["rows"]:
        each["scores"]["uar"]["p_holm"] = 0.3
    assert "correction none is distinguishable" in statement(record)
    for each in record["rows"]:
        each["scores"]["uar"]["p_holm"] = 0.03
    both = "operation set, equal MACs (in the network), attention (in the network) and edge"
    assert f"correction {both} normalisation η (in the search) are" in statement(record)


def test_page_and_csv_have_a_line_a_row(record):
    lines = ablation_page(record).splitlines()
    assert sum(line.startswith("| ") for line in lines) == 1 + 5
    assert any("90% not trained" in line for line in lines)
    over = "edge normalisation η as in rnas_mer_4b over random search"
    assert any(over in line for line in lines)
    (first, *others) = csv.DictReader(io.StringIO(ablation_csv(record)))
    assert len(others) == 4
    assert float(first["uar_estimate"]) == 0.061
    assert (first["acts"], first["part"], first["n"]) == ("network", "rows", "4")
