"""The chart of scores: everything in sight, and marked scores unlike clean ones."""

import re

from hypothesis import given
from hypothesis import strategies as st

from reports.page.chart import Line, Point, chart
from reports.reading.marks import is_caveat

SCORE = st.floats(0, 1)


@given(st.lists(st.tuples(SCORE, SCORE, SCORE), min_size=1, max_size=4), SCORE)
def test_everything_is_in_sight_and_in_order(scores, control):
    points = [Point("m", mean, low, high, False) for low, mean, high in map(sorted, scores)]
    drawn = chart("UAR", points, [Line("random", "control", control)])
    places = [float(share) for share in re.findall(r'x[12]?="([\d.]+)%"', drawn)]
    assert all(0 <= place <= 100 for place in places)
    ticks = [float(text) for text in re.findall(r'class="tick"[^>]*>([\d.]+)<', drawn)]
    assert 2 <= len(ticks) <= 8 and ticks == sorted(set(ticks))
    assert ticks[0] <= min(control, *sum(scores, ())) + 1e-6
    assert max(control, *sum(scores, ())) <= ticks[-1] + 1e-6


def test_a_score_with_a_caveat_is_drawn_otherwise():
    points = [Point("a", 0.5, 0.4, 0.6, True), Point("b", 0.4, None, None, False)]
    drawn = chart("UAR", points, [])
    assert re.findall(r'<g class="(\w+)">', drawn) == ["caveat", "clean"]
    assert drawn.count('class="interval"') == 1 and "hollow" in drawn


def test_caveats_are_the_marks_that_must_not_be_missed():
    marked = ("surrogate", "leaky: search_scope=all", "not trained: 75 % of folds (SMIC)")
    assert all(map(is_caveat, (*marked, "incomplete 3/16 folds (SMIC)")))
    assert not any(map(is_caveat, ("smoke-2df6e17a", "trained: 100 % of folds (SMIC)", "5 seeds")))
