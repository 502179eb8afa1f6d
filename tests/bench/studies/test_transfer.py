"""What a transfer's scores say of the clips that were tested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.data.clips import CHALLENGE_CLASSES, Clip, ClipSet
from bench.studies.transfer import UPRIGHT, UPSIDE_DOWN, Answered, _rows, turned_scores

TRUE = np.tile([0, 1, 2], 16)
LAB = ClipSet(
    "lab",
    CHALLENGE_CLASSES,
    tuple(
        Clip("lab", f"p{n // 6}", f"c{n}", int(label), (Path("x"),), None, "", 200.0)
        for n, label in enumerate(TRUE)
    ),
)
GUESSED = np.random.default_rng(4).integers(0, 3, len(TRUE))
SELDOM = np.where(np.arange(len(TRUE)) % 5, TRUE, GUESSED)


def told(upright, turned=None):
    answers = {UPRIGHT: upright, UPSIDE_DOWN: turned}
    answered = [
        Answered("net", flow, np.eye(3)[chosen])
        for flow, chosen in answers.items()
        if chosen is not None
    ]
    rows = [row for each in answered for row in _rows(each, LAB, 500)]
    return [f"{problem.where}: {problem.what}" for problem in turned_scores(rows)]


@pytest.mark.parametrize("chosen", [(TRUE + 1) % 3, (SELDOM + 2) % 3])
def test_a_score_below_chance_is_told(chosen):
    (line,) = told(chosen)
    assert line.startswith("net, all: its UAR (0.") and "below that of shuffled labels (0.3" in line


def test_flow_that_is_answered_better_upside_down_is_told():
    (line,) = told(GUESSED, SELDOM)
    assert "less than that of flow upside down (0." in line and "below" not in line
    (line,) = told((TRUE + 1) % 3, TRUE)
    assert "below that of" in line and "and is less than that of flow upside down (1.000)" in line


@pytest.mark.parametrize("upright", [TRUE, SELDOM, GUESSED, TRUE * 0])
@pytest.mark.parametrize("turned", [(TRUE + 1) % 3, GUESSED, TRUE * 0])
def test_usual_scores_and_guesses_are_not(upright, turned):
    assert not told(upright, turned)
