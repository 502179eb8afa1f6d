"""What code of packages may not change behind the back of the runs that it only hears of."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch

from bench.system.entry_points import say_once


class _Setting(NamedTuple):
    """Something of the whole process: what it is called, how it is read and set."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]


def _numpy_state() -> tuple[Any, ...]:
    state: Any = np.random.get_state()  # noqa: NPY002 - others may use it
    kind, keys, *rest = state
    return (kind, keys.tobytes(), *rest)


def _set_numpy_state(state: tuple[Any, ...]) -> None:
    kind, keys, *rest = state
    np.random.set_state((kind, np.frombuffer(keys, np.uint32), *rest))  # noqa: NPY002


def _torch_state() -> bytes:
    return torch.get_rng_state().numpy().tobytes()


def _set_torch_state(state: bytes) -> None:
    torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _card_states() -> list[bytes]:
    """Of the cards that are in use: to ask for others would begin to use them."""
    states = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return [state.numpy().tobytes() for state in states]


def _set_card_states(states: list[bytes]) -> None:
    torch.cuda.set_rng_state_all(
        [torch.frombuffer(bytearray(state), dtype=torch.uint8) for state in states]
    )


SETTINGS = (
    _Setting("gradients", torch.is_grad_enabled, torch.set_grad_enabled),
    _Setting("the default dtype", torch.get_default_dtype, torch.set_default_dtype),
    _Setting("the number of threads", torch.get_num_threads, torch.set_num_threads),
    _Setting(
        "deterministic algorithms",
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    _Setting("the current folder", os.getcwd, os.chdir),
    _Setting("Python's random numbers", random.getstate, random.setstate),
    _Setting("NumPy's random numbers", _numpy_state, _set_numpy_state),
    _Setting("torch's random numbers", _torch_state, _set_torch_state),
    _Setting("random numbers of the cards", _card_states, _set_card_states),
)


@contextmanager
def undisturbed(who: str) -> Iterator[None]:
    """Sets back what the block changed of the process, and says once what `who` changed."""
    before = [(setting, setting.read()) for setting in SETTINGS]
    try:
        yield
    finally:
        for setting, value in before:
            if setting.read() != value:
                setting.write(value)
                say_once(f"warning: {who} changed {setting.name} of the process: set back")
