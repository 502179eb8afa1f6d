"""What an ablation study says of known answers."""

from __future__ import annotations

import numpy as np
import pytest

from bench.protocol.metrics import UAR
from bench.studies.ablation_results import Results, paired, unpaired


def results(right):
    """Networks of which of three clips a subject so many are right: right[replicate][subject]."""
    matrices = [
        [[np.diag([k] * 3) + np.roll(np.diag([9 - k] * 3), 1, axis=1) for k in subjects]]
        for subjects in right
    ]
    return Results(np.array(matrices), ())


class TestMeasured:
    def test_pairs(self):
        one, other = results([[9, 6], [6, 3], [3, 3]]), results([[6, 3], [3, 0], [0, 0]])
        found = paired(one, other, UAR)
        assert found["estimate"] == pytest.approx(1 / 3)
        assert (found["low"], found["high"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
        assert found["spread"] == pytest.approx(0)
        assert found["p"] == pytest.approx(2 / 2**3)

    def test_searches_of_the_same_scores_are_not_paired(self):
        one, other = results([[9, 6], [6, 3], [3, 3]]), results([[6, 3], [3, 0], [0, 0]])
        found = unpaired(one, other, UAR)
        assert found["estimate"] == pytest.approx(1 / 3)
        assert found["low"] < 0.2 < 0.4 < found["high"]
        scores = np.array([15, 9, 6]) / 18
        assert found["spread"] == pytest.approx(scores.std(ddof=1), abs=0.03)
        assert found["p"] > 0.1
