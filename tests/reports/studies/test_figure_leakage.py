"""The picture of `bench leakage`."""

from __future__ import annotations

import pytest
from looks import cut_off, overlapping, texts, words_on

from reports.studies.leakage import draw_leakage

INTERVAL = {"low": 0.55, "high": 0.85}
SHUFFLED = {"mean": 0.33, "low": 0.31, "high": 0.35, "band_low": 0.2, "band_high": 0.45}


def record(scopes, shuffled=SHUFFLED):
    score = {"true": {"estimate": 0.7, **INTERVAL}, "shuffled": shuffled}
    return {
        "variant": "random_autodeeplab_3d",
        "dataset": "smic",
        "surrogate": True,
        "preset": "small",
        "seeds": [0, 1],
        "subjects": 16,
        "permutations": 20,
        "config": {"data": {"frames": 8, "size": 24}, "train": {"epochs": 12}},
        "clean": {"search_scope": scopes[0], "selection": "last"},
        "cells": [
            {"search_scope": scope, "selection": rule, "uar": score, "uf1": score}
            for scope in scopes
            for rule in ("last", "inner_val", "oracle")
        ],
    }


@pytest.mark.parametrize("scopes", [("none",), ("fold", "all")])
def test_every_word_is_legible(scopes):
    figure = draw_leakage(record(scopes))
    boxes = texts(figure)
    assert not cut_off(figure, boxes)
    assert not overlapping(boxes)


def test_says_what_is_leaky_and_what_is_generated():
    figure = draw_leakage(record(("fold", "all")))
    ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert ticks == ["last\nepoch", "inner\nvalidation", "oracle\n(leaky)"] * 2
    words = words_on(figure)
    assert words.count("searched on all subjects (leaky)") == 2
    assert any("SMIC-HS (surrogate)" in text for text in words)


def test_true_scores_stand_where_they_are_and_permutations_in_their_band():
    axes = draw_leakage(record(("none",))).axes[0]
    heights = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert heights == [0.7] * 3
    bands = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches]
    assert bands == [pytest.approx((0.2, 0.45))] * 3


def test_without_permutations_only_true_scores_are_drawn():
    missing = dict.fromkeys(SHUFFLED)
    axes = draw_leakage(record(("none",), missing)).axes[0]
    assert not axes.patches
    assert sum(line.get_marker() == "o" for line in axes.lines) == 3
