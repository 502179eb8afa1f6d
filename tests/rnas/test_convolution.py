"""Taps that meet only padding are left out, and nothing changes by it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rnas.convolution import Convolution

pytestmark = pytest.mark.usefixtures("one_thread")


@given(
    size=st.tuples(*[st.integers(1, 6)] * 3),
    kernel=st.sampled_from([1, 3, 5, (5, 1, 3)]),
    stride=st.sampled_from([1, 2, (1, 2, 2)]),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
)
def test_values_and_gradients_are_those_of_all_taps(size, kernel, stride, dilation, groups):
    each = (kernel,) * 3 if isinstance(kernel, int) else kernel
    options = {
        "stride": stride,
        "padding": tuple(dilation * (k // 2) for k in each),
        "dilation": dilation,
        "groups": groups,
        "dtype": torch.float64,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = nn.Conv3d(2, 4, kernel, **options)
        x = torch.randn(2, 2, *size, dtype=torch.float64, requires_grad=True)
    ours = Convolution(2, 4, kernel, **options)
    ours.load_state_dict(plain.state_dict())
    expected, found = plain(x), ours(x)
    torch.testing.assert_close(found, expected)
    wanted = torch.autograd.grad(expected.square().sum(), (x, plain.weight))
    torch.testing.assert_close(torch.autograd.grad(found.square().sum(), (x, ours.weight)), wanted)


@pytest.mark.parametrize("size", [(4, 3, 3), (8, 6, 6), (2, 13, 11)])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_depthwise_gradients_are_those_of_torch(size, kernel, dilation):
    """On few voxels, on few pixels, and on many; the paths of `rnas.fast.convolutions`."""
    layer = Convolution(
        6, 6, kernel, padding=dilation * (kernel // 2), dilation=dilation, groups=6, bias=False
    ).double()
    x = torch.randn(3, 6, *size, dtype=torch.float64, requires_grad=True)

    def answer() -> tuple[torch.Tensor, ...]:
        y = layer(x)
        return (y.detach(), *torch.autograd.grad(y.square().sum(), (x, layer.weight)))

    fast = answer()
    layer.eval()  # torch's own
    torch.testing.assert_close(fast, answer())


def test_fewer_taps_are_multiplied():
    from torch.utils.flop_counter import FlopCounterMode

    layer = Convolution(2, 2, 5, padding=2, bias=False)
    for size, taps in (((1, 2, 2), 1 * 3 * 3), ((1, 1, 1), 1), ((3, 3, 3), 125)):
        with FlopCounterMode(display=False) as counter:
            layer(torch.zeros(1, 2, *size))
        assert counter.get_total_flops() == 2 * 2 * 2 * taps * torch.Size(size).numel()
