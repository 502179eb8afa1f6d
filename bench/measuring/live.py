"""Parameters that a gradient can reach at a clip size: no tap of a kernel that meets only padding.

On a grid of a few voxels the outer taps of a padded kernel never meet a feature: such a weight
keeps its initial value whatever the data. What else can leave a weight without a gradient (units
that ReLU silences for good) depends on the data and is not counted.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True)
class LiveSizes:
    """Parameters of a network and taps of its kernels, all of them and the live ones.

    A kernel counts its taps once, whatever its channels: 27 for 3x3x3.
    """

    params: int
    live: int
    taps: int
    live_taps: int

    def to_dict(self) -> dict[str, float | int | None]:
        """The keys of a profile: a number of parameters and two shares, None of nothing."""
        return {
            "live_parameters": self.live,
            "live_share": self.live / self.params if self.params else None,
            "live_taps": self.live_taps / self.taps if self.taps else None,
        }


@torch.no_grad()
def live_sizes(network: nn.Module, input_shape: Sequence[int]) -> LiveSizes:
    """The sizes for clips of a shape, (C, T, H, W), or stills, (C, S, S): one pass of two of them.

    Every convolution is asked for the gradient of the sum of its result with all its inputs 1: each
    weight's is the number of places where it meets a feature. Kernels used more than once are live
    where any use is; those of a convolution that the network does not call are not.
    """
    model = copy.deepcopy(network).cpu().eval()
    convolutions = [each for each in model.modules() if isinstance(each, CONVOLUTIONS)]
    places: dict[nn.Module, Tensor] = {c: torch.zeros_like(c.weight) for c in convolutions}

    def count_places(convolution: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ones = torch.ones_like(inputs[0][:1])
        with torch.enable_grad(), parametrize.cached():  # else each look at a weight makes another
            weight = cast("Tensor", convolution.weight)
            places[convolution] += torch.autograd.grad(convolution.forward(ones).sum(), weight)[0]

    for convolution in convolutions:
        convolution.register_forward_hook(count_places)
    model(torch.zeros(2, *input_shape))
    met = [each > 0 for each in places.values()]
    params = sum(parameter.numel() for parameter in model.parameters())
    kernels = [each[0, 0] for each in met]
    return LiveSizes(
        params=params,
        live=params - sum(int((~each).sum()) for each in met),
        taps=sum(each.numel() for each in kernels),
        live_taps=sum(int(each.sum()) for each in kernels),
    )
