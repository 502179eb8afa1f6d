"""How often searches chose what, and how far they agree."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations import RNAS_MER
from bench.runs.agreement import agreement, summarise
from rnas.genotype import Genotype, random_genotype
from rnas.space import Edge

EDGES = (Edge(0, 0), Edge(1, 0))


def genotype(path, operations, edges=EDGES):
    return Genotype("rnas_mer", tuple(path), tuple(edges), tuple(operations))


def test_worked_out_by_hand():
    one = genotype((4, 8, 8), ("skip", "conv_3"))
    two = genotype((4, 8, 16), ("skip", "conv_5"))
    three = genotype((4, 8, 8), ("skip", "conv_3"), (Edge(0, 0), Edge(2, 1)))
    found = agreement((one, two, three))
    assert found["path"] == pytest.approx(1 / 3)
    assert found["layers"] == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)
    assert found["edges"] == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)
    assert found["cell"] == pytest.approx((1 / 3 + 1 / 3 + 1 / 3) / 3)


def test_of_one_search_says_nothing():
    assert agreement((genotype((4, 8), ("skip", "skip")),))["path"] is None


@given(st.lists(st.integers(0, 3), min_size=2, max_size=6))
def test_counts_add_up_and_lie_within_their_range(seeds):
    found = {f"s{n}": random_genotype(RNAS_MER, random.Random(s)) for n, s in enumerate(seeds)}
    summary = summarise(found, RNAS_MER)
    assert sum(each["searches"] for each in summary["paths"]) == summary["searches"] == len(seeds)
    assert sorted(fold for each in summary["paths"] for fold in each["folds"]) == sorted(found)
    kept = sum(len(each.operations) for each in found.values())
    assert sum(summary["operations"].values()) == sum(summary["edges"].values()) == kept
    for part in ("agreement", "by_chance"):
        assert all(0 <= value <= 1 for value in summary[part].values())
    if len(set(seeds)) == 1:
        assert set(summary["agreement"].values()) == {1.0}
