"""Operations that packages register: what is checked, and when they are imported."""

from __future__ import annotations

import copy
import re
import sys

import pytest
import torch

from bench.engine.executing.working import failure_of
from bench.errors import BenchError
from bench.methods import registry
from bench.methods.operations import known_operations
from rnas.errors import MethodError
from rnas.operations import DERIVED_NORM, operation

SOURCE = """
from functools import cache
from torch import nn
from rnas.operations import Operation, convolution
from rnas.space import SearchSpace

def conv_7(channels, norm):
    return convolution(channels, 7, norm)

def count(channels):
    return 343 * channels**2 + 2 * channels

CONV_7 = Operation(conv_7, count)
MISCOUNTED = Operation(conv_7, lambda channels: 343 * channels**2)
SHRINKING = Operation(lambda channels, norm: nn.MaxPool3d(2), lambda channels: 0)
JOINED = Operation(conv_7, count, combine="min", branches=(1, 3))
SHARED = Operation(cache(conv_7), count)
class Upset(nn.Module):  # at sizes that were not tried
    def forward(self, x):
        return x[..., 1:] if x.shape[-1] == 6 else x if x.shape[-1] < 6 else x @ x

CHOOSY = Operation(lambda channels, norm: Upset(), lambda channels: 0)
class Late(nn.Identity):
    def forward(self, x):
        return x if self.training else x.relu_()

class Sometimes(nn.Identity):  # a size, the mode in which it is given, and how it is changed
    def __init__(self, size, training, way):
        super().__init__()
        self.size, self.mode, self.way = size, training, way

    def forward(self, x):
        if tuple(x.shape[2:]) == self.size and self.training == self.mode:
            self.way(x)
        return x * 1

def sometimes(size, training, way=lambda x: x.relu_()):
    return Operation(lambda channels, norm: Sometimes(size, training, way), lambda channels: 0)

STILL = sometimes((1, 4, 5), False)
POINT = sometimes((1, 1, 1), True, lambda x: x[:, :1].zero_())
UNSEEN = sometimes((3, 1, 1), False, lambda x: x.data.zero_())
ODD = sometimes((7, 6, 6), False)
ODD_PART = sometimes((1, 2, 2), True, lambda x: x[:, 1:].detach().add_(1))
LATE = Operation(lambda channels, norm: Late(), lambda channels: 0)
EIGHT = Operation(conv_7, lambda channels: 343 * 8 * channels + 16)
CHANGING = Operation(lambda channels, norm: nn.ReLU(inplace=True), lambda channels: 0)
class Normed(nn.Sequential):
    def __init__(self, channels, kind, **options):
        super().__init__(nn.Conv3d(channels, channels, 1, bias=False), kind(channels, **options))

def ones(channels):
    return channels**2

OWN_NORM = Operation(lambda c, norm: Normed(c, nn.BatchNorm3d), lambda c: c * c + 2 * c)
class Kept(nn.BatchNorm3d):
    pass

KEPT = Operation(lambda c, norm: Normed(c, Kept), lambda c: c * c + 2 * c)
PLAIN_NORM = Operation(
    lambda c, norm: Normed(c, nn.BatchNorm3d, affine=False, track_running_stats=False), ones
)
TRACKING = Operation(
    lambda c, norm: Normed(c, nn.BatchNorm3d, affine=norm.affine), lambda c: c * c + 2 * c
)
GIVEN_NORM = Operation(lambda c, norm: Normed(c, norm), lambda c: c * c + 2 * c)
GROUPED = Operation(
    lambda c, norm: nn.Sequential(nn.Conv3d(c, c, 1, bias=False), nn.GroupNorm(2, c)),
    lambda c: c * c + 2 * c,
)
INSTANCES = Operation(lambda c, norm: Normed(c, nn.InstanceNorm3d), ones)
FAILING = Operation(lambda channels, norm: 1 / 0, count)
SPACE = SearchSpace(name="theirs", summary="", operations=("conv_7", "{}"), nodes=1)
"""


@pytest.fixture
def put(install_package):
    def installed(names, second="skip"):
        groups = {
            "bench.operations": {name: f"their_operations:{v}" for name, v in names.items()},
            "bench.variants": {"theirs": "their_operations:SPACE"},
        }
        install_package(SOURCE.format(second), groups, "their_operations")

    return installed


def test_one_is_found_under_its_name_and_imported_when_it_is_needed(put):
    put({"conv_7": "CONV_7"})
    assert "conv_7" in known_operations()
    assert "their_operations" not in sys.modules
    before = torch.random.get_rng_state()
    assert operation("conv_7").parameters(2) == 343 * 4 + 4
    assert torch.equal(torch.random.get_rng_state(), before)  # no run changes by a check


