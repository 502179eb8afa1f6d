"""The cell of the supernet: hidden nodes, edges, attention (Eqs. 2, 3, 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from rnas.attention import Attention
from rnas.mixed import MixedOperation
from rnas.operations import Norm
from rnas.space import SearchSpace, incoming


def join_nodes(space: SearchSpace, nodes: Sequence[Tensor]) -> Tensor:
    """Eq. 3 without ST: the sum of the hidden nodes (or their concatenation)."""
    if space.reduction == "concat":
        return torch.cat(list(nodes), dim=1)
    return cast("Tensor", sum(nodes))  # typed as if there could be no node, whose sum is an int


def make_attention(space: SearchSpace, level: int) -> nn.Module:
    """ST of Eq. 3, or nothing where the space has no attention."""
    if not space.attention:
        return nn.Identity()
    return Attention(space.output_width(level), space.attention_form)


class Cell(nn.Module):
    """Eq. 5: I^l = Cell(I^{l-1}, I^{l-2}; α, η), its inputs already at the cell's resolution."""

    def __init__(self, space: SearchSpace, level: int, norm: Norm) -> None:
        super().__init__()
        self.space = space
        self.mixed = nn.ModuleList(
            MixedOperation(space, space.width(level), norm) for _ in space.edges
        )
        self.attention = make_attention(space, level)

    def forward(
        self,
        inputs: tuple[Tensor, Tensor | None],
        operation_weights: Tensor,
        edge_logits: Tensor | None,
    ) -> Tensor:
        """The output of the cell, (B, C or N·C, T, H, W).

        inputs: I^{l-1} and I^{l-2} (None where it does not exist), each (B, C, T, H, W);
        operation_weights: softmax(α), (E, |operations|); edge_logits: η, (E,), or None.
        """
        features: list[Tensor | None] = list(inputs)
        nodes: list[Tensor] = []
        for edges in incoming(self.space.edges, self.space.nodes):
            present = [k for k in edges if features[self.space.edges[k].source] is not None]
            edge_weights = self._edge_weights(edge_logits, present)
            node = sum(  # Eq. 2
                weight * self.mixed[k](features[self.space.edges[k].source], operation_weights[k])
                for k, weight in zip(present, edge_weights, strict=True)
            )
            features.append(node)
            nodes.append(node)
        return self.attention(join_nodes(self.space, nodes))  # Eq. 3

    @staticmethod
    def _edge_weights(edge_logits: Tensor | None, present: list[int]) -> Sequence[Tensor | float]:
        """softmax(η) over the edges that exist, or 1 each without edge normalisation."""
        if edge_logits is None:
            return [1.0] * len(present)
        return edge_logits[present].softmax(0).unbind()
