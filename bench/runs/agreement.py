"""What the searches of a run's folds decoded to, and how far they agree (no torch)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations
from statistics import fmean
from typing import Any

from rnas.decode import viterbi
from rnas.genotype import Genotype, random_genotype
from rnas.space import SearchSpace

DRAWN = 60
"""Random genotypes drawn to estimate the agreement expected by chance."""


def summarise(genotypes: Mapping[str, Genotype], space: SearchSpace) -> dict[str, Any]:
    """Which paths, operations and edges the folds' searches chose, and how far pairs agree.

    genotypes: by fold, at least one. `paths`: each with its folds, the most frequent first;
    `operations`: how often each was chosen, over all edges kept; `edges`: how many folds keep
    `source>node`; `agreement`: see there, `by_chance`: the same among random genotypes of the
    space; `uniform_path`: folds with the path that a search which learnt nothing decodes to.
    """
    paths: dict[tuple[int, ...], list[str]] = {}
    for fold, genotype in genotypes.items():
        paths.setdefault(tuple(genotype.path), []).append(fold)
    found = tuple(genotypes.values())
    uniform, _ = viterbi(space.outer, space.outer.uniform())
    return {
        "searches": len(found),
        "paths": [
            {"path": list(path), "searches": len(folds), "folds": folds}
            for path, folds in sorted(paths.items(), key=lambda item: -len(item[1]))
        ],
        "operations": dict(Counter(name for g in found for name in g.operations).most_common()),
        "edges": dict(
            Counter(f"{edge.source}>{edge.node}" for g in found for edge in g.edges).most_common()
        ),
        "uniform_path": sum(tuple(genotype.path) == tuple(uniform) for genotype in found),
        "agreement": agreement(found),
        "by_chance": agreement_by_chance(space),
    }


@cache
def agreement_by_chance(space: SearchSpace) -> Mapping[str, float | None]:
    """`agreement` among random genotypes of a space."""
    generator = random.Random(0)
    return agreement([random_genotype(space, generator) for _ in range(DRAWN)])


def agreement(genotypes: Sequence[Genotype]) -> dict[str, float | None]:
    """Means over all pairs, None for a single genotype.

    `path`: share of pairs with the same path; `layers`: of layers with the same resolution;
    `edges` and `cell`: Jaccard index of the edges kept, without and with their operations.
    """
    pairs = list(combinations(genotypes, 2))
    return {
        name: fmean(measure(*pair) for pair in pairs) if pairs else None
        for name, measure in MEASURES.items()
    }


def _same_path(one: Genotype, other: Genotype) -> float:
    return float(tuple(one.path) == tuple(other.path))


def _same_layers(one: Genotype, other: Genotype) -> float:
    return fmean(a == b for a, b in zip(one.path, other.path, strict=True))


def _same_edges(one: Genotype, other: Genotype) -> float:
    return _jaccard(set(one.edges), set(other.edges))


def _same_cell(one: Genotype, other: Genotype) -> float:
    cells = [set(zip(each.edges, each.operations, strict=True)) for each in (one, other)]
    return _jaccard(*cells)


def _jaccard(one: set, other: set) -> float:
    return len(one & other) / len(one | other)


MEASURES = {"path": _same_path, "layers": _same_layers, "edges": _same_edges, "cell": _same_cell}
