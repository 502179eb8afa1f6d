"""The candidate operations on an edge (Table 1 and the DARTS set in 3D).

Every operation maps (B, C, T, H, W) to the same shape and leaves its input as it is. To add one,
add an entry to `OPERATIONS`: how it is built and how many parameters it has. Another package adds
one through `rnas.added`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rnas.added import added_operation
from rnas.convolution import Convolution
from rnas.errors import MethodError

COMBINE: MappingProxyType[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "add": torch.add,
        "max": torch.maximum,
        "avg": lambda first, second: (first + second) / 2,
    }
)
"""How a hybrid operation joins its two branches, element by element."""


@dataclass(frozen=True)
class Norm:
    """Batch norm in one of its two roles.

    In search it has neither affine parameters nor running statistics (batch statistics always);
    in a derived network it has both.
    """

    affine: bool
    eps: float = 1e-5

    def __call__(self, channels: int) -> nn.BatchNorm3d:
        """A batch norm over so many channels."""
        return nn.BatchNorm3d(
            channels, eps=self.eps, affine=self.affine, track_running_stats=self.affine
        )


SEARCH_NORM = Norm(affine=False)
DERIVED_NORM = Norm(affine=True)


def convolution(channels: int, kernel: int, norm: Norm) -> nn.Sequential:
    """ν_e: ReLU -> Conv3d(e×e×e, same padding, no bias) -> BatchNorm3d."""
    return nn.Sequential(
        nn.ReLU(),
        Convolution(channels, channels, kernel, padding=kernel // 2, bias=False),
        norm(channels),
    )


class Pair(nn.Module):
    """A hybrid operation: two convolutions ν of different size, joined element by element."""

    def __init__(self, channels: int, combine: str, kernels: tuple[int, int], norm: Norm) -> None:
        super().__init__()
        self.combine = COMBINE[combine]
        self.branches = nn.ModuleList(convolution(channels, kernel, norm) for kernel in kernels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        first, second = self.branches
        return self.combine(first(x), second(x))


class Zero(nn.Module):
    """`none`: no connection. It counts in the softmax of Eq. 1 and is never decoded."""

    def forward(self, x: Tensor) -> Tensor:
        """Zeros in the shape of x."""
        return torch.zeros_like(x)


class MaxPool(nn.Module):
    """3×3×3 maximum, stride 1, padded by hand so that axes shorter than 3 work too."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        return F.max_pool3d(F.pad(x, (1,) * 6, value=-torch.inf), 3, stride=1)


class AvgPool(nn.Module):
    """3×3×3 mean, stride 1, over the voxels that exist: padding does not count."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        inside = F.avg_pool3d(F.pad(torch.ones_like(x[:1, :1]), (1,) * 6), 3, stride=1)
        return F.avg_pool3d(F.pad(x, (1,) * 6), 3, stride=1) / inside


def _pooling(pool: type[nn.Module]) -> Callable[[int, Norm], nn.Module]:
    return lambda channels, norm: nn.Sequential(pool(), norm(channels))


def _depthwise_separable(channels: int, kernel: int, dilation: int, norm: Norm) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        Convolution(
            channels,
            channels,
            kernel,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            groups=channels,
            bias=False,
        ),
        Convolution(channels, channels, 1, bias=False),
        norm(channels),
    )


def _separable(channels: int, kernel: int, norm: Norm) -> nn.Sequential:
    """As in DARTS: the depthwise-separable convolution is applied twice."""
    twice = [_depthwise_separable(channels, kernel, 1, norm) for _ in range(2)]
    return nn.Sequential(*twice)


def _dilated_full(channels: int, kernel: int, norm: Norm) -> nn.Sequential:
    """A dilated convolution over all channels, as Auto-DeepLab's own code has it."""
    return nn.Sequential(
        nn.ReLU(),
        Convolution(channels, channels, kernel, padding=kernel - 1, dilation=2, bias=False),
        norm(channels),
    )


