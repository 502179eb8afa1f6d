"""Candidates taken apart into chains of layers; chains of the same form run as one wider chain.

A candidate is one branch (`conv_3`, `sep_conv_5`, ...) or joins two. A branch is a chain of layers
that begins with ReLU and a convolution and ends with batch norm. All edges that leave a source read
the same channels, so chains of one form, over all those edges and candidates, run side by side as
one chain over more channels. `rnas.fast.mix` does their last batch norm and Eq. 1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain as chained
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rnas.added import added_operation
from rnas.convolution import reachable
from rnas.errors import MethodError
from rnas.fast.convolutions import convolve, pointwise
from rnas.mixed import MixedOperation, SharedKernels
from rnas.operations import AvgPool, MaxPool, Operation, Pair, SingletonParallel, operation
from rnas.space import SearchSpace

COMBINED = {None: (1.0, 0.0), "add": (1.0, 0.0), "avg": (0.5, 0.0), "max": (0.5, 0.5)}
"""How branches join: the weight of each, and that of |first - second|."""

Layer = tuple[nn.Module, ...]
"""A ReLU, a batch norm, or convolutions of the same input whose results are added."""

Chain = tuple[Layer, ...]

WEIGHTLESS = (nn.Identity, MaxPool, AvgPool)
"""Modules without weights that treat every channel of every clip alone."""


@dataclass(frozen=True)
class Term:
    """A candidate that consists of branches: their positions among the chains, how they join."""

    name: str
    places: tuple[int, ...]
    combine: str | None


@dataclass(frozen=True)
class EdgeParts:
    """The candidates of one edge, taken apart.

    groups: chains, grouped by form; terms: which chains make up which candidate, positions counted
    through all groups; plain: candidates without weights; others: candidates of unknown form.
    """

    groups: tuple[tuple[Chain, ...], ...]
    terms: tuple[Term, ...]
    plain: dict[str, nn.Module]
    others: dict[str, nn.Module]


def take_apart(
    space: SearchSpace, mixed: MixedOperation, eps: float, whole: Collection[str] = ()
) -> EdgeParts:
    """Chains and the rest of one edge's candidates; the same in number and order on every edge.

    eps: that of the batch norm at the end of a chain; a candidate with another eps is no chain;
    whole: candidates that stay as they are.
    """
    kernels = mixed.evaluate
    modules = dict(kernels.candidates)
    shared = dict(kernels.convolutions) if isinstance(kernels, SharedKernels) else {}
    branches: dict[str, tuple[list[nn.Module], str | None]] = {}
    for name in space.choosable:
        if name in whole or _is_foreign(name, modules):
            continue
        entry = operation(name, space.dilated)
        module = modules.get(name)
        if module is None:
            branches[name] = (_shared_kernels(shared, entry), entry.combine)
        elif isinstance(module, Pair) and entry.combine in COMBINED:
            branches[name] = (list(module.branches), entry.combine)
        elif (chain := _chain(module)) and chain[-1][0].eps == eps:
            branches[name] = ([module], None)
    places, groups = _grouped([module for parts, _ in branches.values() for module in parts])
    terms = tuple(
        Term(name, tuple(places[module] for module in parts), combine)
        for name, (parts, combine) in branches.items()
    )
    rest = {name: module for name, module in modules.items() if name not in branches}
    plain = {name: module for name, module in rest.items() if _weightless(module)}
    plain = {n: plain[n] for n in plain if n not in whole and not _is_foreign(n, modules)}
    others = {name: module for name, module in rest.items() if name not in plain}
    return EdgeParts(groups, terms, plain, others)


def _is_foreign(name: str, modules: Mapping[str, nn.Module]) -> bool:
    """Whether a candidate with kernels of its own is an operation that another package adds.

    It may do anything, and something else at every width, so it is evaluated as it is.
    """
    return name in modules and added_operation(name) is not None


def uneven(parts: Sequence[EdgeParts]) -> set[str]:
    """Candidates that are chains, or without weights, in some of these edges alone.

    A convolution of four groups is depthwise where there are four channels, and else of no form.
    """
    chains = [{term.name for term in each.terms} for each in parts]
    plain = [set(each.plain) for each in parts]
    return {
        name
        for kind in (chains, plain)
        for name in kind[0].union(*kind) - kind[0].intersection(*kind)
    }


def share_map(space: SearchSpace, parts: EdgeParts) -> tuple[Tensor, Tensor, list[int]]:
    """The linear map from weights of candidates to weights of their parts.

    Returns the matrix, (|operations|, K + Q + plain + others): its columns are branches,
    differences of two branches, candidates without weights, other candidates; then the signs (Q, K)
    of the branches in every difference; and the four sizes.
    """
    branches = sum(len(group) for group in parts.groups)
    pairs = sorted({term.places for term in parts.terms if COMBINED[term.combine][1]})
    rest = [*parts.plain, *parts.others]
    to_shares = torch.zeros(len(space.operations), branches + len(pairs) + len(rest))
    for term in parts.terms:
        row = space.operations.index(term.name)
        own, difference = COMBINED[term.combine]
        for place in term.places:
            to_shares[row, place] += own
        if difference:
            to_shares[row, branches + pairs.index(term.places)] = difference
    for column, name in enumerate(rest, start=branches + len(pairs)):
        to_shares[space.operations.index(name), column] = 1.0
    signs = torch.zeros(len(pairs), branches)
    for row, (first, second) in enumerate(pairs):
        signs[row, first], signs[row, second] = 1.0, -1.0
    return to_shares, signs, [branches, len(pairs), len(parts.plain), len(parts.others)]


class SingleStack:
    """Chains of one convolution over all channels, not dilated, of any kernel size."""

    def __init__(self, groups: Sequence[Sequence[Sequence[Chain]]]) -> None:
        """groups: per kernel size, per edge, its k chains."""
        self.edges = len(groups[0])
        self.groups = [
            [
                part
                for chains in edges
                for chain in chains
                for part in chain[1]
                if isinstance(part, nn.Conv3d)
            ]
            for edges in groups
        ]

    def __call__(self, activated: Tensor, arrivals: int) -> list[Tensor]:
        """activated: ReLU of the source, (B·A, C, T, H, W); returns tensors (B, A, C, E, k, V)."""
        size = activated.shape[2:]
        kernels = []
        for convolutions in self.groups:
            kernel = torch.stack([reachable(c.weight, size, (1, 1, 1)) for c in convolutions], 1)
            kernels.append(kernel.unflatten(1, (self.edges, -1)))  # (C, E, k, C, kT, kH, kW)
        branches = []
        # On clips so small that kernels of 3 and 5 are cut to the same size, they share a call.
        for _, alike in groupby(kernels, key=lambda kernel: kernel.shape[-3:]):
            kernel = torch.cat(list(alike), 2)
            branch = convolve(activated, kernel.flatten(0, 2), (1, 1, 1)).flatten(2)
            branches.append(branch.view(-1, arrivals, *kernel.shape[:3], branch.shape[-1]))
        return branches


class Stack:
    """Chains of one form, from E edges with k chains each, as one chain over n = E·k times C."""

    def __init__(self, edges: Sequence[Sequence[Chain]]) -> None:
        """edges: per edge its k chains of this form."""
        self.shape = (len(edges), len(edges[0]))
        members = [chain for chains in edges for chain in chains]
        # The first ReLU is the source's, the last batch norm is part of the mix.
        self.steps = [tuple(zip(*layers, strict=True)) for layers in zip(*members, strict=True)]
        self.steps = self.steps[1:-1]

    def __call__(self, activated: Tensor, arrivals: int) -> list[Tensor]:
        """activated: ReLU of the source, (B·A, C, T, H, W); returns a tensor (B, A, C, E, k, V)."""
        width = activated.shape[1]
        x = activated
        for number, step in enumerate(self.steps):
            kind = step[0][0]
            if isinstance(kind, nn.ReLU):
                x = F.relu(x)
            elif isinstance(kind, nn.BatchNorm3d):
                x = norm_apart(x, arrivals, kind.eps)
            else:
                parts = [self._convolve(x, convs, first=number == 0) for convs in step]
                x = reduce(torch.add, parts)
        x = x.flatten(2).unflatten(0, (-1, arrivals)).unflatten(2, (*self.shape, width))
        return [x.permute(0, 1, 4, 2, 3, 5).contiguous()]

    def _convolve(self, x: Tensor, convolutions: Sequence[nn.Conv3d], first: bool) -> Tensor:
        """(B·A, C or n·C, T, H, W) -> (B·A, n·C, T, H, W)."""
        kind = convolutions[0]
        size, dilation = x.shape[2:], kind.dilation
        weights = [reachable(convolution.weight, size, dilation) for convolution in convolutions]
        depthwise = kind.groups > 1
        if weights[0].shape[2:] == (1, 1, 1) and not first and not depthwise:
            return pointwise(x, torch.stack(weights))
        weight = torch.cat(weights)
        if depthwise:
            if first:  # a copy of all channels per kernel, stored channels last
                x = x.movedim(1, -1).repeat(1, 1, 1, 1, len(weights)).movedim(-1, 1)
            return convolve(x, weight, dilation, groups=x.shape[1])
        return convolve(x, weight, dilation, groups=1 if first else len(weights))


def stacks_of(groups: Sequence[Sequence[Sequence[Chain]]]) -> list[SingleStack | Stack]:
    """What evaluates a source's chains. groups: per form, per edge, its chains."""
    singles = [group for group in groups if is_single(form_of(group[0][0]))]
    rest: list[SingleStack | Stack] = [Stack(group) for group in groups[len(singles) :]]
    return [SingleStack(singles), *rest] if singles else rest


