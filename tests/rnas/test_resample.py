import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from method_cases import CLIMBING, SPACES
from torch import nn

from rnas.operations import SEARCH_NORM
from rnas.resample import Stem, level_size, resample, resample_widths
from rnas.trellis import State

sizes = st.tuples(st.integers(1, 20), st.integers(1, 40), st.integers(1, 40))
SPACE = SPACES["rnas_mer"].resized(partial=1, channels=1)


def halved(axis, times):
    for _ in range(times):
        axis = axis if axis == 1 else (axis + 1) // 2
    return axis


@given(size=sizes, level=st.integers(0, 5))
def test_every_level_halves_while_there_is_more_than_one(size, level):
    assert level_size(size, level) == tuple(halved(axis, level) for axis in size)


@given(size=sizes, source=st.integers(0, 3), steps=st.integers(0, 3))
def test_a_resampler_arrives_at_the_size_of_its_level(size, source, steps):
    x = torch.randn(2, SPACE.width(source), *level_size(size, source))
    target = level_size(size, source + steps)
    module = resample(SPACE, State(3, source), source + steps, SEARCH_NORM)
    assert module(x, target).shape == (2, SPACE.width(source + steps), *target)


@given(size=sizes, steps=st.integers(1, 2))
def test_a_resampler_upwards_restores_the_size(size, steps):
    below, above = level_size(size, 2), level_size(size, 2 - steps)
    module = resample(CLIMBING, State(3, 2), 2 - steps, SEARCH_NORM)
    x = torch.randn(2, CLIMBING.output_width(2), *below)
    assert module(x, above).shape == (2, CLIMBING.width(2 - steps), *above)


@settings(max_examples=15)
@given(size=sizes)
def test_the_stem_halves_height_and_width_but_not_time(size):
    frames, height, width = size
    x = torch.randn(2, 3, *size)
    two = Stem(SPACES["rnas_mer"], 3, SEARCH_NORM)(x)
    assert two.shape == (2, 8, frames, halved(height, 1), halved(width, 1))
    four = Stem(CLIMBING, 3, SEARCH_NORM)(x)
    assert four.shape == (2, 2, frames, halved(height, 2), halved(width, 2))


@pytest.mark.parametrize(
    ("source", "level", "kernels", "strides"),
    [(1, 1, [1], [1]), (0, 1, [3], [2]), (0, 2, [3, 3], [2, 2]), (2, 0, [1], [1])],
)
def test_strided_convolutions_down_and_pointwise_ones_elsewhere(source, level, kernels, strides):
    """Section 3.1.2: the resolution falls by strides, never by pooling."""
    module = resample(CLIMBING, State(2, source), level, SEARCH_NORM)
    convs = [layer for layer in module.modules() if isinstance(layer, nn.Conv3d)]
    assert [conv.kernel_size for conv in convs] == [(k,) * 3 for k in kernels]
    assert [conv.stride for conv in convs] == [(s,) * 3 for s in strides]
    assert all(conv.bias is None for conv in convs)
    names = [type(layer).__name__ for layer in module.layers]
    assert names == ["ReLU", "Convolution", "BatchNorm3d"] * len(kernels)


def test_widths_on_the_way():
    assert resample_widths(CLIMBING, State(0, 0), 2) == (2, 4, 8)
    assert resample_widths(CLIMBING, State(1, 0), 2) == (4, 4, 8)
    assert resample_widths(CLIMBING, State(1, 2), 0) == (16, 2)
    assert resample_widths(SPACES["rnas_mer"], State(1, 1), 1) == (16, 16)


def test_upwards_is_trilinear():
    """A linear ramp stays linear away from the border."""
    module = resample(CLIMBING, State(1, 1), 0, SEARCH_NORM)
    module.layers = nn.Identity()
    ramp = torch.arange(4.0).expand(1, 1, 1, 1, 4)
    result = module(ramp, (1, 1, 8)).flatten()
    torch.testing.assert_close(result[1:-1].diff(), torch.full((5,), 0.5))
