"""The picture of `bench enumerate`."""

from __future__ import annotations

import pytest
from looks import cut_off, overlapping, texts, words_on

from reports.figures.enumeration import draw_enumeration
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
