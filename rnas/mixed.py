"""The mixed operation, Eq. 1: every candidate at once, weighted by softmax(α)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnas.operations import COMBINE, Norm, convolution, operation
from rnas.space import SearchSpace


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Interleaves the channels of `groups` groups, as PC-DARTS does: (B, C, T, H, W) -> same."""
    batch, channels, *voxels = x.shape
    grouped = x.view(batch, groups, channels // groups, *voxels)
    return grouped.transpose(1, 2).reshape(batch, channels, *voxels)


class OwnKernels(nn.Module):
    """`kernels=per_op`: every candidate owns its convolutions (21 an edge for the hybrid set)."""

    def __init__(self, space: SearchSpace, channels: int, norm: Norm) -> None:
        super().__init__()
        self.candidates = nn.ModuleDict(
            {name: operation(name, space.dilated).build(channels, norm) for name in space.choosable}
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Name of every candidate but `none` -> its result, in the shape of x."""
        return {name: candidate(x) for name, candidate in self.candidates.items()}

    def only(self, name: str, x: Tensor) -> Tensor:
        """The result of one candidate."""
        return self.candidates[name](x)


class SharedKernels(nn.Module):
    """`kernels=shared`: one ν of each size serves every hybrid candidate of the edge."""

    def __init__(self, space: SearchSpace, channels: int, norm: Norm) -> None:
        super().__init__()
        self.hybrid = {
            name: entry
            for name in space.choosable
            if (entry := operation(name, space.dilated)).branches
        }
        sizes = sorted({size for entry in self.hybrid.values() for size in entry.branches})
        self.convolutions = nn.ModuleDict(
            {str(size): convolution(channels, size, norm) for size in sizes}
        )
        self.candidates = nn.ModuleDict(
            {
                name: operation(name, space.dilated).build(channels, norm)
                for name in space.choosable
                if name not in self.hybrid
            }
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Name of every candidate but `none` -> its result, in the shape of x."""
        features = {int(size): conv(x) for size, conv in self.convolutions.items()}
        results = {name: candidate(x) for name, candidate in self.candidates.items()}
        for name, entry in self.hybrid.items():
            branches = [features[size] for size in entry.branches]
            results[name] = COMBINE[entry.combine](*branches) if entry.combine else branches[0]
        return results

    def only(self, name: str, x: Tensor) -> Tensor:
        """The result of one candidate."""
        if name not in self.hybrid:
            return self.candidates[name](x)
        entry = self.hybrid[name]
        branches = [self.convolutions[str(size)](x) for size in entry.branches]
        return COMBINE[entry.combine](*branches) if entry.combine else branches[0]


class MixedOperation(nn.Module):
    """Eq. 1 with partial channels.

    The first C/b channels pass through the weighted sum of all candidates; the others bypass it;
    both are concatenated and shuffled in b groups. With b = 1 all channels pass through the sum.
    """

    def __init__(self, space: SearchSpace, channels: int, norm: Norm) -> None:
        super().__init__()
        kernels: type[SharedKernels | OwnKernels]
        kernels = SharedKernels if space.kernels == "shared" else OwnKernels
        self.partial = space.partial
        self.selected = channels // space.partial
        # `none` contributes nothing but its share of the softmax, so it is not evaluated.
        self.columns = {name: space.operations.index(name) for name in space.choosable}
        self.evaluate = kernels(space, self.selected, norm)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """x: (B, C, T, H, W); weights: softmax(α) of this edge, (|operations|,)."""
        results = self.evaluate(x[:, : self.selected])  # each (B, C/b, T, H, W)
        mixed = sum(weights[column] * results[name] for name, column in self.columns.items())
        return self._with_bypass(mixed, x)

    def chosen(self, name: str, x: Tensor) -> Tensor:
        """`forward` with all weight on one candidate; no other is computed."""
        return self._with_bypass(self.evaluate.only(name, x[:, : self.selected]), x)

    def _with_bypass(self, mixed: Tensor, x: Tensor) -> Tensor:
        if self.partial == 1:
            return mixed
        joined = torch.cat([mixed, x[:, self.selected :]], dim=1)  # (B, C, T, H, W)
        return channel_shuffle(joined, self.partial)
