"""Genotype: what a search decodes to, and how a random one is drawn (no torch)."""

from __future__ import annotations

import json
import random
from collections import Counter
from operator import index
from typing import NamedTuple

from rnas.errors import MethodError
from rnas.space import Edge, SearchSpace
from rnas.trellis import Path

EDGES_PER_NODE = 2
"""Incoming edges that a decoded node keeps (as in DARTS and PC-DARTS)."""


class Genotype(NamedTuple):
    """A path through the trellis and a cell: the edges kept and the operation on each.

    `space` names the search space that it belongs to; `path` holds the downsampling factors of
    layers 1..L; `edges[k]` carries `operations[k]`.
    """

    space: str
    path: Path
    edges: tuple[Edge, ...]
    operations: tuple[str, ...]

    def to_json(self) -> str:
        """The genotype as one JSON object; `from_json` reads it back."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> dict:
        """The genotype in lists, as JSON has it."""
        return {
            "space": self.space,
            "path": list(self.path),
            "edges": [list(edge) for edge in self.edges],
            "operations": list(self.operations),
        }

    @classmethod
    def from_json(cls, text: str) -> Genotype:
        """Reads what `to_json` wrote (further keys are ignored).

        Raises MethodError where the text is no genotype.
        """
        try:
            value = json.loads(text)
            return cls(
                space=str(value["space"]),
                path=tuple(index(factor) for factor in value["path"]),
                edges=tuple(Edge(*map(index, edge)) for edge in value["edges"]),
                operations=tuple(str(name) for name in value["operations"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise MethodError(
                "not a genotype: expected a JSON object with space, path, edges "
                f"[[source, node], ...] and operations ({error})"
            ) from None


def check_genotype(genotype: Genotype, space: SearchSpace) -> Genotype:
    """Returns the genotype; MethodError where it does not belong to the space."""
    if genotype.space != space.name:
        raise MethodError(f"genotype of space {genotype.space!r}, expected {space.name!r}")
    space.outer.arrows_of(genotype.path)
    stray = [edge for edge in genotype.edges if edge not in space.edges]
    if stray:
        raise MethodError(f"edge {tuple(stray[0])}: {space.name} with {space.nodes} nodes has none")
    if len(genotype.edges) != len(genotype.operations):
        raise MethodError(
            f"{len(genotype.edges)} edges but {len(genotype.operations)} operations: "
            "expected one each"
        )
    wrong = [name for name in genotype.operations if name not in space.choosable]
    if wrong:
        raise MethodError(f"operation {wrong[0]!r}: expected one of {', '.join(space.choosable)}")
    per_node = Counter(edge.node for edge in genotype.edges)
    expected = dict.fromkeys(range(space.nodes), EDGES_PER_NODE)
    if per_node != expected or len(set(genotype.edges)) < len(genotype.edges):
        raise MethodError(
            f"edges {[tuple(edge) for edge in genotype.edges]}: each of the {space.nodes} nodes "
            f"needs {EDGES_PER_NODE} incoming edges from different sources"
        )
    return genotype


def random_genotype(space: SearchSpace, generator: random.Random) -> Genotype:
    """Draws path, edges and operations uniformly: the baseline that a search has to beat."""
    edges: list[Edge] = []
    for node in range(space.nodes):
        sources = sorted(generator.sample(range(node + 2), EDGES_PER_NODE))
        edges.extend(Edge(source, node) for source in sources)
    return Genotype(
        space=space.name,
        path=space.outer.draw_path(generator),
        edges=tuple(edges),
        operations=tuple(generator.choice(space.choosable) for _ in edges),
    )
