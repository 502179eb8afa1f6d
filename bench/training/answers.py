"""A network's answer is checked before it is trained: what cannot be scored never is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.errors import FAILURES, BenchError, printable
from bench.training.tensors import Tensors

TRIED = 2
"""Clips that a network is asked about: batch norm and slips such as `[:1]` need more than one."""

ALIKE = 1e-3
"""Most that two answers to a clip may differ, as a share of the largest logit: sums are rounded."""


@torch.no_grad()
def check_answer(network: nn.Module, clips: Tensors, indices: Sequence[int]) -> None:
    """BenchError where the network does not answer clips with finite logits (clips, classes).

    Neither the other clips of a batch nor earlier ones may have a say in an answer.
    """
    network.eval()
    asked = torch.as_tensor(indices[:TRIED])
    inputs, again, others = (clips.evaluation_batch(asked) for _ in range(3))
    expected = (len(inputs), clips.classes)
    answer, backwards = _answer(network, inputs), _answer(network, again.flip(0))
    if not isinstance(answer, Tensor):
        raise BenchError(
            f"the network gives a {type(answer).__name__}, expected a tensor of logits {expected}"
        )
    if tuple(answer.shape) != expected:
        raise BenchError(
            f"the network gives {tuple(answer.shape)}, expected logits {expected}: a row per clip, "
            "a column per class"
        )
    if not answer.is_floating_point():
        raise BenchError(f"the network gives {answer.dtype}, expected logits of a floating type")
    if not answer.isfinite().all():
        raise BenchError(
            "the untrained network gives numbers that are not finite: check it and its input"
        )
    alone = torch.cat([_answer(network, clip) for clip in others.split(1)])
    most = ALIKE * max(1.0, float(answer.abs().max()))
    if any((answer - other).abs().max() > most for other in (backwards.flip(0), alone)):
        raise BenchError(
            "in evaluation mode the network's answer to a clip changes with the other clips of its "
            "batch, or from call to call: its score would depend on their order"
        )


def _answer(network: nn.Module, inputs: Tensor) -> Tensor:
    try:
        return network(inputs)
    except FAILURES as error:  # a user's network may fail in any way
        reason = printable(f"{type(error).__name__}: {' '.join(str(error).split())}")[:200]
        raise BenchError(
            f"the network cannot take clips {tuple(inputs.shape)}: {reason}"
        ) from error
