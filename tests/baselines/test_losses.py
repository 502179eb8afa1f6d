"""Losses of the recipes, against values worked out by hand."""

from typing import get_args, get_type_hints

import pytest
import torch
import torch.nn.functional as F

from baselines.fixed import Recipe
from baselines.losses import LOSSES, cross_entropy, linear_margin_loss, margin_loss


def test_every_loss_that_a_recipe_can_name_is_there():
    assert set(LOSSES) == set(get_args(get_type_hints(Recipe)["loss"]))


def test_margin_loss_is_zero_where_every_length_is_beyond_its_margin():
    lengths = torch.tensor([[0.995, 0.005, 0.0], [0.0, 0.01, 1.0]])
    assert margin_loss(lengths, torch.tensor([0, 2])) == 0


def test_margin_loss_by_hand():
    lengths = torch.tensor([[0.49, 0.21, 0.01], [0.11, 0.99, 0.01]])
    first = 0.5**2 + 0.5 * 0.2**2  # half a margin short, one absent class 0.2 too long
    second = 0.5 * 0.1**2
    value = margin_loss(lengths, torch.tensor([0, 1]))
    assert value.item() == pytest.approx((first + second) / 2)


def test_linear_margin_loss_by_hand():
    lengths = torch.tensor([[0.5, 0.3, 0.1], [0.2, 0.95, 0.0]])
    first = 0.4 + 0.5 * 0.2  # short of 0.9 by 0.4, one absent class 0.2 too long
    second = 0.5 * 0.1
    value = linear_margin_loss(lengths, torch.tensor([0, 1]))
    assert value.item() == pytest.approx((first + second) / 2)


@pytest.mark.parametrize("weight", [None, torch.tensor([2.0, 1.0, 0.5])])
def test_cross_entropies_of_several_heads_are_averaged(weight):
    logits, labels = torch.randn(4, 3, 2), torch.tensor([0, 2, 1, 1])
    each = [F.cross_entropy(logits[..., head], labels, weight) for head in range(2)]
    assert torch.equal(cross_entropy(logits[..., 0], labels, weight), each[0])
    assert torch.allclose(cross_entropy(logits, labels, weight), (each[0] + each[1]) / 2)
