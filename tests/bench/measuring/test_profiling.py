"""Parameters and multiply-accumulates, against numbers worked out by hand."""

from __future__ import annotations

import random
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bench.errors import BenchError
from bench.measuring.profiling import (
    macs_fvcore,
    macs_ptflops,
    macs_torch,
    module_shares,
    profile,
)
from bench.methods.registry import variants
from bench.runs.marks import size_marks
from rnas.derived import DerivedNetwork
from rnas.genotype import random_genotype
from rnas.operations import DERIVED_NORM, FULL_DILATED, OPERATIONS, SEARCH_NORM
from rnas.supernet import Supernet
from rnas.trellis import Trellis

SHAPE = (3, 4, 8, 8)
VOXELS = 4 * 8 * 8
COUNTERS = [macs_torch, macs_fvcore, macs_ptflops]

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
    "interpolation is free": (
        nn.Sequential(nn.Upsample(scale_factor=2, mode="trilinear"), nn.Conv3d(3, 2, 1)),
        VOXELS * 8 * 6,
    ),
    "nothing to count": (nn.ReLU(), 0),
}

SMALL = (3, 2, 8, 8)
"""A clip whose coarsest level is a single voxel in most search spaces."""

SEARCHED = {name: entry.space for name, entry in variants().items() if entry.kind == "search"}
BUILDS = {name: entry.build for name, entry in OPERATIONS.items()} | {
    f"{name}, full": entry.build for name, entry in FULL_DILATED.items()
}


def shallow(name):
    """All operations and moves of a variant, on two layers and two resolutions."""
    space = SEARCHED[name]
    outer = Trellis(2, space.outer.factors[:2], space.outer.moves)
    return space.resized(channels=4, nodes=1, outer=outer)


def shallow_supernet(name):
    return Supernet(shallow(name).resized(kernels="shared"), 3)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("network", "macs"), NETWORKS.values(), ids=NETWORKS)
def test_counters_agree_with_arithmetic(network, macs):
    assert [count(network, SHAPE) for count in COUNTERS] == [macs] * len(COUNTERS)


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_counters_agree_on_every_operation(build):
    for norm in (DERIVED_NORM, SEARCH_NORM):
        operation = build(3, norm)
        counts = {count(operation, SHAPE) for count in COUNTERS}
        weights = sum(m.weight.numel() for m in operation.modules() if isinstance(m, nn.Conv3d))
        assert counts == {weights * VOXELS}  # every convolution of a candidate keeps T, H and W


@pytest.mark.parametrize("name", SEARCHED)  # a random control has the space of its variant
def test_counters_agree_on_a_derived_network_of_every_variant(name):
    space = shallow(name).resized(channels=8, nodes=2)
    genotype = random_genotype(space, random.Random(name))
    network = DerivedNetwork(space, genotype, 3)
    found = profile(network, SMALL)
    assert found["macs"] == found["macs_fvcore"] == found["macs_ptflops"] > 0
    assert found["params"] == sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", SEARCHED)
def test_counters_agree_on_the_supernet_of_every_searched_variant(name):
    found = profile(shallow_supernet(name), SMALL)
    assert found["macs"] == found["macs_fvcore"] == found["macs_ptflops"] > 0


