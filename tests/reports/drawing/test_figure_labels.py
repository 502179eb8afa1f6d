from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.drawing.labels import Box, place_labels

BOUNDS = Box(0, 0, 360, 310)
AIR = 2.0

spots = st.tuples(st.floats(20, 340), st.floats(20, 290))
sizes = st.tuples(st.floats(15, 110), st.floats(8, 11))


@settings(max_examples=25)
@given(st.lists(st.tuples(spots, sizes, st.floats(1, 22)), min_size=1, max_size=12))
def test_no_label_hides_another_or_a_point_or_leaves_the_panel(cases):
    points, labels, radii = (np.array(column) for column in zip(*cases, strict=True))
    centres = place_labels(points, radii, labels, BOUNDS, AIR)
    low, high = centres - labels / 2, centres + labels / 2
    assert (low >= -1e-9).all() and (high <= (BOUNDS.right + 1e-9, BOUNDS.top + 1e-9)).all()
    for i, j in combinations(range(len(points)), 2):
        assert not (np.minimum(high[i], high[j]) > np.maximum(low[i], low[j])).all()
    for i, centre in enumerate(points):
        hidden = ((low < centre) & (centre < high)).all(axis=1)
        assert not hidden.any(), f"the centre of {i} is hidden"


def test_a_lonely_label_touches_its_own_marker_alone():
    ((across, up),) = place_labels([(180, 150)], [10.0], [(60, 10)], BOUNDS, AIR)
    gap = np.maximum(np.abs((across - 180, up - 150)) - (30, 5), 0)
    assert 10 <= np.hypot(*gap) <= 10 + 2 * AIR


def test_what_should_be_avoided_is_left_free():
    wall = Box(185, 0, 187, 310)  # right of the point, from the bottom to the top
    ((across, _),) = place_labels([(180, 150)], [2.0], [(60, 10)], BOUNDS, AIR, [wall])
    assert across + 30 <= 185


def test_a_full_panel_still_gets_every_label():
    points = [(20, 20)] * 9
    centres = place_labels(points, [2.0] * 9, [(38, 19)] * 9, Box(0, 0, 40, 40), AIR)
    assert np.isfinite(centres).all()
