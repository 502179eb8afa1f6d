"""How derived networks are trained: the optimiser that settings name."""

import copy

import pytest
import torch
from torch import nn

from bench.config.settings import TrainConfig
from bench.training.procedure import optimiser_numbers, procedure


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        (TrainConfig(), (torch.optim.SGD, {"momentum": 0.9})),
        (TrainConfig(momentum=0), (torch.optim.SGD, {})),
        (TrainConfig(optimiser="adamw", weight_decay=0.1), (torch.optim.AdamW, {})),
    ],
)
def test_steps_and_state_are_those_of_the_optimiser_named(settings, theirs):
    torch.manual_seed(0)
    ours = nn.Linear(5, 3)
    other = copy.deepcopy(ours)
    batch = (torch.randn(4, 5), torch.tensor([0, 2, 1, 0]))
    way = procedure(settings)
    optimiser = way.optimiser(ours)
    kind, options = theirs
    reference = kind(
        other.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, **options
    )
    for _ in range(3):
        way.step(ours, optimiser, batch)
        reference.zero_grad()
        nn.functional.cross_entropy(other(batch[0]), batch[1]).backward()
        reference.step()
    for mine, expected in zip(ours.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, expected, atol=1e-6)
    kept = [
        value
        for value in optimiser.state[ours.weight].values()
        if value is not None and value.shape == ours.weight.shape
    ]
    assert len(kept) == optimiser_numbers(settings)
