"""Sweeps over training settings: what is trained, what a choice looks at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.studies.sweep import Setting, choose, settings, spread


def row(lr, epochs=20, trained=1.0, seed_sd=0.1, variant="a"):
    return {
        "variant": variant,
        "epochs": epochs,
        "lr": lr,
        "warmup": 0.0,
        "trained": trained,
        "loss": {"seed_sd": seed_sd},
        "uar": {"mean": lr},
    }


def test_every_combination_is_tried_once():
    found = settings((20, 40), (0.1, 0.1), (0.0,))
    assert found == (Setting(20, 0.1, 0.0), Setting(40, 0.1, 0.0))


class TestChoice:
    def test_the_fewest_epochs_that_train_every_space(self):
        rows = [
            *(row(0.1, variant="a"), row(0.1, variant="b", trained=0.9)),
            *(row(0.2, 40, variant="a"), row(0.2, 40, variant="b", trained=0.95)),
            *(row(0.3, 80, variant="a"), row(0.3, 80, variant="b")),
        ]
        assert choose(rows) == {"epochs": 40, "lr": 0.2, "warmup": 0.0}

    def test_then_the_smallest_spread_between_seeds_and_never_the_score(self):
        rows = [row(0.1, seed_sd=0.1), row(0.2, seed_sd=0.2), row(0.05, seed_sd=0.3)]
        assert choose(rows)["lr"] == 0.1

    def test_nothing_where_nothing_trains(self):
        assert choose([row(0.1, trained=0.94)]) is None


class TestSpread:
    def test_of_seeds_and_of_genotypes(self):
        values = np.array([[1.0, 3.0], [5.0, 7.0]])
        assert spread(values)["seed_sd"] == pytest.approx(2**0.5)
        assert spread(values)["genotype_sd"] == pytest.approx((8 - 1) ** 0.5)

    @given(arrays(float, (4, 3), elements=st.floats(-1, 1)), st.floats(-5, 5))
    def test_a_constant_changes_nothing(self, values, constant):
        for name, sd in spread(values + constant).items():
            assert sd == pytest.approx(spread(values)[name], abs=1e-6)
