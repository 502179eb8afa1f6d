"""Eq. 1 over many branches at once: batch norm, weighted sum and maximum in one sweep.

Two identities make it exact. First, add, mean and maximum of two branches are sums of the branches
and of |first - second|, since max(a, b) = (a + b)/2 + |a - b|/2 (also in the gradient, which at a
tie goes half to each). So an edge is Σ_k p_k ŷ_k + Σ_q d_q |ŷ_first(q) - ŷ_second(q)|, where ŷ is a
branch after batch norm. Second, both sums are linear in the centred branch y - μ, and batch norm's
1/σ can multiply the coefficients instead: no normalised branch is ever written to memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


def mix(
    branches: Sequence[Tensor],
    linear: Tensor,
    differences: Tensor,
    signs: Tensor,
    eps: float,
) -> Tensor:
    """Σ_k linear_k ŷ_k + Σ_q differences_q |Σ_k signs_qk ŷ_k| per edge.

    branches: results of convolutions, each (B, A, C, E, k, V) for E edges and V voxels; their k add
    up to K. Each of the A inputs is normalised with its own statistics, over B and V.
    linear: (E, K); differences: (E, Q); signs: (Q, K). Returns (B, A, C, E, V).
    """
    branches = [_at_least_single(branch) for branch in branches]
    with torch.autocast(branches[0].device.type, enabled=False):
        return _Mix.apply(eps, signs, linear, differences, *branches)


def _at_least_single(x: Tensor) -> Tensor:
    """Float32 where autocast gave a half-precision x, since batch statistics need it."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class _MixContext(FunctionCtx):
    """What `_Mix` keeps from forward to backward."""

    saved_tensors: tuple[Tensor, ...]
    sizes: list[int]


class _Mix(torch.autograd.Function):
    """`mix` for float32 branches.

    In both passes `coefficients` is (E, 1 + Q, K): row 0 is the weighted sum, row 1 + q a
    difference.
    """

    @staticmethod
    def forward(
        ctx: _MixContext,
        eps: float,
        signs: Tensor,
        linear: Tensor,
        differences: Tensor,
        *branches: Tensor,
    ) -> Tensor:
        first = branches[0]
        sizes = [branch.shape[-2] for branch in branches]
        centred = first.new_empty(*first.shape[:-2], sum(sizes), first.shape[-1])
        for branch, place in zip(branches, centred.split(sizes, -2), strict=True):
            torch.sub(branch, branch.mean((0, -1), keepdim=True), out=place)
        samples = len(first) * first.shape[-1]
        variance = torch.linalg.vector_norm(centred, dim=-1).square_().sum(0).div_(samples)
        inverse = variance.add_(eps).rsqrt_()  # 1/σ: (A, C, E, K)
        coefficients = torch.cat([linear[:, None], signs.expand(len(linear), *signs.shape)], 1)
        rows = (coefficients * inverse[..., None, :]) @ centred  # (B, A, C, E, 1 + Q, V)
        total, gaps = rows[..., 0, :], rows[..., 1:, :]
        ctx.sizes = sizes
        ctx.save_for_backward(coefficients, inverse, differences, gaps, centred)
        return total + (differences[:, None] @ gaps.abs()).squeeze(-2)

    @staticmethod
    @once_differentiable
    def backward(ctx: _MixContext, grad: Tensor) -> tuple[Tensor | None, ...]:
        coefficients, inverse, differences, gaps, centred = ctx.saved_tensors
        grad = grad.contiguous()[..., None, :]
        samples = len(grad) * grad.shape[-1]
        grad_differences = (gaps.abs() @ grad.mT).sum((0, 1, 2)).squeeze(-1)
        grad_gaps = gaps.sign().mul_(differences[..., None]).mul_(grad)
        grad_rows = torch.cat([grad, grad_gaps, torch.ones_like(grad)], -2)
        # The gradient of every scaled coefficient: (A, C, E, 1 + Q, K).
        grad_scaled = (grad_rows[..., :-1, :] @ centred.mT).sum(0)
        grad_linear = (grad_scaled[..., 0, :] * inverse).sum((0, 1))
        grad_inverse = (grad_scaled * coefficients).sum(-2)
        # y's gradient through 1/σ: -(1/σ)³ (y - μ) / n; through μ: minus the direct one's mean.
        spread = (inverse**3 * grad_inverse).div_(-samples)[..., None]
        direct = (coefficients * inverse[..., None, :]).mT  # (A, C, E, K, 1 + Q)
        sums = grad_rows[..., :-1, :].sum((0, -1))[..., None]
        through = torch.cat([direct, direct @ sums / -samples], -1)  # the last row is all ones
        gradients = []
        parts = (centred.split(ctx.sizes, -2), spread.split(ctx.sizes, -2))
        for y, factor, rows in zip(*parts, through.split(ctx.sizes, -2), strict=True):
            own = (y * factor).contiguous()
            rows = rows.expand(len(y), *rows.shape).flatten(0, 3)
            own.flatten(0, 3).baddbmm_(rows, grad_rows.flatten(0, 3))
            gradients.append(own)
        return None, None, grad_linear, grad_differences, *gradients
