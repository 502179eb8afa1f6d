"""Ticks of a logarithmic axis."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from reports.drawing.style import SETTINGS, text_width
from reports.drawing.ticks import log_ticks

WIDTH = 3.1


@given(low=st.floats(1e-12, 0.5), decades=st.floats(1e-3, 12))
@example(low=0.40702312308461774, decades=0.001)
@example(low=1.6161671987123723e-08, decades=0.001)
def test_labels_leave_room_and_there_are_two_or_more(low, decades):
    high = low * 10**decades
    ticks = log_ticks(low, high, WIDTH, "{:.4g} %".format)
    assert len(ticks) >= 2
    assert all(low <= tick <= high for tick in ticks)
    for before, after in pairwise(ticks):
        apart = math.log(after / before) / math.log(high / low) * WIDTH
        widths = [text_width(f"{t:.4g} %", SETTINGS["xtick.labelsize"]) for t in (before, after)]
        assert apart > sum(widths) / 2
