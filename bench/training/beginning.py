"""What a network begins with: what its seed alone gives, whatever was built or trained before it.

A fold that starts from weights of another fold has seen the people that it is tested on.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from baselines.fixed import CROSS_ENTROPY
from bench.errors import FAILURES, BenchError, SuspectError
from bench.seeds import seeded
from bench.system.guarding import other_drawers
from bench.training.answers import asked_answer, check_answer, check_training_answer, differ
from bench.training.tensors import Tensors

OTHER_SEED = 1
"""What a network is made of when its file is read: whatever is drawn then gives way to the file."""

MUCH_ALIKE = 0.1
"""Share of the numbers, alike with every seed, that is told: designed filters are fewer."""

STIRRED = 0.01
"""Up to so much is added to each weight: a layer that starts at zero would hide what is before."""


@dataclass(frozen=True)
class Beginning:
    """A network to be trained, with what another one built in the same way holds and answers.

    build: of a seed, on the device; weights: hash of each parameter and buffer; answer: logits to
    the first of the clips `indices`, once its weights are stirred; alike: share of all that it
    holds, trained or not, that begins alike with every seed, 0 below MUCH_ALIKE and where that is
    declared.
    """

    build: Callable[[], nn.Module]
    clips: Tensors
    indices: Sequence[int]
    network: nn.Module
    weights: Mapping[str, int]
    answer: Tensor
    alike: float = 0.0

    @classmethod
    def of(
        cls,
        build: Callable[[], nn.Module],
        unseeded: Callable[[], nn.Module],
        clips: Tensors,
        indices: Sequence[int],
        pretrained: bool = False,
        loss: str = CROSS_ENTROPY,
    ) -> Self:
        """A new network; the checks are made on another one, so that it stays as it is.

        unseeded: builds it with weights from torch's global generator; pretrained: whether the
        method says that they are not all drawn; loss: what it is trained by. BenchError where the
        two share trainable weights or are not the same, the states of generators that they hold
        included, where its seed is another than it is given, where all its weights are the same
        with another seed, where it is more than its weights, and as `check_answer` and, with
        cross-entropy, `check_training_answer`.
        """
        network, twin = build(), build()
        if _trainable(network) & _trainable(twin):
            raise BenchError(
                "a new network shares trainable weights with one built before: a fold would start "
                "from what another has learnt; make all weights anew in __init__ (none at module "
                "level, in a class attribute or behind a cache)"
            )
        weights = _hashes(network)
        if odd := _differing(weights, _hashes(twin)):
            raise SuspectError(
                f"two networks of one seed begin with different {odd}{other_drawers()}: draw "
                "what is random from torch's global generator, and keep nothing outside the network"
            )
        if _generators(network) != _generators(twin):
            raise SuspectError(
                "two networks of one seed hold generators of random numbers in different states: "
                "draw from the global generators of torch, NumPy or Python, which are seeded"
            )
        answer = check_answer(stirred(twin), clips, indices)
        with seeded(OTHER_SEED):
            another = unseeded().to(clips.labels.device)
            if torch.initial_seed() != OTHER_SEED:
                raise BenchError(
                    "a new network seeds torch's global generator: all seeds of a run would begin "
                    "with the same weights; leave out torch.manual_seed"
                )
        if not pretrained and _alike(_moved(network), _moved(another)) == 1:
            raise BenchError(
                "a new network has the same trainable weights with every seed: draw them from "
                "torch's global generator, without a seed or generator of its own; if they are "
                "loaded, say in the method's `pretraining` what they were trained on"
            )
        alike = 0.0 if pretrained else _alike(_held(network), _held(another))
        _require_restored(another, twin, answer, clips, indices)
        if loss == CROSS_ENTROPY:
            check_training_answer(another, clips, indices)
        told = alike if alike >= MUCH_ALIKE else 0.0
        return cls(build, clips, indices, network, weights, answer, told)

    def require_kept(self) -> None:
        """After a training: BenchError where a network that is built now begins otherwise.

        Or where it has learnt what is not in its weights.
        """
        again = self.build()
        odd = _differing(self.weights, _hashes(again))
        if not odd and differ(self.answer, asked_answer(stirred(again), self.clips, self.indices)):
            odd = "answers"
        if odd:
            raise SuspectError(
                f"since this training a new network of the same seed begins with other {odd}: what "
                "one fold learns would reach the next; keep nothing at module level, in a class "
                "attribute or behind a cache"
            )
        learnt = asked_answer(self.network, self.clips, self.indices)
        _require_restored(again, self.network, learnt, self.clips, self.indices)


def _require_restored(
    another: nn.Module,
    network: nn.Module,
    answer: Tensor,
    clips: Tensors,
    indices: Sequence[int],
) -> None:
    """BenchError where another network, given the weights of this one, answers otherwise."""
    try:
        another.load_state_dict(network.state_dict())
    except FAILURES as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise BenchError(f"a new network cannot take the weights of another ({reason})") from error
    if differ(answer, asked_answer(another, clips, indices)):
        raise SuspectError(
            "a new network that is given the weights of another answers otherwise: no model file "
            "could give its answers again; register every tensor that they depend on as a "
            "parameter or a buffer"
        )


def _trainable(network: nn.Module) -> set[int]:
    """Where the weights lie that training moves."""
    return {each.untyped_storage().data_ptr() for each in _moved(network)}


def _alike(ours: Iterator[Tensor], others: Iterator[Tensor]) -> float:
    """Share of our numbers that others have, too, tensor by tensor; constants do not count."""
    known = {_bits(each) for each in others}
    sizes = {_bits(each): each.numel() for each in ours if (each != each.flatten()[0]).any()}
    same = sum(size for bits, size in sizes.items() if bits in known)
    return same / sum(sizes.values()) if sizes else 0.0


def _moved(network: nn.Module) -> Iterator[Tensor]:
    """The weights that training moves."""
    return (each for each in network.parameters() if each.requires_grad and each.numel())


def _held(network: nn.Module) -> Iterator[Tensor]:
    """All that it holds in floating point: weights, buffers, tensors and arrays elsewhere in it."""
    for value in _within(network):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            value = torch.from_numpy(np.array(value, float))  # whatever its strides and bytes
        plain = isinstance(value, Tensor) and value.layout == torch.strided and not value.is_meta
        if plain and value.is_floating_point() and value.numel():
            yield value


def _generators(network: nn.Module) -> list[str]:
    """The states of the generators of random numbers that it holds, sorted."""
    kinds = torch.Generator | np.random.Generator | np.random.RandomState | random.Random
    return sorted(_state(each) for each in _within(network) if isinstance(each, kinds))


def _state(generator: Any) -> str:
    if isinstance(generator, torch.Generator):
        return str(generator.get_state().tolist())
    if isinstance(generator, random.SystemRandom):
        return str(generator.random())  # it has no state, and is no two times alike
    if isinstance(generator, random.Random):
        return str(generator.getstate())
    if isinstance(generator, np.random.RandomState):
        return str([*map(np.ndarray.tolist, map(np.asarray, generator.get_state()))])
    return str(generator.bit_generator.state)


def _within(network: nn.Module) -> Iterator[Any]:
    """A network and all in it, each once: in containers, and in the attributes of objects."""
    met: set[int] = set()
    left: list[Any] = [network]
    while left:
        value = left.pop()
        if id(value) in met or isinstance(value, type | ModuleType):
            continue
        met.add(id(value))
        yield value
        if isinstance(value, Mapping):
            left += value.values()
        elif isinstance(value, list | tuple | Set | deque):
            left += value
        elif not isinstance(value, Tensor):
            left += getattr(value, "__dict__", {}).values()


def _hashes(network: nn.Module) -> dict[str, int]:
    """A hash of the bits of each parameter and buffer."""
    named = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {name: _bits(each) for name, each in named.items()}


def _bits(tensor: Tensor) -> int:
    """A hash of its bits."""
    return hash(tensor.detach().flatten().cpu().view(torch.uint8).numpy().tobytes())


def _differing(one: Mapping[str, int], other: Mapping[str, int]) -> str:
    """The first name whose hashes differ, empty where there is none."""
    names = [*one, *other]
    return next((name for name in names if one.get(name) != other.get(name)), "")


@torch.no_grad()
def stirred(network: nn.Module) -> nn.Module:
    """The same network with each trainable weight a little larger, always by the same."""
    generator = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        if weight.requires_grad:
            weight.add_(STIRRED * torch.rand(weight.shape, generator=generator).to(weight))
    return network
