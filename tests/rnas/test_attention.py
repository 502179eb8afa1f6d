import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from method_cases import naive_conv
from torch import nn

from rnas.attention import Attention, attention_parameters
from rnas.errors import MethodError


def sigmoid(x):
    return 1 / (1 + torch.exp(-x))


def channel_gate(attention, x):
    """σ(MLP(mean) + MLP(max)), clip by clip and unit by unit."""
    first, second = (layer for layer in attention.mlp if isinstance(layer, nn.Linear))
    flat = x.flatten(2)

    def mlp(pooled):
        hidden = (first.weight @ pooled + first.bias).clamp(min=0)
        return second.weight @ hidden + second.bias

    gates = [sigmoid(mlp(clip.mean(1)) + mlp(clip.max(1).values)) for clip in flat]
    return torch.stack(gates)[:, :, None, None, None]


def spatial_gate(attention, x):
    """σ(C 7×7 [mean; max]), each frame on its own."""
    pooled = torch.stack([x.mean(1), x.max(1).values], dim=1)
    frames = [naive_conv(attention.spatial, pooled[:, :, t : t + 1]) for t in range(x.shape[2])]
    return sigmoid(torch.cat(frames, dim=2))


FORMS = {
    "gated": lambda a, x: x * channel_gate(a, x) + x * spatial_gate(a, x),
    "literal": lambda a, x: channel_gate(a, x) + spatial_gate(a, x),
    "cbam": lambda a, x: x * channel_gate(a, x) * spatial_gate(a, x * channel_gate(a, x)),
}


@pytest.mark.parametrize("shape", [(2, 8, 3, 5, 4), (2, 3, 1, 4, 4), (2, 4, 1, 1, 1)], ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_equation_4_in_three_readings(form, shape):
    attention = Attention(shape[1], form).double()
    x = torch.randn(shape, dtype=torch.float64)
    result = attention(x)
    assert result.shape == x.shape
    torch.testing.assert_close(result, FORMS[form](attention, x))


def test_the_literal_form_throws_the_features_away():
    """Its values lie in (0, 2), whatever the features: why it is not the default."""
    x = 100 * torch.randn(2, 4, 2, 3, 3)
    gates = Attention(4, "literal")(x)
    assert bool((gates >= 0).all()) and bool((gates <= 2).all())
    assert bool((Attention(4, "gated")(x).abs() > 2).any())


@settings(max_examples=30)
@given(channels=st.integers(1, 40))
def test_parameters_and_hidden_units(channels):
    attention = Attention(channels, "gated")
    assert sum(p.numel() for p in attention.parameters()) == attention_parameters(channels)
    assert attention.mlp[0].out_features == max(channels // 4, 1)


def test_an_unknown_form_is_refused():
    with pytest.raises(MethodError, match="cbam"):
        Attention(4, "squeeze")(torch.randn(1, 4, 1, 2, 2))
