"""Orders of methods against Demšar's table, SciPy, and the laws of agreement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import friedmanchisquare, kendalltau

from bench.scoring.ranking import agreement, critical_difference, rank_test, ranks

scores = arrays(float, (4, 3), elements=st.sampled_from([0.2, 0.4, 0.5, 0.7]))


def test_the_best_score_has_rank_one_and_ties_share():
    assert ranks(np.array([[0.9, 0.5, 0.5, 0.1]])).tolist() == [[1, 2.5, 2.5, 4]]


@pytest.mark.parametrize(("methods", "quantile"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_critical_difference_has_the_quantiles_of_demsars_table(methods, quantile):
    expected = quantile * np.sqrt(methods * (methods + 1) / (6 * 14))
    assert critical_difference(methods, 14) == pytest.approx(expected, abs=1e-3)


def test_pairs_further_apart_than_the_critical_difference_are_those_below_alpha():
    random = np.random.default_rng(0)
    found = rank_test("abcd", random.normal([0, 0.5, 1, 3], 0.6, (12, 4)))
    apart = np.abs(np.subtract.outer(found.ranks, found.ranks)) > found.critical_difference
    assert ((np.array(found.nemenyi) < found.alpha) == apart).all()
    assert apart.any()
    assert not apart.all()


@given(scores)
def test_friedman_is_scipys(table):
    found = rank_test("abc", table)
    if found is None:
        assert not np.ptp(table, axis=1).any()
    else:
        assert found.p == pytest.approx(friedmanchisquare(*table.T).pvalue)
        assert np.mean(found.ranks) == pytest.approx(2)


@pytest.mark.parametrize("shape", [(5, 2), (1, 4)])
def test_too_few_methods_or_blocks_have_no_test(shape):
    assert rank_test("abcd"[: shape[1]], np.random.default_rng(0).random(shape)) is None


def test_blocks_that_agree_wholly_and_not_at_all():
    same = agreement(np.array([[1, 2, 3], [4, 5, 9], [0, 1, 2]]))
    assert (same.kendall_w, same.mean_tau) == pytest.approx((1, 1))
    turned = agreement(np.array([[1, 2, 3], [3, 2, 1]]))
    assert (turned.kendall_w, turned.mean_tau) == pytest.approx((0, -1))
    assert (turned.blocks, turned.methods) == (2, 3)


@given(arrays(float, (2, 5), elements=st.integers(0, 50), unique=True))
def test_w_and_tau_of_two_blocks(table):
    """W of two blocks without ties is (Spearman's ρ + 1) / 2."""
    found = agreement(table)
    difference = ranks(table)[0] - ranks(table)[1]
    spearman = 1 - 6 * (difference**2).sum() / (5 * 24)
    assert found.kendall_w == pytest.approx((spearman + 1) / 2)
    assert found.mean_tau == pytest.approx(kendalltau(*table).statistic)


def test_two_methods_have_tau_alone_and_equal_scores_nothing():
    two = agreement(np.array([[1, 2], [2, 3]]))
    assert (two.kendall_w, two.mean_tau) == (None, 1)
    equal = agreement(np.ones((2, 3)))
    assert (equal.kendall_w, equal.mean_tau) == (None, None)
    assert agreement(np.ones((1, 3))) is None
