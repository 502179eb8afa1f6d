"""The critical-difference diagram."""

from __future__ import annotations

import numpy as np
import pytest
from looks import cut_off, overlapping, texts, words_on

from bench.scoring.ranking import rank_test
from reports.compare.diagram import draw_ranks
from reports.compare.entries import Entry
from reports.compare.report import Comparison, Plan, Report
from reports.reading.groups import RunGroup

NAMES = ("rnas_mer_4", "rnas_mer", "autodeeplab_3d", "rnas_mer_2", "random_autodeeplab_3d", "off")


@pytest.fixture
def report(record):
    """A report of methods on data sets, ranked by drawn scores; the first is a lot better."""

    def make(methods, datasets=("smic", "samm"), surrogate=True, alike=0.05):
        names = [f"{NAMES[place % len(NAMES)]} (seed {place})" for place in range(methods)]
        drawn = np.random.default_rng(0)
        scores = drawn.uniform(0, alike, (3 * len(datasets), methods))
        scores += np.linspace(0.9, 0.1, methods) * (alike < 1)
        comparisons = [
            Comparison(
                dataset=f"{dataset}{'-surrogate' * surrogate}",
                entries=tuple(
                    Entry(
                        name,
                        RunGroup((record(variant=name, dataset=dataset, surrogate=surrogate),)),
                        (),
                    )
                    for name in names
                ),
                pairs=(),
                controls=(),
                agreement=None,
                intervals={},
                notes=(),
            )
            for dataset in datasets
        ]
        return Report(Plan("uar", 100), tuple(comparisons), rank_test(names, scores), ())

    return make


@pytest.mark.parametrize("methods", [3, 4, 7, 15, 31])
@pytest.mark.parametrize("alike", [0.05, 1.0])
def test_every_word_is_legible(report, methods, alike):
    figure = draw_ranks(report(methods, alike=alike))
    boxes = texts(figure)
    assert not cut_off(figure, boxes)
    assert not overlapping(boxes)
    (axes,) = figure.axes
    assert len([label for label in axes.get_xticklabels() if label in boxes]) >= 2
    assert axes.spines["top"].get_visible()


def test_labels_leave_room_for_their_lines(report):
    figure = draw_ranks(report(7))
    (axes,) = figure.axes
    boxes = texts(figure)
    labels = [text for text in axes.texts if "seed" in text.get_text()]
    elbows = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(labels) == len(elbows) == 7
    for label, elbow in zip(labels, elbows, strict=True):
        end = axes.transData.transform((elbow.get_xdata()[0], elbow.get_ydata()[0]))[0]
        box = boxes[label]
        assert (box.x0 - end if label.get_ha() == "left" else end - box.x1) > 1


@pytest.mark.parametrize(("blocks", "whole"), [(6, True), (2, False)])
def test_the_ruler_is_as_long_as_the_critical_difference(report, blocks, whole):
    made = report(4)
    ranks = rank_test(made.ranks.names, np.random.default_rng(0).random((blocks, 4)))
    made = Report(made.plan, made.comparisons, ranks, ())
    (axes,) = draw_ranks(made).axes
    ruler, *ends = axes.lines[-3:]
    left, right = ruler.get_xdata()
    difference = made.ranks.critical_difference
    assert left == 1
    assert right == pytest.approx(1 + difference if whole else 4)
    assert whole == (difference <= len(made.ranks.names) - 1)
    (text,) = (text for text in words_on(axes.figure) if text.startswith("CD = "))
    assert f"{difference:.2f}" in text and ("longer than the axis" in text) is not whole
    assert [end.get_marker() for end in ends] == ["|", "|" if whole else ">"]


@pytest.mark.parametrize(
    ("alike", "told"), [(0.05, "Friedman p < 0.0001"), (1.0, "Friedman p = 0.")]
)
def test_a_small_p_is_never_zero(report, alike, told):
    assert any(told in text for text in words_on(draw_ranks(report(15, alike=alike))))


def test_generated_clips_are_in_the_title_and_marks_name_their_bearers_once(report):
    words = words_on(draw_ranks(report(4)))
    assert "Ranks by UAR on surrogates" in words
    assert any("surrogate: all methods" in text and "smic" not in text for text in words)
    real = words_on(draw_ranks(report(4, surrogate=False)))
    assert "Ranks by UAR" in real


def test_a_mark_of_one_data_set_names_it(report, record):
    made = report(3, surrogate=False)
    first, second = made.comparisons
    partial = record(variant="rnas_mer", dataset="smic", total=4)
    marked = Entry(first.entries[1].name, RunGroup((partial,)), ())
    changed = Comparison(**{**vars(first), "entries": (first.entries[0], marked, first.entries[2])})
    words = words_on(draw_ranks(Report(made.plan, (changed, second), made.ranks, ())))
    expected = f"4 of 16 subjects (SMIC): {marked.name} on smic"
    assert any(expected in text for text in words)
