"""`train.doublings`: a network that is not trained is trained anew for twice the epochs."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest

from baselines.fixed import Recipe
from bench.config.settings import TrainConfig
from bench.training.doubling import lengths, until_trained


@pytest.mark.parametrize(("doublings", "epochs"), [(0, [5]), (1, [5, 10]), (3, [5, 10, 20, 40])])
def test_epochs_double(doublings, epochs):
    settings = TrainConfig(epochs=5, doublings=doublings)
    assert [each.epochs for each in lengths(settings)] == epochs
    assert {replace(each, epochs=5) for each in lengths(settings)} == {settings}


def test_a_published_recipe_is_kept():
    recipe = Recipe("adam", 1e-3, epochs=7, batch=4)
    assert lengths(recipe) == [recipe]


@pytest.mark.parametrize(
    ("last", "tried"), [([0.6, 0.1, 0.1], 1), ([0.8, 0.6, 0.1], 2), ([0.9, 0.8, 0.7], 3)]
)
def test_the_first_that_is_trained_counts_else_the_longest(last, tried):
    """Losses are in units of ln C."""
    asked = []

    def train(settings):
        asked.append(settings.epochs)
        return len(asked), [2.0, last[len(asked) - 1] * log(3)]

    attempts = lengths(TrainConfig(epochs=5, doublings=2))
    made, losses = until_trained(attempts, 3, train)
    assert (made, asked) == (tried, [5, 10, 20][:tried])
    assert losses[-1] == last[tried - 1] * log(3)
