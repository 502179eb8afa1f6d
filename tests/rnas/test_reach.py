"""How far a search can move its logits, and how decided that lets it be."""

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnas.settings import SearchSettings, lowest_entropy

SETTINGS = SearchSettings(epochs=10, warmup=0.3, architecture_decay=0.0, architecture_lr=0.05)


def travelled(gradients) -> float:
    """How far Adam, as the search sets it up, moves a parameter with these gradients."""
    logit = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
    betas = (SETTINGS.architecture_beta1, SETTINGS.architecture_beta2)
    adam = torch.optim.Adam([logit], lr=SETTINGS.architecture_lr, betas=betas, eps=1e-12)
    for gradient in gradients:
        logit.grad = torch.as_tensor(gradient, dtype=torch.float64)
        adam.step()
    return abs(float(logit.detach()))


@given(size=st.floats(0.1, 10), steps=st.integers(1, 12))
def test_gradients_that_keep_sign_and_size_move_a_logit_by_the_reach(size, steps):
    reach = SETTINGS.reached(steps)
    assert reach == pytest.approx(7 * steps * 0.05)
    assert travelled([size] * SETTINGS.architecture_steps(steps)) == pytest.approx(reach)


@settings(max_examples=20)
@given(seed=st.integers(0, 99))
def test_gradients_that_disagree_move_it_less(seed):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(SETTINGS.architecture_steps(10), generator=generator)
    assert travelled(noise.tolist()) < SETTINGS.reached(10)


def test_only_gradients_that_grow_move_it_further():
    growing = [2.0**step for step in range(SETTINGS.architecture_steps(2))]
    assert travelled(growing) > SETTINGS.reached(2)


@given(steps=st.integers(1, 200), epochs=st.integers(1, 60), reach=st.floats(0.1, 10))
def test_the_rate_that_a_reach_asks_for_gives_it(steps, epochs, reach):
    asked = SearchSettings(epochs=epochs, reach=reach)
    rate = asked.architecture_rate(steps)
    assert asked.reached(steps) == reach
    assert rate * asked.architecture_steps(steps) == pytest.approx(reach)


def test_without_a_step_there_is_no_reach():
    frozen = SearchSettings(epochs=3, warmup=1.0, reach=3.0)
    assert (frozen.reached(10), frozen.architecture_rate(10)) == (0, frozen.architecture_lr)


@given(reach=st.floats(0, 5), options=st.integers(2, 14))
def test_the_lowest_entropy_is_that_of_the_furthest_logits(reach, options):
    logits = torch.full((options,), -reach, dtype=torch.float64)
    logits[0] = reach
    entropy = float(torch.special.entr(logits.softmax(0)).sum()) / log(options)
    assert lowest_entropy(reach, options) == pytest.approx(entropy, abs=1e-9)
