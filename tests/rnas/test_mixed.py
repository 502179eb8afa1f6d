import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from method_cases import SPACES, shuffled
from torch import nn

from rnas.mixed import MixedOperation, channel_shuffle
from rnas.operations import SEARCH_NORM

JOINS = {
    "add": lambda first, second: first + second,
    "max": lambda first, second: torch.where(first > second, first, second),
    "avg": lambda first, second: (first + second) / 2,
}


def candidate(mixed, name, x):
    """h(x): of the candidate's own kernels, or joined from the ν that the edge shares."""
    if name == "none":
        return torch.zeros_like(x)
    if name in mixed.evaluate.candidates:
        return mixed.evaluate.candidates[name](x)
    join, *sizes = name.split("_")
    branches = [mixed.evaluate.convolutions[size](x) for size in sizes]
    return branches[0] if join == "conv" else JOINS[join](*branches)


def equation_1(mixed, space, logits, x):
    exponentials = [torch.exp(logit) for logit in logits]
    total = sum(exponentials)
    selected = x.shape[1] // space.partial
    chosen, bypass = x[:, :selected], x[:, selected:]
    mixture = torch.zeros_like(chosen)
    for name, exponential in zip(space.operations, exponentials, strict=True):
        mixture = mixture + exponential / total * candidate(mixed, name, chosen)
    return shuffled(torch.cat([mixture, bypass], dim=1), space.partial)


@pytest.mark.parametrize("partial", [1, 2, 4])
@pytest.mark.parametrize("kernels", ["per_op", "shared"])
@pytest.mark.parametrize("name", ["rnas_mer", "rnas_mer_2", "automer_3d"])
def test_equation_1(name, kernels, partial):
    space = SPACES[name].resized(partial=partial, kernels=kernels, channels=8)
    mixed = MixedOperation(space, 8, SEARCH_NORM).double()
    x = torch.randn(2, 8, 2, 4, 3, dtype=torch.float64, requires_grad=True)
    logits = torch.randn(len(space.operations), dtype=torch.float64, requires_grad=True)
    result, expected = mixed(x, logits.softmax(0)), equation_1(mixed, space, logits, x)
    torch.testing.assert_close(result, expected)
    probe = torch.randn_like(result)
    for ours, theirs in zip(
        torch.autograd.grad((result * probe).sum(), (x, logits)),
        torch.autograd.grad((expected * probe).sum(), (x, logits)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_own_kernels_are_21_convolutions_an_edge_and_shared_ones_three():
    counts = {}
    for kernels in ("per_op", "shared"):
        mixed = MixedOperation(SPACES["rnas_mer"].resized(kernels=kernels), 8, SEARCH_NORM)
        counts[kernels] = sum(isinstance(layer, nn.Conv3d) for layer in mixed.modules())
    assert counts == {"per_op": 21, "shared": 3}


@pytest.mark.parametrize("partial", [2, 4])
def test_masked_channels_bypass_untouched(partial):
    """All weight on `none`: the selected channels vanish, the others only change place."""
    space = SPACES["rnas_mer"].resized(partial=partial)
    mixed = MixedOperation(space, 8, SEARCH_NORM)
    x = torch.randn(2, 8, 1, 3, 3)
    weights = torch.tensor([float(name == "none") for name in space.operations])
    kept = x.clone()
    kept[:, : 8 // partial] = 0
    torch.testing.assert_close(mixed(x, weights), shuffled(kept, partial))


@settings(max_examples=30)
@given(groups=st.integers(1, 6), size=st.integers(1, 5))
def test_channel_shuffle_by_indices(groups, size):
    x = torch.randn(2, groups * size, 1, 2, 3)
    assert torch.equal(channel_shuffle(x, groups), shuffled(x, groups))


@settings(max_examples=30)
@given(groups=st.integers(1, 6), size=st.integers(1, 5))
def test_shuffling_in_b_and_then_in_c_over_b_groups_is_no_change(groups, size):
    x = torch.randn(1, groups * size, 1, 1, 2)
    assert torch.equal(channel_shuffle(channel_shuffle(x, groups), size), x)
