"""Operations of other packages: in every space and evaluation the values of their own modules."""

from __future__ import annotations

import random

import pytest
import torch
from method_cases import MICRO
from test_fast import assert_same
from torch import nn

from rnas import added
from rnas.added import add_source
from rnas.derived import DerivedNetwork
from rnas.errors import MethodError
from rnas.genotype import random_genotype
from rnas.operations import MaxPool, Operation, Pair, convolution, operation
from rnas.sizes import count_parameters


class Residual(nn.Sequential):
    """Looks like a chain of layers and is none: its forward is another."""

    def forward(self, x):
        return x + super().forward(x)


class Gain(nn.Sequential):
    """Looks like a module without weights and has one."""

    def __init__(self, *layers):
        super().__init__(*layers)
        self.gain = nn.Parameter(torch.rand(()))

    def forward(self, x):
        return self.gain * super().forward(x)


def narrow(channels, norm):
    """A bottleneck of one channel."""
    into = nn.Conv3d(channels, 1, 1, bias=False)
    return nn.Sequential(
        nn.ReLU(), into, nn.Conv3d(1, channels, 3, padding=1, bias=False), norm(channels)
    )


def changing(channels, norm):
    """Of another form at every width."""
    return nn.Identity() if channels > 2 else convolution(channels, 3, norm)


BUILDS = {
    "a chain like a built-in one": lambda c, norm: convolution(c, 7, norm),
    "a chain with another forward": lambda c, norm: Residual(*convolution(c, 3, norm)),
    "a chain through other widths": narrow,
    "a pair that does not say how it joins": lambda c, norm: Pair(c, "max", (1, 5), norm),
    "no weights": lambda c, norm: nn.Sequential(MaxPool(), norm(c)),
    "a weight beside its layers": lambda c, norm: Gain(nn.Identity()),
    "another form at every width": changing,
}


@pytest.fixture
def add(monkeypatch):
    """Adds operations for the length of a test."""
    monkeypatch.setattr(added, "_SOURCES", list(added._SOURCES))
    return lambda **operations: add_source(operations.get)


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
@pytest.mark.parametrize("kernels", ["per_op", "shared"])
def test_the_fast_supernet_equals_the_reference(add, build, kernels):
    add(theirs=Operation(build, lambda channels: 0))
    space = MICRO.resized(operations=("conv_1", "theirs", "max_1_3", "none"), kernels=kernels)
    assert_same(space)
    assert_same(space.resized(operations=("theirs",)))


def test_with_shared_kernels_a_declared_pair_shares_them(add):
    add(theirs=Operation(lambda c, norm: Pair(c, "avg", (1, 3), norm), int, "avg", (1, 3)))
    assert_same(MICRO.resized(operations=("theirs", "conv_3"), kernels="shared"))


def test_a_network_that_is_found_holds_it_and_is_counted(add):
    add(theirs=Operation(lambda c, norm: convolution(c, 7, norm), lambda c: 7**3 * c * c + 2 * c))
    space = MICRO.resized(operations=("theirs",))
    genotype = random_genotype(space, random.Random(0))
    network = DerivedNetwork(space, genotype, 3)
    assert sum(p.numel() for p in network.parameters()) == count_parameters(space, genotype)


def test_the_names_of_built_in_operations_never_reach_a_source(add, monkeypatch):
    asked = []
    monkeypatch.setattr(added, "_SOURCES", [asked.append])
    assert operation("conv_1").branches == (1,)
    assert asked == []
    with pytest.raises(MethodError, match="unknown operation 'conv_7'"):
        operation("conv_7")
    assert asked == ["conv_7"]


def test_a_source_is_added_once(add):
    source = {}.get
    before = len(added._SOURCES)
    for _ in range(2):
        add_source(source)
    assert len(added._SOURCES) == before + 1
