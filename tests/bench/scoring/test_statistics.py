"""Intervals and tests against SciPy, statsmodels, and cases worked out by hand or counted out."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from bench.errors import DataError
from bench.protocol.metrics import acc, matrix_scores, metrics, subject_matrices, uar, uf1
from bench.scoring.statistics import (
    against_chance,
    bootstrap,
    combined_p,
    exchange_test,
    holm,
    mcnemar,
    paired_bootstrap,
    paired_replicates_bootstrap,
    permutation_test,
    replicates_bootstrap,
    resampled,
)

CLASSES = ("negative", "positive", "surprise")

matrices = arrays(np.int64, (3, 3), elements=st.integers(0, 9))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def people(random: np.random.Generator, count: int) -> np.ndarray:
    """(count, 3, 3): people with few clips and each with a skill of their own."""
    clips = random.negative_binomial(1, 0.25, (count, 3)) + np.array([1, 0, 0])
    skill = random.beta(3, 2, count)[:, None, None]
    chances = skill * np.eye(3) + (1 - skill) / 2 * (1 - np.eye(3))
    return random.multinomial(clips, chances)


@given(matrices)
def test_scores_are_those_of_the_metrics(matrix):
    expected = matrix_scores(matrix, CLASSES)
    for name, metric in metrics().items():
        found = float(metric.function(matrix))
        if expected[name] is None:
            assert np.isnan(found)
        else:
            assert found == pytest.approx(expected[name])


@given(arrays(np.int64, (2, 4, 3, 3), elements=st.integers(0, 5)))
def test_many_matrices_are_scored_as_one_by_one(stack):
    for metric in metrics().values():
        together = metric.function(stack)
        for place in np.ndindex(2, 4):
            assert together[place] == pytest.approx(
                float(metric.function(stack[place])), nan_ok=True
            )


def test_matrices_of_subjects_add_up_to_the_pooled_one():
    found = subject_matrices([0, 0, 2, 1], [0, 1, 2, 1], ["b", "a", "a", "b"], 3)
    first, second = [[0, 1, 0], [0, 0, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert found.tolist() == [first, second]


def test_interval_of_accuracy_agrees_with_every_resample_counted_out():
    """Three subjects of two clips each with 2, 1, 0 right: 27 resamples, all listed here."""
    stack = np.array([[[right, 2 - right], [0, 0]] for right in (2, 1, 0)])
    exact = sorted(sum(chosen) / 6 for chosen in product((2, 1, 0), repeat=3))

    def score(chosen):
        return acc(stack[chosen].sum(axis=-3))

    found = resampled(score, (3,), 20_000, generator(), level=0.5)
    assert found.estimate == pytest.approx(0.5)
    assert found.low in exact
    assert found.high in exact
    assert found.low < 0.5 < found.high
    assert (found.subjects, found.draws, found.level) == (3, 20_000, 0.5)


def test_the_same_generator_gives_the_same_interval():
    stack = people(generator(1), 16)
    one, other = (bootstrap(stack, uf1, draws=500, generator=generator(7)) for _ in range(2))
    assert one == other
    assert bootstrap(stack, uf1, draws=500, generator=generator(8)) != one


def test_subjects_are_resampled_and_not_clips():
    """Sixty of 120 clips right: of eight people that are all right or all wrong, or of 120."""
    true, pred = [0] * 120, [0] * 60 + [1] * 60
    width = {}
    for people_count in (8, 120):
        subject = [f"s{index * people_count // 120}" for index in range(120)]
        matrices = subject_matrices(true, pred, subject, classes=2)
        found = bootstrap(matrices, acc, draws=2000, generator=generator())
        assert found.estimate == 0.5
        width[people_count] = found.high - found.low
    assert width[8] > 2 * width[120]


@pytest.mark.parametrize("subjects", [0, 1])
def test_fewer_than_two_subjects_have_no_interval(subjects):
    found = bootstrap(np.ones((subjects, 3, 3), int), draws=10, generator=generator())
    assert (found.low, found.high) == (None, None)


def test_runs_of_several_seeds_count_as_their_mean():
    stack = np.stack([people(generator(seed), 20) for seed in range(3)])
    found = bootstrap(stack, uf1, draws=200, generator=generator())
    assert found.estimate == pytest.approx(np.mean([float(uf1(one.sum(0))) for one in stack]))
    same = bootstrap(np.stack([stack[0]] * 3), uf1, draws=200, generator=generator())
    alone = bootstrap(stack[0], uf1, draws=200, generator=generator())
    assert same.low == pytest.approx(alone.low)


@pytest.mark.parametrize("subjects", [16, 28])
@pytest.mark.parametrize("name", ["uar", "uf1"])
def test_intervals_cover_the_truth_as_often_as_they_say(subjects, name):
    """95 % of 300 simulated studies, within three standard errors of a binomial (3.8 %)."""
    random, statistic = generator(11), metrics()[name].function
    truth = float(statistic(people(random, 60_000).sum(axis=0)))
    inside = 0
    for _ in range(300):
        found = bootstrap(people(random, subjects), statistic, draws=499, generator=random)
        inside += found.low <= truth <= found.high
    assert inside / 300 == pytest.approx(0.95, abs=0.038)


def test_the_difference_of_a_run_to_itself_is_none():
    stack = people(generator(3), 16)
    found = paired_bootstrap(stack, stack, draws=300, generator=generator())
    assert (found.estimate, found.low, found.high) == (0, 0, 0)
    assert permutation_test(stack, stack, draws=300, generator=generator()).p == 1


def test_pairing_narrows_the_interval_of_a_difference():
    """Two runs that differ in one answer: paired they differ little, however people vary."""
    stack = people(generator(4), 20)
    other = stack.copy()
    other[0, 0] = [0, other[0, 0].sum(), 0]
    paired = paired_bootstrap(stack, other, draws=1000, generator=generator())
    apart = bootstrap(stack, draws=1000, generator=generator())
    assert paired.high - paired.low < (apart.high - apart.low) / 2


def test_pairs_of_different_subjects_are_refused():
    with pytest.raises(ValueError, match="the same subjects"):
        paired_bootstrap(people(generator(), 4), people(generator(), 5), generator=generator())


def test_permutations_of_few_subjects_are_counted_out():
    """Four subjects, all 16 assignments of their predictions to the two sides, by hand."""
    first, second = people(generator(5), 4), people(generator(6), 4)
    observed = float(uar(first.sum(0)) - uar(second.sum(0)))
    extreme = []
    for swaps in product((False, True), repeat=4):
        swapped = np.array(swaps)[:, None, None]
        one = np.where(swapped, second, first).sum(0)
        other = np.where(swapped, first, second).sum(0)
        extreme.append(float(uar(one) - uar(other)))
    as_far = min(
        np.sum(np.array(extreme) >= observed - 1e-12), np.sum(np.array(extreme) <= observed + 1e-12)
    )
    found = permutation_test(first, second, draws=100, generator=generator())
    assert found.p == pytest.approx(min(1, 2 * as_far / 16))
    assert found.estimate == pytest.approx(observed)


def test_a_difference_on_one_subject_is_not_tested():
    one = people(generator(1), 1)
    with pytest.raises(DataError, match="all clips are of one subject"):
        permutation_test(one, one, draws=9, generator=generator())


def test_permutation_test_is_uniform_without_a_difference_and_small_with_one():
    random = generator(9)
    ps = [
        permutation_test(people(random, 12), people(random, 12), draws=99, generator=random).p
        for _ in range(100)
    ]
    assert np.mean(np.array(ps) <= 0.2) == pytest.approx(0.2, abs=0.12)
    right = np.stack([np.eye(3, dtype=int) * 4] * 12)
    wrong = np.roll(right, 1, axis=-1)
    assert permutation_test(right, wrong, draws=10_000, generator=generator()).p < 0.001


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_mcnemar_is_statsmodels(pairs):
    first, second = [one for one, _ in pairs], [two for _, two in pairs]
    table = [[pairs.count((a, b)) for b in (True, False)] for a in (True, False)]
    found = mcnemar(first, second)
    discordant = table[0][1] + table[1][0]
    expected = statsmodels_mcnemar(table, exact=True).pvalue if discordant else 1.0
    assert found.p == pytest.approx(expected)
    assert found.estimate == pytest.approx((sum(first) - sum(second)) / max(1, len(pairs)))


def test_mcnemar_worked_out_by_hand():
    """Five clips for one alone, one for the other: 2 (1 + 6) / 2^6."""
    found = mcnemar([True] * 5 + [False], [False] * 5 + [True])
    assert found.p == pytest.approx(14 / 64)


def test_holm_worked_out_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_combined_p_lies_between_the_smallest_and_its_bonferroni(p_values):
    found = combined_p(p_values)
    assert min(p_values) <= found + 1e-12
    assert found <= min(1, len(p_values) * max(p_values)) + 1e-12


def test_combined_p_by_hand():
    assert combined_p([0.3]) == 0.3
    assert combined_p([0.01, 0.5]) == pytest.approx(0.02)
    assert combined_p([0.5, 0.01, 0.04]) == pytest.approx(0.06)


def test_chance_is_every_way_to_deal_out_the_answers():
    true, pred = [0, 0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2, 2]
    matrices = subject_matrices(true, pred, ["a"] * 7, 3)
    found = against_chance(matrices, draws=20_000, generator=generator())
    permuted = np.array(
        [uar(subject_matrices(true, list(p), ["a"] * 7, 3)[0]) for p in permutations(pred)]
    )
    assert found.estimate == pytest.approx(uar(matrices[0]))
    assert found.expected == pytest.approx(permuted.mean(), abs=0.005)
    assert found.p == pytest.approx((permuted >= found.estimate - 1e-9).mean(), abs=0.01)


def test_habits_of_answering_are_chance():
    """One class for each person, the one that they show most often: above 1/3, yet no skill."""
    matrices = np.array([[[6, 0, 0], [2, 0, 0], [1, 0, 0]], [[0, 0, 1], [0, 0, 0], [0, 0, 5]]])
    found = against_chance(matrices, draws=200, generator=generator())
    assert found.estimate == pytest.approx((6 / 7 + 0 + 5 / 6) / 3)
    assert found.p == 1
    assert found.expected == pytest.approx(found.estimate)


def test_chance_over_several_runs_is_that_of_their_mean():
    right, wrong = np.array([[[3, 0], [0, 3]]]), np.array([[[0, 3], [3, 0]]])
    found = against_chance(np.stack([right, wrong]), draws=500, generator=generator())
    assert found.estimate == pytest.approx(0.5)
    assert found.p > 0.4


def test_p_against_chance_of_answers_by_chance_is_uniform():
    random = generator(3)
    p_values = []
    for _ in range(200):
        true, pred = random.integers(0, 3, 60), random.integers(0, 3, 60)
        matrices = subject_matrices(true, pred, random.integers(0, 4, 60).astype(str), 3)
        p_values.append(against_chance(matrices, draws=199, generator=random).p)
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.07)


class TestReplicates:
    """Networks of several genotypes or searches, scored on the same subjects."""

    def test_subjects_and_replicates_that_agree_leave_no_width(self):
        one = np.stack([people(generator(1), 1)] * 4)[:, [0] * 5]
        other = np.roll(one, 1, axis=-1)
        difference = acc(one.sum(axis=1)) - acc(other.sum(axis=1))
        for compare in (paired_replicates_bootstrap, replicates_bootstrap):
            found = compare(one, other, acc, draws=100, generator=generator())
            assert found.estimate == pytest.approx(difference.mean())
            assert found.low == pytest.approx(found.high) == pytest.approx(difference.mean())

    def test_pairs_of_one_difference_have_no_width_where_searches_have(self):
        """Replicates differ, subjects do not, and each pair differs by the same."""
        right = np.array([2, 4, 6, 8])[:, None, None, None] * np.eye(3, dtype=int)
        wrong = np.roll(10 * np.eye(3, dtype=int) - right, 1, axis=-1)
        one = np.repeat(right + wrong, 6, axis=1)
        worse = right - 2 * np.eye(3, dtype=int)
        other = np.repeat(worse + np.roll(10 * np.eye(3, dtype=int) - worse, 1, axis=-1), 6, axis=1)
        paired = paired_replicates_bootstrap(one, other, acc, draws=300, generator=generator())
        apart = replicates_bootstrap(one, other, acc, draws=300, generator=generator())
        assert (paired.estimate, apart.estimate) == (pytest.approx(0.2), pytest.approx(0.2))
        assert (paired.low, paired.high) == (pytest.approx(0.2), pytest.approx(0.2))
        assert apart.low < 0 and apart.high > 0.4

    def test_one_pair_is_as_wide_as_nothing_is_known(self):
        stack = np.stack([people(generator(), 6)])
        found = paired_replicates_bootstrap(stack, stack, acc, draws=10, generator=generator())
        assert (found.estimate, found.low, found.high) == (0, None, None)

    @pytest.mark.parametrize(
        ("first", "second", "exchanged", "p"),
        [
            ([0.5, 0.6, 0.7, 0.8, 0.9], [0.4] * 5, "samples", 2 / 2**5),
            ([0.5, 0.3], [0.4, 0.4], "samples", 1),
            ([0.7, 0.8, 0.9], [0.1, 0.2, 0.3], "independent", 2 / 20),
            ([0.1, 0.9], [0.9, 0.1], "independent", 1),
        ],
    )
    def test_exchange_by_hand(self, first, second, exchanged, p):
        found = exchange_test(first, second, exchanged, generator=generator())
        assert found.estimate == pytest.approx(np.mean(first) - np.mean(second))
        assert found.p == pytest.approx(p)
