"""Initial weights as the frameworks and the published codes set them."""

from __future__ import annotations

from torch import nn

CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)


def glorot_uniform(network: nn.Module) -> None:
    """Keras' default: Glorot-uniform kernels, biases zero."""
    for layer in network.modules():
        if isinstance(layer, (*CONVOLUTIONS, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def glorot_normal(network: nn.Module) -> None:
    """Linear layers Glorot-normal, their biases zero."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)


def kaiming_fan_out(network: nn.Module) -> None:
    """As in residual networks: convolutions Kaiming-normal by fan-out, biases torch's default."""
    for layer in network.modules():
        if isinstance(layer, CONVOLUTIONS):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


def small_normal(layer: nn.Linear | nn.Embedding, deviation: float = 0.01) -> None:
    """Weights normal around zero, bias zero."""
    nn.init.normal_(layer.weight, std=deviation)
    if isinstance(layer, nn.Linear):
        nn.init.zeros_(layer.bias)
