"""A network's answers are checked before and after its training: what cannot be scored never is."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.errors import FAILURES, BenchError, SuspectError, printable
from bench.seeds import seeded
from bench.system.guarding import undisturbed
from bench.training.compute import float32_arithmetic
from bench.training.loop import batch_logits
from bench.training.tensors import Tensors

ASKED, ALONE = 6, 2
"""Clips that a network is asked about in a batch: some slips show in more than two; and alone."""

ALIKE = 1e-4
"""Most that two answers to a clip may differ, since sums are rounded.

As a share of the range of all logits, or of a hundredth of the largest if that is more: networks
of the harness have differences below 1e-6.
"""


LEARNT_ALIKE = 1e-3
"""The same of two gradients, in whose sums more is rounded: as a share of their range."""


@torch.no_grad()
def asked_answer(network: nn.Module, clips: Tensors, indices: Sequence[int]) -> Tensor:
    """The logits of the first clips in evaluation mode, (n, classes)."""
    network.eval()
    with undisturbed(f"network {type(network).__name__}"), float32_arithmetic("fp32"):
        return _answer(network, clips, torch.as_tensor(indices[:ASKED]))


@torch.no_grad()
def check_answer(network: nn.Module, clips: Tensors, indices: Sequence[int]) -> Tensor:
    """The logits of the first clips, (n, classes): finite, and each clip's own.

    BenchError where they are not, where a part stays in training mode, or where the other clips of
    a batch, their order or earlier ones have a say in an answer.
    """
    network.eval()
    if deaf := [name for name, part in network.named_modules() if part.training]:
        what = f"its part {printable(deaf[0])}" if deaf[0] else "the network"
        raise BenchError(
            f"in evaluation mode {what} is still in training mode: dropout and batch statistics "
            "would go on; train(mode) has to pass the mode on"
        )
    asked = torch.as_tensor(indices[:ASKED])
    with undisturbed(f"network {type(network).__name__}"), float32_arithmetic("fp32"):
        answer = _answer(network, clips, asked)
        _refuse_other_than_logits(answer, (len(asked), clips.classes))
        backwards = _answer(network, clips, asked.flip(0)).flip(0)
        alone = torch.cat([_answer(network, clips, clip) for clip in asked[:ALONE].split(1)])
    require_alike(answer, backwards)
    require_alike(answer, torch.cat([alone, answer[ALONE:]]))
    return answer


@torch.no_grad()
def check_training_answer(network: nn.Module, clips: Tensors, indices: Sequence[int]) -> None:
    """BenchError where a network that is trained by cross-entropy gives it no logits.

    In training mode they are (B, classes), or of several heads (B, classes, H). It is shown the
    last of the clips: those that are tested come first, and are none to learn from. What the
    network keeps may change: ask one that is thrown away. One that fails is left to its training.
    """
    asked = torch.as_tensor(indices[-ASKED:])
    inputs, heads, answer = clips.evaluation_batch(asked), None, None
    name = f"network {type(network).__name__}"
    try:
        with undisturbed(name), seeded(0), float32_arithmetic("fp32"):
            output = network.train()(inputs)
            if tuple(output.shape) == (len(asked), clips.classes, clips.classes):
                answer = network.eval()(inputs)
                network.training = True  # it alone: its layers go on as in evaluation mode
                heads = network(inputs)
    except FAILURES:
        return
    _refuse_other_than_heads(output, len(asked), clips.classes)
    if heads is None or answer is None or heads.shape != output.shape:
        return
    if differ(answer, heads.mean(2)) and not differ(answer, heads.mean(1)):
        raise BenchError(
            f"in training mode the network gives {tuple(output.shape)}, (B, classes, heads), but "
            "its answer in evaluation mode is the mean over axis 1, as if the heads lay there: "
            "stack them along axis 2"
        )


def _refuse_other_than_heads(output: Tensor, clips: int, classes: int) -> None:
    if output.dim() not in (2, 3) or tuple(output.shape[:2]) != (clips, classes):
        raise BenchError(
            f"in training mode the network gives {tuple(output.shape)}, expected logits "
            f"{(clips, classes)}, or of several heads ({clips}, {classes}, H)"
        )
    if bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < ALIKE).all()):
        raise BenchError(
            "the network gives probabilities (none below 0, those of a clip sum to 1), of which "
            "cross-entropy would take the softmax again: leave out the last softmax"
        )


def require_alike(answer: Tensor, other: Tensor) -> None:
    """SuspectError where logits that should be the same differ by more than rounding."""
    if differ(answer, other):
        raise SuspectError(
            "in evaluation mode the network's answer to a clip changes with the other clips of its "
            "batch, or from call to call: its score would depend on their order"
        )


def differ(answer: Tensor, other: Tensor, share: float = ALIKE) -> bool:
    """Whether logits of the same clips differ by more than rounding."""
    scale = max(answer.max() - answer.min(), answer.abs().max() / 100)
    return bool((answer - other).abs().max() > share * scale)


def training_gradient(network: nn.Module, inputs: Tensor) -> Tensor:
    """What a network learns in training mode from the first clips of a batch: (N,), on the CPU.

    The gradient, of all weights that are trained, of a sum of its outputs with random weights:
    that of a cross-entropy is rounding alone where a network is sure. The global generators are
    seeded, always alike; they and all that is in its `state_dict` are set back, what it keeps
    beside that is not.
    """
    kept, mode = copy.deepcopy(network.state_dict()), network.training
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    network.train()
    with seeded(0), float32_arithmetic("fp32"):
        output = network(inputs[:ASKED])
        factors = torch.randn(output.shape, generator=torch.Generator().manual_seed(0))
        total = (output * factors.to(output)).sum()
        found = torch.autograd.grad(total, weights, allow_unused=True)
    network.load_state_dict(kept)
    network.train(mode)
    parts = zip(found, weights, strict=True)
    return torch.cat(
        [torch.zeros_like(w).flatten() if g is None else g.flatten() for g, w in parts]
    ).cpu()


def learn_otherwise(one: Tensor, other: Tensor) -> bool:
    """Whether two gradients of `training_gradient` differ by more than rounding."""
    return differ(one, other, LEARNT_ALIKE)


def _refuse_other_than_logits(answer: object, expected: tuple[int, int]) -> None:
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
        raise BenchError("the network gives numbers that are not finite: check it and its input")


def _answer(network: nn.Module, clips: Tensors, asked: Tensor) -> Tensor:
    try:
        return batch_logits(network, clips, asked)
    except FAILURES as error:  # a user's network may fail in any way
        shape = tuple(clips.evaluation_batch(asked).shape)
        reason = printable(f"{type(error).__name__}: {' '.join(str(error).split())}")[:200]
        raise BenchError(f"the network cannot take clips {shape}: {reason}") from error
