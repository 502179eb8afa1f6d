"""Parameters and multiply-accumulates, against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench.profiling import macs_fvcore, macs_ptflops, macs_torch, profile

SHAPE = (3, 4, 8, 8)
VOXELS = 4 * 8 * 8

NETWORKS = {
    "convolution": (nn.Conv3d(3, 5, 3, padding=1, bias=False), VOXELS * 5 * 3 * 27),
    "with a bias": (nn.Conv3d(3, 5, 3, padding=1), VOXELS * 5 * 3 * 27),
    "strided": (nn.Conv3d(3, 5, 1, stride=(1, 2, 2), bias=False), VOXELS // 4 * 5 * 3),
    "depthwise": (nn.Conv3d(3, 3, 5, padding=2, groups=3, bias=False), VOXELS * 3 * 125),
    "linear": (nn.Sequential(nn.Flatten(), nn.Linear(3 * VOXELS, 7)), 3 * VOXELS * 7),
    "norm and pool are free": (
        nn.Sequential(nn.BatchNorm3d(3), nn.ReLU(), nn.AvgPool3d(2), nn.Conv3d(3, 2, 1)),
        VOXELS // 8 * 6,
    ),
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("network", "macs"), NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("count", [macs_torch, macs_fvcore, macs_ptflops])
def test_counters_agree_with_arithmetic(count, network, macs):
    assert count(network, SHAPE) == macs


def test_profile_in_its_units():
    network = nn.Sequential(nn.Conv3d(3, 5, 1, bias=False), nn.BatchNorm3d(5))
    found = profile(network, SHAPE)
    assert found["params"] == 15 + 10
    assert found["macs"] == VOXELS * 15
    assert found["gflops"] == pytest.approx(2 * VOXELS * 15 / 1e9)
    assert found["weights_mb"] == pytest.approx(25 * 4 / 1e6)
    assert found["checkpoint_mb"] == pytest.approx(2 * 25 * 4 / 1e6)
    assert found["input_shape"] == list(SHAPE)


def test_counting_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    profile(network, SHAPE)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
