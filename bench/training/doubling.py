"""Networks that are not trained yet are trained anew, longer: training losses alone decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from baselines.fixed import Recipe
from bench.config.settings import TrainConfig
from bench.runs.folds import is_trained

Made = TypeVar("Made")


def lengths(settings: TrainConfig | Recipe) -> list[TrainConfig | Recipe]:
    """The settings, then with twice the epochs, and so on, as often as they say; a recipe alone."""
    if isinstance(settings, Recipe):
        return [settings]
    doubled = range(settings.doublings + 1)
    return [replace(settings, epochs=settings.epochs << times) for times in doubled]


def until_trained(
    attempts: Sequence[TrainConfig | Recipe],
    classes: int,
    train: Callable[[TrainConfig | Recipe], tuple[Made, list[float]]],
) -> tuple[Made, list[float]]:
    """What the first attempt makes whose last loss is that of a trained network, else the last.

    train: makes something anew under settings, and gives the loss of each epoch.
    """
    *earlier, last = attempts
    for settings in earlier:
        made, losses = train(settings)
        if is_trained(losses[-1], classes):
            return made, losses
    return train(last)