def _axis_convolutions(channels: int, kernel: int) -> list[Convolution]:
    """A k×k×k kernel factorised into (k,1,1), (1,k,1) and (1,1,k)."""
    sizes = [(kernel, 1, 1), (1, kernel, 1), (1, 1, kernel)]
    return [
        Convolution(channels, channels, (t, h, w), padding=(t // 2, h // 2, w // 2), bias=False)
        for t, h, w in sizes
    ]


class SingletonParallel(nn.Module):
    """ReLU -> the sum of the three axis convolutions -> BatchNorm3d."""

    def __init__(self, channels: int, kernel: int, norm: Norm) -> None:
        super().__init__()
        self.axes = nn.ModuleList(_axis_convolutions(channels, kernel))
        self.norm = norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        activated = F.relu(x)
        return self.norm(sum(axis(activated) for axis in self.axes))


def _singleton_sequence(channels: int, kernel: int, norm: Norm) -> nn.Sequential:
    """ReLU -> the three axis convolutions one after the other -> BatchNorm3d."""
    return nn.Sequential(nn.ReLU(), *_axis_convolutions(channels, kernel), norm(channels))


@dataclass(frozen=True)
class Operation:
    """How an operation is built and, with an affine norm, how many parameters it has.

    `branches` names the sizes of the convolutions ν that a hybrid operation joins with `combine`:
    with shared kernels, one ν of each size serves all operations of an edge.
    """

    build: Callable[[int, Norm], nn.Module]
    parameters: Callable[[int], int]
    combine: str | None = None
    branches: tuple[int, ...] = ()


def _pair(combine: str, first: int, second: int) -> Operation:
    return Operation(
        build=lambda channels, norm: Pair(channels, combine, (first, second), norm),
        parameters=lambda c: (first**3 + second**3) * c * c + 4 * c,
        combine=combine,
        branches=(first, second),
    )


def _single(kernel: int) -> Operation:
    return Operation(
        build=lambda channels, norm: convolution(channels, kernel, norm),
        parameters=lambda c: kernel**3 * c * c + 2 * c,
        branches=(kernel,),
    )


def _sep_conv(kernel: int) -> Operation:
    return Operation(
        build=lambda channels, norm: _separable(channels, kernel, norm),
        parameters=lambda c: 2 * (kernel**3 * c + c * c + 2 * c),
    )


def _dil_conv(kernel: int) -> Operation:
    return Operation(
        build=lambda channels, norm: _depthwise_separable(channels, kernel, 2, norm),
        parameters=lambda c: kernel**3 * c + c * c + 2 * c,
    )


def _dil_conv_full(kernel: int) -> Operation:
    return Operation(
        build=lambda channels, norm: _dilated_full(channels, kernel, norm),
        parameters=lambda c: kernel**3 * c * c + 2 * c,
    )


def _singleton(build: Callable[[int, int, Norm], nn.Module], kernel: int) -> Operation:
    return Operation(
        build=lambda channels, norm: build(channels, kernel, norm),
        parameters=lambda c: 3 * kernel * c * c + 2 * c,
    )


OPERATIONS: MappingProxyType[str, Operation] = MappingProxyType(
    {
        "none": Operation(lambda channels, norm: Zero(), lambda c: 0),
        "skip": Operation(lambda channels, norm: nn.Identity(), lambda c: 0),
        **{f"conv_{kernel}": _single(kernel) for kernel in (1, 3, 5)},
        **{
            f"{combine}_{first}_{second}": _pair(combine, first, second)
            for combine in COMBINE
            for first, second in ((1, 3), (3, 5), (1, 5))
        },
        "max_pool_3": Operation(_pooling(MaxPool), lambda c: 2 * c),
        "avg_pool_3": Operation(_pooling(AvgPool), lambda c: 2 * c),
        **{f"sep_conv_{kernel}": _sep_conv(kernel) for kernel in (3, 5)},
        **{f"dil_conv_{kernel}": _dil_conv(kernel) for kernel in (3, 5)},
        **{f"single_seq_{kernel}": _singleton(_singleton_sequence, kernel) for kernel in (3, 5)},
        **{f"single_par_{kernel}": _singleton(SingletonParallel, kernel) for kernel in (3, 5)},
    }
)

FULL_DILATED: MappingProxyType[str, Operation] = MappingProxyType(
    {f"dil_conv_{kernel}": _dil_conv_full(kernel) for kernel in (3, 5)}
)
"""What the dilated operations become with `dilated=full`."""


def operation(name: str, dilated: str = "separable") -> Operation:
    """The operation of a name; MethodError names the known ones."""
    table = {**OPERATIONS, **FULL_DILATED} if dilated == "full" else OPERATIONS
    found = table.get(name) or added_operation(name)
    if found is None:
        raise MethodError(f"unknown operation {name!r}: expected one of {', '.join(sorted(table))}")
    return found