def test_a_space_may_hold_it(put):
    put({"conv_7": "CONV_7"})
    assert registry.variant("theirs").space.operations == ("conv_7", "skip")


def test_a_space_with_an_unknown_one_is_left_out(put, capsys):
    put({"conv_7": "CONV_7"}, second="conv_77")
    assert "theirs" not in registry.variants()
    (line,) = capsys.readouterr().err.splitlines()
    assert "package their_operations" in line
    assert "unknown operation 'conv_77'" in line


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("MISCOUNTED", "of 8 channels it has 21968 parameters and says 21952"),
        ("SHRINKING", r"it maps \(B, C, T, H, W\) \(2, 8, 3, 4, 5\) to \(2, 8, 1, 2, 2\)"),
        ("JOINED", "it joins branches by 'min', expected add, max, avg"),
        ("SHARED", "shares weights with what it built before"),
        ("FAILING", "ZeroDivisionError"),
        ("EIGHT", "of 16 channels it has 87840 parameters and says 43920"),
        ("CHANGING", "it changes its input"),
        ("LATE", "it changes its input"),
        ("STILL", r"of T, H, W \(1, 4, 5\) it changes its input"),
        ("POINT", r"of T, H, W \(1, 1, 1\) it changes its input"),
        ("UNSEEN", r"of T, H, W \(3, 1, 1\) it changes its input"),
        ("OWN_NORM", "its BatchNorm3d 1 is not made by `norm`: in the search all batch norms"),
        ("KEPT", "its Kept 1 is not made by `norm`"),
        ("TRACKING", "without weights and running statistics; build it as norm"),
        ("PLAIN_NORM", "in the derived network all batch norms are with weights"),
        ("SPACE", "expected a rnas.operations.Operation, got SearchSpace"),
        ("NONE", "no attribute 'NONE'"),
    ],
)
def test_one_that_cannot_be_used_is_an_error_where_it_is_needed(put, value, message):
    put({"conv_7": value})
    with pytest.raises(BenchError, match=message) as raised:
        operation("conv_7")
    assert "conv_7 of bench.operations, package their_operations" in str(raised.value)


@pytest.mark.parametrize("value", ["CONV_7", "GIVEN_NORM", "GROUPED", "INSTANCES"])
def test_one_with_the_norm_it_is_given_or_of_single_clips_passes(put, value):
    put({"conv_7": value})
    assert operation("conv_7").parameters(8) > 0


@pytest.mark.parametrize(
    ("size", "message"),
    [(6, r"maps \(2, 4, 1, 1, 6\) to \(2, 4, 1, 1, 5\); expected the same shape"), (7, "failed: ")],
)
def test_one_that_fails_at_work_is_named(put, size, message):
    put({"choosy": "CHOOSY"})
    module = operation("choosy").build(4, DERIVED_NORM)
    assert module(torch.zeros(2, 4, 1, 1, 5)).shape == (2, 4, 1, 1, 5)
    with pytest.raises((BenchError, RuntimeError)) as raised:
        module(torch.zeros(2, 4, 1, 1, size))
    reason = failure_of(None, raised.value).reason
    assert reason.startswith("operation choosy of bench.operations, package their_operations")
    assert re.search(message, reason)


@pytest.mark.parametrize(
    ("value", "size", "training"), [("ODD", (7, 6, 6), False), ("ODD_PART", (1, 2, 2), True)]
)
def test_one_that_changes_its_input_at_other_sizes_is_named_at_work(put, value, size, training):
    put({"odd": value})
    module = operation("odd").build(4, DERIVED_NORM)
    clips = torch.rand(2, 4, *size)
    module.train(not training)(clips)
    with torch.inference_mode():
        module(torch.rand(2, 4, *size))
    with pytest.raises(BenchError, match=r"operation odd of .* changes its input, which other"):
        copy.deepcopy(module).train(training)(clips)


@pytest.mark.parametrize("name", ["forward", "items"])
def test_names_that_torch_cannot_hold_are_refused(put, name):
    put({name: "CONV_7"})
    with pytest.raises(BenchError, match=f"attribute '{name}' already exists"):
        operation(name)


def test_a_built_in_one_keeps_its_name(put, capsys):
    put({"conv_1": "CONV_7", "conv_7": "CONV_7"})
    assert operation("conv_1").branches == (1,)
    known_operations()
    assert "conv_1 of bench.operations, package their_operations" in capsys.readouterr().err


def test_without_its_package_it_is_unknown():
    with pytest.raises(MethodError, match="unknown operation 'conv_7'"):
        operation("conv_7")
