"""Every operation against its definition, written with loops in `method_cases`."""

import pytest
import torch
from method_cases import naive_conv, naive_norm, naive_pool
from torch import nn

from rnas.errors import MethodError
from rnas.operations import DERIVED_NORM, OPERATIONS, SEARCH_NORM, Norm, operation
from rnas.space import OPERATION_NAMES

SHAPES = [(2, 3, 4, 5, 3), (2, 3, 1, 4, 4), (2, 3, 2, 1, 2), (3, 3, 1, 1, 1)]
"""(B, C, T, H, W): plain; one frame; axes shorter than a kernel; one voxel."""

JOINS = {
    "add": lambda first, second: first + second,
    "max": lambda first, second: torch.where(first > second, first, second),
    "avg": lambda first, second: 0.5 * first + 0.5 * second,
}
CASES = [
    *((name, "separable") for name in OPERATIONS),
    ("dil_conv_3", "full"),
    ("dil_conv_5", "full"),
]


def built(name, channels, norm=SEARCH_NORM, dilated="separable"):
    return operation(name, dilated).build(channels, norm).double()


def convolutions(module):
    return [layer for layer in module.modules() if isinstance(layer, nn.Conv3d)]


def kernel_size(conv):
    return conv.kernel_size[0]


def relu(x):
    return torch.where(x > 0, x, torch.zeros_like(x))


def chain(convs, x):
    """ReLU, the convolutions in turn, batch norm."""
    x = relu(x)
    for conv in convs:
        x = naive_conv(conv, x)
    return naive_norm(x)


def defined(name, module, x):
    """The operation of a name on x, with the weights of `module`."""
    convs = convolutions(module)
    kind, *sizes = name.split("_")
    if name == "none":
        return torch.zeros_like(x)
    if name == "skip":
        return x
    if name == "max_pool_3":
        return naive_norm(naive_pool(x, lambda window: window.amax(2)))
    if name == "avg_pool_3":
        return naive_norm(naive_pool(x, lambda window: window.mean(2)))
    if kind in JOINS:
        assert [kernel_size(conv) for conv in convs] == [int(size) for size in sizes]
        return JOINS[kind](*(chain([conv], x) for conv in convs))
    assert max(convs[0].kernel_size) == int(sizes[-1])
    if kind == "sep":
        return chain(convs[2:], chain(convs[:2], x))
    if name.startswith("single_par"):
        return naive_norm(sum(naive_conv(conv, relu(x)) for conv in convs))
    return chain(convs, x)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "dilated"), CASES)
def test_an_operation_is_its_definition(name, dilated, shape):
    x = torch.randn(shape, dtype=torch.float64)
    module = built(name, shape[1], dilated=dilated)
    result = module(x)
    assert result.shape == x.shape
    torch.testing.assert_close(result, defined(name, module, x))


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ("none", "skip")])
def test_no_search_operation_depends_on_the_scale_of_its_input(name):
    """Without affine, ReLU-Conv-BN erases it: the reason for an unidentifiable row."""
    x = torch.randn(3, 2, 2, 3, 3, dtype=torch.float64)
    module = built(name, 2, Norm(affine=False, eps=1e-14))
    torch.testing.assert_close(module(7.5 * x), module(x), atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "kernels"),
    [
        ("sep_conv_3", [(3, 3, 3), (1, 1, 1), (3, 3, 3), (1, 1, 1)]),
        ("sep_conv_5", [(5, 5, 5), (1, 1, 1), (5, 5, 5), (1, 1, 1)]),
        ("dil_conv_3", [(3, 3, 3), (1, 1, 1)]),
        ("dil_conv_5", [(5, 5, 5), (1, 1, 1)]),
        ("single_seq_5", [(5, 1, 1), (1, 5, 1), (1, 1, 5)]),
        ("single_par_3", [(3, 1, 1), (1, 3, 1), (1, 1, 3)]),
    ],
)
def test_kernels_groups_and_dilation(name, kernels):
    convs = convolutions(built(name, 4))
    assert [conv.kernel_size for conv in convs] == kernels
    depthwise = name.startswith(("sep", "dil"))
    for conv, kernel in zip(convs, kernels, strict=True):
        assert conv.groups == (4 if depthwise and kernel != (1, 1, 1) else 1)
        dilated = name.startswith("dil") and kernel != (1, 1, 1)
        assert conv.dilation == ((2,) * 3 if dilated else (1,) * 3)


@pytest.mark.parametrize("kernel", [3, 5])
def test_full_dilation_is_one_convolution_over_all_channels(kernel):
    (conv,) = convolutions(built(f"dil_conv_{kernel}", 4, dilated="full"))
    assert conv.kernel_size == (kernel,) * 3
    assert (conv.groups, conv.dilation) == (1, (2, 2, 2))


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("name", "dilated"), CASES)
def test_the_parameter_formula_counts_the_built_operation(name, dilated, channels):
    module = built(name, channels, DERIVED_NORM, dilated)
    counted = sum(parameter.numel() for parameter in module.parameters())
    assert operation(name, dilated).parameters(channels) == counted


def test_the_two_roles_of_batch_norm():
    search, derived = SEARCH_NORM(3), DERIVED_NORM(3)
    assert not list(search.parameters()) and not list(search.buffers())
    assert {name for name, _ in derived.named_parameters()} == {"weight", "bias"}
    assert float(derived.running_var.sum()) == 3
    x = torch.randn(4, 3, 2, 2, 2)
    torch.testing.assert_close(search.eval()(x), search.train()(x))


@pytest.mark.parametrize("name", ["convolution", "conv_7", ""])
def test_an_unknown_operation_names_the_known_ones(name):
    with pytest.raises(MethodError, match="avg_pool_3"):
        operation(name)


def test_the_names_of_the_sets_are_those_of_the_operations():
    assert set(OPERATIONS) == OPERATION_NAMES
