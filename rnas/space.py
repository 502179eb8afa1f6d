"""A search space as a frozen value: everything in which the searched methods differ.

Nothing here needs torch, so that listings and tables start at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypedDict, Unpack

from rnas.errors import MethodError
from rnas.trellis import OPEN, Trellis

HYBRID_OPERATIONS = (
    "add_1_3",
    "add_3_5",
    "add_1_5",
    "max_1_3",
    "max_3_5",
    "max_1_5",
    "avg_1_3",
    "avg_3_5",
    "avg_1_5",
    "conv_1",
    "conv_3",
    "conv_5",
    "skip",
    "none",
)
"""H of Table 1, in its order: add, maximum, mean of two convolutions ν; ν alone; skip; none."""

DARTS_OPERATIONS = (
    "none",
    "max_pool_3",
    "avg_pool_3",
    "skip",
    "sep_conv_3",
    "sep_conv_5",
    "dil_conv_3",
    "dil_conv_5",
)
"""D: the eight operations of DARTS, in 3D."""

SINGLETON_OPERATIONS = (
    "single_seq_3",
    "single_seq_5",
    "single_par_3",
    "single_par_5",
    "dil_conv_3",
    "dil_conv_5",
    "skip",
    "none",
)
"""A reconstruction of AutoMER's set.

Kernels factorised along T, H and W, in sequence or in parallel, and two dilated convolutions.
"""

OPERATION_WORDS = {
    "none": "no connection: weighed in the search, never decoded",
    "skip": "identity",
    **{f"conv_{k}": f"ReLU, {k}×{k}×{k} convolution, batch norm" for k in (1, 3, 5)},
    **{
        f"{name}_{one}_{other}": f"{word} of conv_{one} and conv_{other}"
        for name, word in (("add", "sum"), ("max", "larger"), ("avg", "mean"))
        for one, other in ((1, 3), (3, 5), (1, 5))
    },
    "max_pool_3": "maximum of 3×3×3, batch norm",
    "avg_pool_3": "mean of 3×3×3, batch norm",
    **{f"sep_conv_{k}": f"depthwise-separable {k}×{k}×{k} convolution, twice" for k in (3, 5)},
    **{
        f"dil_conv_{k}": f"{k}×{k}×{k} convolution of dilation 2, depthwise-separable or, with "
        "space.dilated=full, over all channels"
        for k in (3, 5)
    },
    **{f"single_seq_{k}": f"{k}-convolutions along T, H and W in turn" for k in (3, 5)},
    **{f"single_par_{k}": f"sum of {k}-convolutions along T, H and W" for k in (3, 5)},
}
"""Every operation of `rnas.operations.OPERATIONS`, in a line."""

OPERATION_NAMES = frozenset(OPERATION_WORDS)

KERNELS = ("per_op", "shared")
DILATED = ("separable", "full")
ATTENTION_FORMS = ("gated", "literal", "cbam")
REDUCTIONS = ("sum", "concat")


class Edge(NamedTuple):
    """An edge i -> j of a cell.

    Sources 0 and 1 are the inputs I^{l-1} and I^{l-2}; source 2 + k is hidden node k. `node` counts
    hidden nodes from 0.
    """

    source: int
    node: int


class Changes(TypedDict, total=False):
    """The settings of a search space that `SearchSpace.resized` can replace."""

    summary: str
    operations: tuple[str, ...]
    partial: int
    edge_norm: bool
    attention: bool
    outer: Trellis
    nodes: int
    channels: int
    reduction: str
    kernels: str
    dilated: str
    attention_form: str
    derived_partial: bool
    least_voxels: int


@dataclass(frozen=True)
class SearchSpace:
    """One row of Table 3, or a method of the same kind.

    operations: candidates on every edge; partial: b of Eq. 1 (1 = all channels); edge_norm: η of
    Eq. 2; attention: ST of Eq. 3; outer: the trellis; nodes: N; channels: F, the width at the
    finest level, doubled with every level; reduction: how a cell joins its nodes. `kernels` says
    whether each hybrid operation owns its convolutions; `dilated` and `attention_form` choose
    between interpretations of what the paper leaves open. least_voxels: `for_clips` leaves out the
    levels at which a clip is fewer voxels wide. `size_target` is the parameter count that Table 5
    publishes (`size=published` fits F to it).
    """

    name: str
    summary: str
    operations: tuple[str, ...]
    partial: int = 4
    edge_norm: bool = True
    attention: bool = True
    outer: Trellis = OPEN
    nodes: int = 3
    channels: int = 8
    reduction: str = "sum"
    kernels: str = "per_op"
    dilated: str = "separable"
    attention_form: str = "gated"
    derived_partial: bool = False
    least_voxels: int = 1
    size_target: int | None = None
    groups: tuple[str, ...] = ("own",)
    marks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _choice("kernels", self.kernels, KERNELS)
        _choice("dilated", self.dilated, DILATED)
        _choice("attention_form", self.attention_form, ATTENTION_FORMS)
        _choice("reduction", self.reduction, REDUCTIONS)
        if self.nodes < 1:
            raise MethodError(f"{self.name}: a cell needs a hidden node, got nodes={self.nodes}")
        if self.partial < 1 or self.channels < 1 or self.channels % self.partial:
            raise MethodError(
                f"{self.name}: channels={self.channels} is no multiple of partial={self.partial}; "
                f"choose a multiple of {self.partial}"
            )
        if len(set(self.operations)) < len(self.operations) or len(self.choosable) < 1:
            raise MethodError(f"{self.name}: operations must be distinct, one of them not 'none'")

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Every edge of a cell, by node and source: the rows of α and η (9 for N = 3)."""
        return tuple(Edge(source, node) for node in range(self.nodes) for source in range(node + 2))

    @property
    def choosable(self) -> tuple[str, ...]:
        """The operations that a decoded cell can contain: all but `none`."""
        return tuple(name for name in self.operations if name != "none")

    @property
    def network(self) -> SearchSpace:
        """The space without its name and what acts in the search alone.

        Spaces in which this is equal derive the same network from a genotype.
        """
        return replace(
            self,
            name="",
            summary="",
            partial=self.partial if self.derived_partial else 1,
            edge_norm=False,
            kernels=KERNELS[0],
            size_target=None,
            groups=(),
            marks=(),
        )

    def for_clips(self, size: int) -> SearchSpace:
        """The space with the levels that clips of `size` x `size` pixels leave to it."""
        return self.resized(outer=self.outer.for_clips(size, self.least_voxels))

    def width(self, level: int) -> int:
        """Channels inside a cell at a level."""
        return self.channels * 2**level

    def output_width(self, level: int) -> int:
        """Channels of a cell's output at a level: N times its width where nodes are joined."""
        return self.width(level) * (self.nodes if self.reduction == "concat" else 1)

    def resized(self, **changes: Unpack[Changes]) -> SearchSpace:
        """The same space with other settings (nodes, channels, kernels, ...)."""
        return replace(self, **changes)


def incoming(edges: tuple[Edge, ...], nodes: int) -> Iterator[tuple[int, ...]]:
    """Per node, the indices of its incoming edges."""
    for node in range(nodes):
        yield tuple(index for index, edge in enumerate(edges) if edge.node == node)


def _choice(setting: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise MethodError(f"{setting}={value!r}: expected one of {', '.join(known)}")