def norm_apart(x: Tensor, arrivals: int, eps: float) -> Tensor:
    """Batch norm of (B·A, C, T, H, W) with statistics for each of the A inputs on its own."""
    batch, channels, *voxels = x.shape
    apart = x.reshape(batch // arrivals, arrivals * channels, *voxels)
    return F.batch_norm(apart, None, None, training=True, eps=eps).view(x.shape)


def _shared_kernels(shared: Mapping[str, nn.Module], entry: Operation) -> list[nn.Module]:
    if entry.combine not in COMBINED:
        raise MethodError(
            f"the fast supernet cannot join branches by {entry.combine!r}: expected one of "
            f"{', '.join(filter(None, COMBINED))}; add it to rnas.fast.branches.COMBINED"
        )
    return [shared[str(size)] for size in entry.branches]


def _grouped(modules: Sequence[nn.Module]) -> tuple[dict[nn.Module, int], tuple]:
    """Every module's position among all chains, and the chains grouped by form."""
    chains = {module: chain for module in modules if (chain := _chain(module))}
    groups: dict[tuple, list[nn.Module]] = {}
    for module, chain in chains.items():
        groups.setdefault(form_of(chain), []).append(module)
    ordered = [groups[form] for form in sorted(groups, key=lambda form: not is_single(form))]
    members = [module for group in ordered for module in group]
    places = {module: place for place, module in enumerate(members)}
    return places, tuple(tuple(chains[module] for module in group) for group in ordered)


def _chain(module: nn.Module) -> Chain | None:
    """The layers of a branch, or None where this file cannot stack it."""
    layers = _layers(module)
    if layers is None or len(layers) < 3:
        return None
    ends = (layers[0][0], layers[1][0], layers[-1][0])
    expected = (nn.ReLU, nn.Conv3d, nn.BatchNorm3d)
    return layers if all(map(isinstance, ends, expected)) else None


def _layers(module: nn.Module) -> Chain | None:
    if isinstance(module, nn.Sequential):
        parts = [_layers(child) for child in module]
        known = [part for part in parts if part is not None]
        return tuple(chained.from_iterable(known)) if len(known) == len(parts) else None
    if isinstance(module, SingletonParallel):
        layers: Chain = ((nn.ReLU(),), tuple(module.axes), (module.norm,))
        return layers if all(map(_stackable, (*module.axes, module.norm))) else None
    return ((module,),) if _stackable(module) else None


def _stackable(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv3d):
        same = tuple(d * (k // 2) for k, d in zip(module.kernel_size, module.dilation, strict=True))
        return (
            module.groups in (1, module.in_channels)
            and all(k % 2 for k in module.kernel_size)
            and module.stride == (1, 1, 1)
            and module.padding == same
            and module.padding_mode == "zeros"
            and module.bias is None
        )
    if isinstance(module, nn.BatchNorm3d):
        return not module.affine and not module.track_running_stats
    return isinstance(module, nn.ReLU)


def form_of(chain: Chain) -> tuple:
    """Chains of equal form have the same layers, but for their weights."""
    return tuple(tuple(_layer_form(module) for module in layer) for layer in chain)


def is_single(form: tuple) -> bool:
    """Whether a chain of this form is one convolution over all channels, not dilated."""
    singles = len(form) == 3 and len(form[1]) == 1 and form[1][0][0] == "conv"
    return singles and form[1][0][2:] == ((1, 1, 1), False)


def _layer_form(module: nn.Module) -> tuple:
    if isinstance(module, nn.Conv3d):
        taps = tuple(module.weight.shape[2:])
        steps = tuple(d if k > 1 else 1 for k, d in zip(taps, module.dilation, strict=True))
        return ("conv", taps, steps, module.groups > 1)
    if isinstance(module, nn.BatchNorm3d):
        return ("norm", module.eps)
    return ("relu",)


def _weightless(module: nn.Module) -> bool:
    return all(
        isinstance(leaf, WEIGHTLESS) or (isinstance(leaf, nn.BatchNorm3d) and _stackable(leaf))
        for leaf in leaves(module)
    )


def leaves(module: nn.Module) -> list[nn.Module]:
    """The module, or what its nn.Sequential consist of."""
    return [part for part in module.modules() if not isinstance(part, nn.Sequential)]