class Product(nn.Module):
    """A product of tensors that no counter but torch's and fvcore's knows as a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 8, 8))

    def forward(self, x):
        return torch.baddbmm(torch.zeros_like(self.weight), self.weight, self.weight) + x.mean()


def test_counts_that_differ_stand_side_by_side_with_a_mark():
    found = profile(Product(), SHAPE)
    assert found["macs"] == 2 * 8 * 8 * 8 // 2  # per clip: a pass is of two
    assert {found["macs_fvcore"], found["macs_ptflops"]} != {found["macs"]}
    assert size_marks([found]) == ("MAC counts differ",)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(16, 4, batch_first=True)

    def forward(self, x):
        return self.layer(x.flatten(1)[:, :64].unflatten(1, (4, 16)))[0].mean(1)


@pytest.mark.parametrize(
    ("network", "word"),
    [
        (Recurrent, "rnn|lstm"),
        (lambda: nn.Sequential(nn.Flatten(), FourierPart()), "fft"),
    ],
)
def test_operators_that_no_counter_knows_are_named(network, word):
    found = profile(network(), SHAPE)
    assert re.search(word, ", ".join(found["uncounted"]))
    (mark,) = [mark for mark in size_marks([found]) if mark.startswith("MACs a lower bound: ")]
    assert re.search(word, mark)


class FourierPart(nn.Module):
    def forward(self, x):
        return torch.fft.rfft(x).abs()[:, :3]


def test_a_counter_that_fails_leaves_its_cell_empty():
    class Counted(nn.Conv3d):
        def forward(self, x):
            if torch.jit.is_tracing():  # as fvcore looks at a network
                raise RuntimeError("not traceable")
            return super().forward(x)

    found = profile(Counted(3, 2, 1), SHAPE)
    assert found["macs_fvcore"] is None
    assert found["macs"] == found["macs_ptflops"] > 0
    assert size_marks([found]) == ()


def test_what_ptflops_cannot_run_is_an_error_with_its_reason(capfd):
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("no luck")

    with pytest.raises(BenchError, match=r"ptflops could not count this network: .*no luck"):
        macs_ptflops(Broken(), SHAPE)
    assert capfd.readouterr() == ("", "")


def test_profile_in_its_units():
    network = nn.Sequential(nn.Conv3d(3, 5, 1, bias=False), nn.BatchNorm3d(5))
    found = profile(network, SHAPE)
    assert found["params"] == 15 + 10
    assert found["macs"] == VOXELS * 15
    assert found["gflops"] == pytest.approx(2 * VOXELS * 15 / 1e9)
    assert found["weights_mb"] == pytest.approx(25 * 4 / 1e6)
    assert found["checkpoint_mb"] == pytest.approx(2 * 25 * 4 / 1e6)
    assert found["input_shape"] == list(SHAPE)


def test_a_search_keeps_momentum_of_w_and_two_moments_of_the_architecture():
    supernet = shallow_supernet("rnas_mer")
    w, a = (
        sum(p.numel() for p in each)
        for each in (supernet.weight_parameters(), supernet.architecture_parameters())
    )
    found = profile(supernet, SMALL)
    assert found["checkpoint_mb"] == pytest.approx(4e-6 * (2 * w + 3 * a))


def test_counting_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    profile(network, SHAPE)
    module_shares(network, SHAPE, 1)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


class TestModuleShares:
    @pytest.fixture
    def networks(self):
        space = shallow("rnas_mer").resized(nodes=2)
        return {
            "derived": DerivedNetwork(space, random_genotype(space, random.Random(0)), 3),
            "supernet": shallow_supernet("autodeeplab_3d"),
        }

    @pytest.mark.parametrize("name", ["derived", "supernet"])
    def test_of_the_modules_inside_sum_to_the_module(self, networks, name):
        shares = module_shares(networks[name], SMALL, depth=99)
        by_path = {share.path: share for share in shares}
        modules = dict(networks[name].named_modules())
        parents = 0
        for path, share in by_path.items():
            prefix = f"{path}." if path else ""
            inside = [by_path[prefix + child] for child, _ in modules[path].named_children()]
            own = sum(p.numel() for p in modules[path].parameters(recurse=False))
            assert share.params == own + sum(part.params for part in inside)
            if inside:
                parents += 1
                assert share.macs == sum(part.macs for part in inside)
        assert parents > 10

    @pytest.mark.parametrize("name", ["derived", "supernet"])
    def test_of_the_whole_are_those_of_the_profile(self, networks, name):
        network = networks[name]
        whole = module_shares(network, SMALL, depth=1)[0]
        found = profile(network, SMALL)
        assert (whole.path, whole.kind) == ("", type(network).__name__)
        assert (whole.params, whole.macs) == (found["params"], found["macs"])

    def test_go_down_to_the_depth(self, networks):
        at = {depth: module_shares(networks["derived"], SHAPE, depth) for depth in (1, 2)}
        assert [share.path for share in at[1]] == ["", "stem", "cells", "head"]
        assert {share.depth for share in at[2]} == {0, 1, 2}
        assert [share for share in at[2] if share.depth < 2] == list(at[1])

    def test_of_a_module_that_is_called_twice_count_both(self):
        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv3d(3, 3, 1, bias=False)

            def forward(self, x):
                return self.conv(F.relu(self.conv(x)))

        whole, conv = module_shares(Twice(), SHAPE, 1)
        assert whole.macs == conv.macs == 2 * VOXELS * 9
        assert conv.params == 9
