"""A supernet restricted to a genotype, with the weights w of the search: no retraining.

The difference between its score and the full supernet's is the discretisation gap.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rnas.errors import MethodError
from rnas.genotype import Genotype
from rnas.space import SearchSpace
from rnas.supernet import Architecture, Supernet
from rnas.trellis import Arrow

DROPPED = -1e9
"""η of an edge that the genotype does not keep: its softmax is 0."""


def can_discretise(space: SearchSpace) -> bool:
    """Whether edges can be switched off.

    With partial channels some channels bypass the operations, and only η can weight those by 0.
    """
    return space.partial == 1 or space.edge_norm


class Discrete:
    """α, η and β of a genotype: all weight on its choices, none elsewhere.

    The edges that are kept keep their learnt η.
    """

    def __init__(self, architecture: Architecture, genotype: Genotype) -> None:
        space = self.space = architecture.space
        logits = architecture.operation_logits
        self.chosen = torch.zeros_like(logits)
        kept = [space.edges.index(edge) for edge in genotype.edges]
        for edge, name in zip(kept, genotype.operations, strict=True):
            self.chosen[edge, space.operations.index(name)] = 1
        self.edge_logits: Tensor | None = None
        if architecture.edge_logits is not None:
            self.edge_logits = torch.full_like(architecture.edge_logits, DROPPED)
            self.edge_logits[kept] = architecture.edge_logits[kept]
        self.path = frozenset(space.outer.arrows_of(genotype.path))

    def operation_weights(self) -> Tensor:
        """(E, |operations|): one-hot on the edges kept, zero on the others."""
        return self.chosen

    def beta(self) -> dict[Arrow, float]:
        """1 on the path, 0 elsewhere, even for the only arrow that leaves a state."""
        return {arrow: float(arrow in self.path) for arrow in self.space.outer.arrows}


@torch.no_grad()
def discretised_logits(supernet: Supernet, genotype: Genotype, clips: Tensor) -> Tensor:
    """Logits (B, classes) of clips (B, C, T, H, W) with the genotype's choices alone.

    Raises MethodError for a space whose edges cannot be switched off (see `can_discretise`).
    """
    if not can_discretise(supernet.space):
        raise MethodError(
            f"{supernet.space.name}: partial channels without edge normalisation bypass the edges "
            "that a genotype leaves out, so that a supernet cannot be restricted to it"
        )
    logits = supernet.mixed_by(Discrete(supernet.architecture, genotype), clips)
    return logits - _idle_biases(supernet, genotype)


def _idle_biases(supernet: Supernet, genotype: Genotype) -> Tensor:
    """The sum of the biases of the heads off the path, which add to the logits: (classes,)."""
    last = supernet.space.outer.factors.index(genotype.path[-1])
    own = f"{supernet.space.outer.layers}_{last}"
    biases = {name: head.get_parameter("bias") for name, head in supernet.heads.items()}
    idle = [bias for name, bias in biases.items() if name != own]
    return sum(idle, torch.zeros_like(biases[own]))
