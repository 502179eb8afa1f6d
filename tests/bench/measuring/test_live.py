"""Live parameters: the count from the kernels' places against gradients that are not 0."""

from __future__ import annotations

import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bench.measuring.live import live_sizes
from bench.methods.registry import variants
from rnas.derived import DerivedNetwork
from rnas.genotype import random_genotype
from rnas.trellis import Trellis

pytestmark = pytest.mark.usefixtures("one_thread")

CLIP = (3, 2, 8, 8)


def derived(name, layers=3):
    """The last random genotype of eight by its path, so that coarse levels are there."""
    space = variants()[name].space
    outer = Trellis(layers, space.outer.factors[:3], space.outer.moves)
    space = space.resized(channels=4, nodes=2, partial=1, outer=outer)
    drawn = random.Random(0)
    coarse = max((random_genotype(space, drawn) for _ in range(8)), key=lambda each: each.path)
    return DerivedNetwork(space, coarse, 3)


class Stills(nn.Module):
    """Stride, dilation, groups, a bias, unequal padding, and a kernel of two uses."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 6, 5, stride=2, padding=2),
            nn.Conv2d(6, 6, 3, padding=(2, 1), dilation=2, groups=3),
            nn.Conv2d(6, 4, 7, padding="same", bias=False),
        )
        self.twice = nn.Conv2d(4, 4, 5, padding=2)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = self.layers(x)
        large, small = self.twice(x), self.twice(F.avg_pool2d(x, 2, ceil_mode=True))
        return self.head(large.mean((2, 3)) + small.mean((2, 3)))


NETWORKS = {
    "hybrid operations": (lambda: derived("rnas_mer"), CLIP),
    "DARTS operations": (lambda: derived("rnas_mer_1"), CLIP),
    "nodes joined, moves up": (lambda: derived("autodeeplab_3d"), CLIP),
    "singletons": (lambda: derived("automer_3d"), CLIP),
    "stills": (Stills, (3, 6, 5)),
}


def moved(build, shape, starts=3, batches=2, clips=8):
    """Weights with a gradient other than 0 from some initial values and some batch.

    Several initial values, since a unit that ReLU silences lends its weights none.
    """
    total = 0
    for start in range(starts):
        torch.manual_seed(start)
        network = build().double().train()
        for _ in range(batches):
            clips_ = torch.randn(clips, *shape, dtype=torch.float64)
            loss = F.cross_entropy(network(clips_), torch.arange(clips) % 3)
            gradients = torch.autograd.grad(loss, list(network.parameters()))
            total = total + torch.cat([gradient.flatten().abs() for gradient in gradients])
    return int((total > 0).sum())


@pytest.mark.parametrize(("build", "shape"), NETWORKS.values(), ids=NETWORKS)
def test_live_are_the_parameters_that_gradients_reach(build, shape):
    network = build()
    found = live_sizes(network, shape)
    assert found.params == sum(parameter.numel() for parameter in network.parameters())
    assert found.live == moved(build, shape) < found.params
    assert found.live_taps < found.taps


def test_on_a_large_grid_all_are():
    found = live_sizes(derived("rnas_mer"), (3, 16, 32, 32))
    assert (found.live, found.live_taps) == (found.params, found.taps)
    assert found.to_dict()["live_share"] == found.to_dict()["live_taps"] == 1


def test_taps_and_weights_of_one_convolution_by_hand():
    """On 1x2x2 voxels a tap lives that is at most 0, 1, 1 from the middle: 1x3x3 of 5x5x5."""
    found = live_sizes(nn.Conv3d(2, 4, 5, padding=2), (2, 1, 2, 2))
    assert (found.taps, found.live_taps) == (125, 9)
    assert (found.params, found.live) == (125 * 8 + 4, 9 * 8 + 4)


def test_a_convolution_that_is_never_called_has_no_live_weight():
    network = Stills()
    network.spare = nn.Conv2d(3, 5, 3, bias=False)
    spare = network.spare.weight.numel()
    with_it, without = live_sizes(network, (3, 6, 5)), live_sizes(Stills(), (3, 6, 5))
    assert (with_it.params - without.params, with_it.live) == (spare, without.live)


def test_a_network_without_parameters_has_no_share():
    assert set(live_sizes(nn.ReLU(), CLIP).to_dict().values()) == {0, None}


def test_the_network_stays_as_it_was():
    network = derived("rnas_mer").train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    live_sizes(network, CLIP)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())
