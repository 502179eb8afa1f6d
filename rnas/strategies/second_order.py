"""DARTS's second-order search (Liu et al. 2019, Eqs. 6-8): α, η, β descend Train B's loss at w'.

w' = w - ξ (μ m + ∇_w L_A(w, α) + λ w) is one SGD step on Train A, with learning rate ξ, momentum μ
and its buffer m, weight decay λ. The gradient is

    ∇_α L_B(w', α) - ξ ∇²_{α,w} L_A(w, α) ∇_{w'} L_B(w', α)

and its second term is the finite difference (∇_α L_A(w+, α) - ∇_α L_A(w-, α)) / 2ε with
w± = w ± ε ∇_{w'} L_B and ε = 0.01 / ||∇_{w'} L_B||. As in the authors' code, w' is not clipped;
as in the paper, w± lie around w and the vector has no weight decay (the code released first
differs).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from rnas.search import Batch, Searcher, frozen, set_gradients
from rnas.strategies.first_order import FirstOrder


class SecondOrderSearcher(Searcher):
    """`Searcher` with the gradient of the unrolled step."""

    radius = 0.01
    """ε ||∇_{w'} L_B||: how far the finite difference moves w."""

    def move_architecture(self, batch_b: Batch, batch_a: Batch) -> Tensor:
        """α, η and β move; w ends bit for bit where it was. Returns the loss on Train B at w'."""
        before = [weight.detach().clone() for weight in self.weights]
        try:
            self._unroll(batch_a)
            loss = F.cross_entropy(self.evaluate(batch_b[0]), batch_b[1])
            set_gradients([*self.architecture, *self.weights], loss)
            direct = _gradients(self.architecture)
            vector = _gradients(self.weights)
            product = self._hessian_vector(before, vector, batch_a)
        finally:
            self._put(before)
        rate = self.weight_optimiser.param_groups[0]["lr"]
        for parameter, first, second in zip(self.architecture, direct, product, strict=True):
            parameter.grad = first - rate * second
        self.architecture_optimiser.step()
        return loss.detach()

    @torch.no_grad()
    def _put(self, values: list[Tensor]) -> None:
        for weight, value in zip(self.weights, values, strict=True):
            weight.copy_(value)

    def _unroll(self, batch: Batch) -> None:
        """From w to w'. A weight without a gradient stays, as under SGD."""
        clips, labels = batch
        set_gradients(self.weights, F.cross_entropy(self.evaluate(clips), labels))
        group, state = self.weight_optimiser.param_groups[0], self.weight_optimiser.state
        with torch.no_grad():
            for weight in self.weights:
                if weight.grad is None:
                    continue
                step = weight.grad + group["weight_decay"] * weight
                buffer = state[weight].get("momentum_buffer") if weight in state else None
                if buffer is not None:
                    step = step + group["momentum"] * buffer
                weight.sub_(group["lr"] * step)

    def _hessian_vector(
        self, weights: list[Tensor], vector: list[Tensor], batch: Batch
    ) -> list[Tensor]:
        """∇²_{α,w} L_A(w, α) v by a central difference along v."""
        norm = torch.linalg.vector_norm(torch.stack([part.norm() for part in vector]))
        epsilon = self.radius / norm.clamp(min=torch.finfo(norm.dtype).tiny)
        sides = []
        for sign in (1, -1):
            moved = zip(weights, vector, strict=True)
            self._put([weight + sign * epsilon * part for weight, part in moved])
            with frozen(self.weights):
                clips, labels = batch
                set_gradients(self.architecture, F.cross_entropy(self.evaluate(clips), labels))
            sides.append(_gradients(self.architecture))
        return [(plus - minus) / (2 * epsilon) for plus, minus in zip(*sides, strict=True)]


class SecondOrder(FirstOrder):
    """A step costs five passes where a first-order one costs two: four of Train A, one of B."""

    searcher_class = SecondOrderSearcher
    passes_of_a = 4


def _gradients(parameters: list[torch.nn.Parameter]) -> list[Tensor]:
    """The gradients, zeros where there is none."""
    return [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]
