"""Optimisers without the compiler take the steps of torch's own, bit for bit."""

import pytest
import torch

from rnas import optimisers


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"momentum": 0.9, "weight_decay": 3e-4, "fused": True}),
        ("SGD", {}),
        ("Adam", {"betas": (0.5, 0.999), "weight_decay": 1e-3}),
        ("Adam", {"fused": True}),
    ],
)
def test_steps_are_those_of_torch_and_states_fit_either(name, options):
    start, gradients = torch.randn(7, 3), torch.randn(6, 7, 3)
    ended = []
    for first, then in ((torch.optim, torch.optim), (optimisers, torch.optim), (optimisers,) * 2):
        weights = torch.nn.Parameter(start.clone())
        optimiser = getattr(first, name)([weights], lr=0.1, **options)
        for step, gradient in enumerate(gradients):
            if step == len(gradients) // 2:
                state = optimiser.state_dict()
                optimiser = getattr(then, name)([weights], lr=9.0, **options)
                optimiser.load_state_dict(state)
            optimiser.zero_grad()
            (weights * gradient).sum().backward()
            optimiser.step()
        assert weights.requires_grad and weights.grad_fn is None
        ended.append(weights.detach())
    assert torch.equal(ended[0], ended[1]) and torch.equal(ended[0], ended[2])
    assert not torch.equal(ended[0], start)
