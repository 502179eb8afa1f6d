"""How long the statistics of a composite run take. Figures only: nothing is asserted about time."""

import numpy as np
import pytest

from bench.protocol.metrics import uf1
from bench.scoring.statistics import DRAWS, bootstrap, paired_bootstrap, permutation_test

PEOPLE = 68
GROUP = f"statistics of {PEOPLE} subjects, {DRAWS:,} draws"


@pytest.fixture
def stacks():
    """Confusion matrices of two runs of three seeds."""
    return np.random.default_rng(0).integers(0, 4, (2, 3, PEOPLE, 3, 3))


def generator():
    return np.random.default_rng(1)


@pytest.mark.benchmark(group=GROUP)
def test_interval_draw_by_draw_reference(benchmark, stacks):
    stack = stacks[0, 0]

    def one_by_one():
        random = generator()
        draws = (random.integers(0, PEOPLE, PEOPLE) for _ in range(DRAWS))
        return np.quantile([uf1(stack[chosen].sum(axis=0)) for chosen in draws], [0.025, 0.975])

    low, high = benchmark.pedantic(one_by_one, rounds=2)
    assert low < uf1(stack.sum(axis=0)) < high


@pytest.mark.benchmark(group=GROUP)
def test_interval(benchmark, stacks):
    found = benchmark(lambda: bootstrap(stacks[0, 0], uf1, generator=generator()))
    assert found.low < found.estimate < found.high


@pytest.mark.benchmark(group=GROUP)
def test_interval_of_a_difference_of_three_seeds(benchmark, stacks):
    found = benchmark(lambda: paired_bootstrap(*stacks, uf1, generator=generator()))
    assert found.low < found.estimate < found.high


@pytest.mark.benchmark(group=GROUP)
def test_permutation_test_of_three_seeds(benchmark, stacks):
    found = benchmark(lambda: permutation_test(*stacks, uf1, generator=generator()))
    assert 0 < found.p <= 1
