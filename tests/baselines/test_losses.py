"""Losses of the recipes, against values worked out by hand."""

from typing import get_args, get_type_hints

import pytest
import torch

from baselines.fixed import Recipe
from baselines.losses import LOSSES, margin_loss


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
