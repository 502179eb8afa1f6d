"""A supernet restricted to a genotype, with the weights that the search left: no retraining.

How much its score falls is the discretisation gap: what the mixture knew and the decoded
architecture does not.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnas.errors import MethodError
from rnas.genotype import Genotype
from rnas.space import SearchSpace
from rnas.supernet import Architecture, Supernet
from rnas.trellis import Arrow

SHUT = -1e9
"""η of an edge that the genotype does not keep: its softmax is 0."""


def can_discretise(space: SearchSpace) -> bool:
    """Whether an edge can be shut: where channels bypass the operations, only η shuts them."""
    return space.partial == 1 or space.edge_norm


class Discrete(nn.Module):
    """Stands in for α, η and β: all weight on the choices of a genotype, none elsewhere.

    η keeps what it learnt of the edges that stay.
    """

    def __init__(self, architecture: Architecture, genotype: Genotype) -> None:
        super().__init__()
        space = self.space = architecture.space
        logits = architecture.operation_logits
        self.chosen = torch.zeros_like(logits)
        kept = [space.edges.index(edge) for edge in genotype.edges]
        for edge, name in zip(kept, genotype.operations, strict=True):
            self.chosen[edge, space.operations.index(name)] = 1
        self.edge_logits = None
        if architecture.edge_logits is not None:
            self.edge_logits = torch.full_like(architecture.edge_logits, SHUT)
            self.edge_logits[kept] = architecture.edge_logits[kept]
        self.path = frozenset(space.outer.arrows_of(genotype.path))

    def operation_weights(self) -> Tensor:
        """(E, |operations|): one-hot on the edges kept, zero on the others."""
        return self.chosen

    def beta(self) -> dict[Arrow, float]:
        """1 on the path, 0 elsewhere, also where a state has a single way on."""
        return {arrow: float(arrow in self.path) for arrow in self.space.outer.arrows}


@torch.no_grad()
def discretised_logits(supernet: Supernet, genotype: Genotype, clips: Tensor) -> Tensor:
    """What the supernet says of clips (B, C, T, H, W) with the genotype's choices alone.

    Raises MethodError for a space whose edges cannot be shut (see `can_discretise`).
    """
    if not can_discretise(supernet.space):
        raise MethodError(
            f"{supernet.space.name}: partial channels without edge normalisation bypass the edges "
            "that a genotype leaves out, so that a supernet cannot be restricted to it"
        )
    learned = supernet.architecture
    supernet.architecture = Discrete(learned, genotype)
    try:
        logits = Supernet.forward(supernet, clips)  # the reference, which asks α, η, β by name
    finally:
        supernet.architecture = learned
    return logits - _idle_biases(supernet, genotype)


def _idle_biases(supernet: Supernet, genotype: Genotype) -> Tensor:
    """What the heads of states off the path add although they see nothing: (classes,)."""
    last = supernet.space.outer.factors.index(genotype.path[-1])
    own = f"{supernet.space.outer.layers}_{last}"
    idle = [head.bias for name, head in supernet.heads.items() if name != own]
    return sum(idle, torch.zeros_like(supernet.heads[own].bias))
