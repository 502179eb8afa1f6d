"""The picture of `bench enumerate`."""

from __future__ import annotations

import numpy as np
import pytest
from looks import cut_off, overlapping, texts, words_on

from reports.studies.enumeration import draw_enumeration
from rnas.trellis import OPEN

TAU = {"estimate": 0.25, "low": -0.1, "high": 0.5}


def record(*names, decoded=(2, 2, 2, 4, 8, 16)):
    uniform = OPEN.uniform()
    paths = [
        {
            "path": list(path),
            **{name: OPEN.probability(path, uniform) for name in names},
            "uar": 0.3 + place / 100,
        }
        for place, path in enumerate(OPEN.paths())
    ]
    return {
        "variant": "rnas_mer",
        "dataset": "smic",
        "surrogate": True,
        "preset": "smoke",
        "seed": 0,
        "subjects": 4,
        "config": {"data": {"frames": 8, "size": 24}, "train": {"epochs": 12}},
        "cell": {"edges": [], "operations": ["add_1_3", "skip", "conv_3", "max_3_5"]},
        "paths": paths,
        "tau": {"uar": dict.fromkeys(names, TAU)},
        "decoded": {"path": list(decoded)} if "beta" in names else None,
        "uniform": {"path": [4, 8, 16, 16, 16, 16]},
    }


@pytest.mark.parametrize("names", [("beta", "uniform"), ("uniform",)])
def test_every_word_is_legible(names):
    figure = draw_enumeration(record(*names))
    boxes = texts(figure)
    assert not cut_off(figure, boxes)
    assert not overlapping(boxes)
    assert any("SMIC-HS (surrogate)" in words for words in words_on(figure))


@pytest.mark.parametrize(
    ("probabilities", "scores", "ticks"),
    [
        ((0.015, 0.05), (0.36, 0.41), ["2 %", "3 %", "4 %", "5 %"]),
        ((0.0235, 0.0241), (0.5, 0.505), ["2.36 %", "2.38 %", "2.4 %"]),
        ((0.008, 0.12), (0.2, 0.9), ["1 %", "2 %", "5 %", "10 %"]),
        ((1e-6, 0.5), (0.0, 1.0), ["0.0001 %", "0.01 %", "1 %"]),
        ((1e-30, 0.9), (0.0, 1.0), None),
        ((0.02, 0.02), (0.5, 0.5), None),
    ],
)
def test_ticks_of_narrow_and_wide_ranges_are_round_and_leave_room(probabilities, scores, ticks):
    found = record("beta", "uniform")
    across = np.geomspace(*probabilities, len(found["paths"]))
    for path, probability, uar in zip(
        found["paths"], across, np.linspace(*scores, len(across)), strict=True
    ):
        path |= {"beta": probability, "uar": uar}
    figure = draw_enumeration(found)
    boxes = texts(figure)
    assert not cut_off(figure, boxes)
    assert not overlapping(boxes)
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        assert len([each for each in axis.get_ticklabels(which="both") if each in boxes]) >= 2
    shown = [each.get_text() for each in figure.axes[0].get_xticklabels(which="both")]
    assert ticks is None or shown == ticks


def test_every_path_is_a_point_and_the_decoded_one_a_star():
    axes = draw_enumeration(record("beta", "uniform")).axes[0]
    points, square, star = axes.lines
    assert len(points.get_xdata()) == 42
    decoded = list(OPEN.paths()).index((2, 2, 2, 4, 8, 16))
    assert (star.get_marker(), star.get_ydata()[0]) == ("*", pytest.approx(0.3 + decoded / 100))
    assert square.get_xdata()[0] == pytest.approx(1 / 8)
    assert "τ = +0.25 (-0.10 to +0.50)" in [text.get_text() for text in axes.texts]


def test_the_star_lies_above_the_square_where_they_are_one():
    axes = draw_enumeration(record("beta", "uniform", decoded=(4, 8, 16, 16, 16, 16))).axes[0]
    assert [line.get_marker() for line in axes.lines] == ["o", "s", "*"]
