"""Parameter counts by arithmetic, without building a network."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from rnas.attention import attention_parameters
from rnas.derived import cell_edges, cell_inputs, cell_levels
from rnas.errors import MethodError
from rnas.genotype import Genotype, random_genotype
from rnas.operations import operation
from rnas.resample import resample_widths, source_width, stem_widths
from rnas.space import SearchSpace
from rnas.trellis import State

FIT_DRAWS = 1000
FIT_SEED = 0
"""Number and seed of the random genotypes whose median size `fit_channels` compares."""

WIDEST = 128
"""Largest width F that `fit_channels` tries."""


def count_parameters(
    space: SearchSpace, genotype: Genotype, classes: int = 3, in_channels: int = 3
) -> int:
    """Trainable parameters of `DerivedNetwork(space, genotype, classes, in_channels)`."""
    levels = cell_levels(space, genotype)
    last = source_width(space, State(space.outer.layers, levels[-1]))
    return (
        _convolutions(stem_widths(space, in_channels), 3)
        + sum(_cell(space, genotype, layer) for layer in range(1, space.outer.layers + 1))
        + last * classes
        + classes
    )


def sample_sizes(space: SearchSpace, draws: int, seed: int, classes: int = 3) -> list[int]:
    """Parameter counts of uniformly drawn genotypes."""
    generator = random.Random(seed)
    return [
        count_parameters(space, random_genotype(space, generator), classes) for _ in range(draws)
    ]


def fit_channels(space: SearchSpace, target: int) -> SearchSpace:
    """The space with the width F whose median random network is nearest to `target` parameters.

    F runs over the multiples of b. Raises MethodError where the space has no such width.
    """
    widths = range(space.partial, WIDEST + 1, space.partial)
    candidates = [space.resized(channels=width) for width in widths]
    fitted = _nearest(candidates, target)
    if fitted.channels == widths[-1]:
        raise MethodError(f"{space.name}: no width up to {WIDEST} reaches {target} parameters")
    return fitted


def _nearest(candidates: Sequence[SearchSpace], target: int) -> SearchSpace:
    """Binary search for the nearest candidate, since the median grows with the width."""
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if _median(candidates[middle]) < target:
            low = middle + 1
        else:
            high = middle
    around = candidates[max(low - 1, 0) : low + 1]
    return min(around, key=lambda space: abs(_median(space) - target))


def _median(space: SearchSpace) -> float:
    return median(sample_sizes(space, FIT_DRAWS, FIT_SEED))


def _cell(space: SearchSpace, genotype: Genotype, layer: int) -> int:
    level = cell_levels(space, genotype)[layer]
    width = space.width(level) // (space.partial if space.derived_partial else 1)
    inputs = sum(
        _convolutions(resample_widths(space, state, level), 3 if level > state.level else 1)
        for state in cell_inputs(space, genotype, layer).values()
    )
    chosen = sum(
        operation(name, space.dilated).parameters(width)
        for _, name in cell_edges(space, genotype, layer)
    )
    attention = attention_parameters(space.output_width(level)) if space.attention else 0
    return inputs + chosen + attention


def _convolutions(widths: Sequence[int], kernel: int) -> int:
    """Bias-free convolutions of one kernel size, each followed by an affine batch norm."""
    return sum(kernel**3 * source * target + 2 * target for source, target in pairwise(widths))
