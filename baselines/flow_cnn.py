"""A plain convolutional network on the direction of motion: a control, ours."""

from __future__ import annotations

from torch import Tensor, nn

WIDTHS = (24, 48, 48)

SIDE = 28


class FlowCnn(nn.Module):
    """Flow u, v (B, 2, 28, 28), in any unit, to logits (B, classes).

    Each component loses its median, which is the motion of the whole face or the level that stands
    for 0; then both are divided by the largest absolute value of either.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(
                layer
                for below, above in zip((2, *WIDTHS), WIDTHS, strict=False)
                for layer in _stage(below, above)
            )
        )
        side = SIDE // 2 ** len(WIDTHS)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(WIDTHS[-1] * side**2, classes)
        )

    def forward(self, flow: Tensor) -> Tensor:
        """Flow (B, 2, 28, 28) to logits (B, classes)."""
        return self.head(self.features(_normalised(flow)))


def _stage(below: int, above: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(below, above, 3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(above), nn.ReLU(), nn.MaxPool2d(2)


def _normalised(flow: Tensor) -> Tensor:
    ordered = flow.flatten(2).sort(2).values  # (B, 2, S·S)
    median = ordered[..., ordered.shape[-1] // 2, None, None]
    moved = flow - median
    return moved / moved.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-6)
