"""Laws that every figure of every kind of run keeps: nothing is cut off, no text hides another."""

import pytest
from looks import cut_off, overlapping, texts, words_on

from reports.figures import RUN_FIGURES, run_figures

KINDS = (
    "open",
    "no_edge_norm",
    "autodeeplab",
    "automer",
    "one_way",
    "random",
    "folds",
    "autodeeplab_folds",
)


@pytest.fixture(scope="module")
def drawn(made):
    """Kind -> the figures of that run."""
    return {kind: run_figures(made[kind]) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_is_drawn_or_says_why_not(drawn, kind):
    said = drawn[kind].missing
    assert set(drawn[kind].figures) | set(said) == set(RUN_FIGURES)
    assert set(said) == ({"search_curves", "architecture"} if kind == "random" else set())
    assert drawn[kind].broken == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", RUN_FIGURES)
def test_texts_are_whole_and_hide_no_other(drawn, kind, name):
    if name in drawn[kind].missing:
        pytest.skip(drawn[kind].missing[name])
    figure = drawn[kind].figures[name]
    boxes = texts(figure)
    assert cut_off(figure, boxes) == []
    assert overlapping(boxes) == []


def test_conditions_are_on_every_figure(drawn):
    expected = {
        "open": ("surrogate", "smoke: nothing converged", "leaky: search_scope=all"),
        "automer": ("surrogate", "reconstruction"),
        "no_edge_norm": ("leaky: search_scope=all",),
        "folds": ("surrogate",),
    }
    for kind, marks in expected.items():
        for figure in drawn[kind].figures.values():
            (last,) = (text for text in words_on(figure) if "Preset" in text)
            assert all(mark in last for mark in marks)
    clean = [" ".join(words_on(figure)) for figure in drawn["folds"].figures.values()]
    assert not any("leaky" in text for text in clean)
    real = [" ".join(words_on(figure)) for figure in drawn["no_edge_norm"].figures.values()]
    assert not any("surrogate" in text for text in real)
