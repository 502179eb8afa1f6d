"""Evolution of genotypes: tournaments, uniform crossover, mutation, the best survive (no torch)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rnas.genotype import EDGES_PER_NODE, Genotype, random_genotype
from rnas.settings import SearchSettings
from rnas.space import SearchSpace


class Member(NamedTuple):
    """A genotype with its fitness: larger is better, compared in order."""

    fitness: tuple[float, ...]
    genotype: Genotype


def first_generation(
    space: SearchSpace, settings: SearchSettings, generator: random.Random
) -> list[Genotype]:
    """So many uniformly drawn genotypes as a population has."""
    return [random_genotype(space, generator) for _ in range(settings.population)]


def children(
    population: Sequence[Member],
    space: SearchSpace,
    settings: SearchSettings,
    generator: random.Random,
) -> list[Genotype]:
    """So many children as a population has, each of two parents that won a tournament."""

    def parent() -> Genotype:
        size = min(settings.tournament, len(population))
        return max(generator.sample(list(population), size)).genotype

    def child() -> Genotype:
        crossed = _mixed(space, parent(), parent(), lambda: generator.random() < 0.5)
        stranger = random_genotype(space, generator)
        return _mixed(space, crossed, stranger, lambda: generator.random() < settings.mutation)

    return [child() for _ in range(settings.population)]


def survivors(members: Sequence[Member], size: int) -> list[Member]:
    """The best of old and new, each genotype once, the best first."""
    return sorted(set(members), reverse=True)[:size]


def _mixed(
    space: SearchSpace, one: Genotype, other: Genotype, takes: Callable[[], bool]
) -> Genotype:
    """`one`, with each part that `takes()` says from `other`.

    Parts: the path, the edges into each node, the operation on each edge that is kept.
    """
    path = other.path if takes() else one.path
    edges: list = []
    for node in range(space.nodes):
        place = slice(node * EDGES_PER_NODE, (node + 1) * EDGES_PER_NODE)
        edges += other.edges[place] if takes() else one.edges[place]
    operations = tuple(
        theirs if takes() else ours
        for ours, theirs in zip(one.operations, other.operations, strict=True)
    )
    return Genotype(one.space, path, tuple(edges), operations)
