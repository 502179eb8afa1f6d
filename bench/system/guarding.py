"""What code of packages may not change behind the back of the runs that it has no part in."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import RLock
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.modules import module as modules
from torch.optim import optimizer as optimisers

from bench.system.packages import say_once


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


def _set_device(device: torch.device) -> None:
    """Torch's default is to have none, which is quicker than to have the CPU."""
    torch.set_default_device(None if device.type == "cpu" else device)


def _products() -> tuple[str, str, str]:
    return (
        torch.get_float32_matmul_precision(),
        torch.backends.mkldnn.matmul.fp32_precision,  # type: ignore[attr-defined]
        torch.backends.cuda.matmul.fp32_precision,
    )


def _set_products(values: tuple[str, str, str]) -> None:
    torch.set_float32_matmul_precision(values[0])  # sets the others, too
    torch.backends.mkldnn.matmul.fp32_precision = values[1]  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.fp32_precision = values[2]


def _set_errors(values: dict[str, Any]) -> None:
    np.seterr(**values)


HOOKED = {
    "hooks of all modules": (
        modules,
        (
            *("_global_forward_pre_hooks", "_global_forward_hooks"),
            *("_global_forward_hooks_always_called", "_global_forward_hooks_with_kwargs"),
            *("_global_backward_pre_hooks", "_global_backward_hooks"),
            *("_global_module_registration_hooks", "_global_parameter_registration_hooks"),
            "_global_buffer_registration_hooks",
        ),
    ),
    "hooks of all optimisers": (
        optimisers,
        ("_global_optimizer_pre_hooks", "_global_optimizer_post_hooks"),
    ),
}
"""Where torch keeps what it calls in every module and at every update."""


def _hooks(what: str) -> list[dict[int, Any]]:
    module, names = HOOKED[what]
    return [dict(getattr(module, name)) for name in names]


def _set_hooks(what: str, values: Sequence[dict[int, Any]]) -> None:
    module, names = HOOKED[what]
    for name, value in zip(names, values, strict=True):
        kept = getattr(module, name)
        kept.clear()
        kept.update(value)
    if not any(_hooks("hooks of all modules")):  # else hooks of the other kind are refused
        modules._global_is_full_backward_hook = None


DEVICES = ("cpu", "cuda", "mps")


def _autocast() -> tuple[Any, ...]:
    torch.autocast_increment_nesting()
    return (
        *((torch.is_autocast_enabled(each), torch.get_autocast_dtype(each)) for each in DEVICES),
        torch.is_autocast_cache_enabled(),
        torch.autocast_decrement_nesting(),
    )


def _set_autocast(values: tuple[Any, ...]) -> None:
    *devices, cached, depth = values
    for device, (enabled, dtype) in zip(DEVICES, devices, strict=True):
        torch.set_autocast_enabled(device, enabled)
        torch.set_autocast_dtype(device, dtype)
    torch.set_autocast_cache_enabled(cached)
    while (here := _autocast()[-1]) != depth:  # within a block weights stay as cast at first
        if here > depth:
            torch.autocast_decrement_nesting()
        else:
            torch.autocast_increment_nesting()
    torch.clear_autocast_cache()


_entered: list[torch.inference_mode] = []
"""Torch sets inference mode by blocks alone: those that are never left."""


def _set_inference(enabled: bool) -> None:
    gradients = torch.is_grad_enabled()
    _entered.append(torch.inference_mode(enabled))
    _entered[-1].__enter__()
    torch.set_grad_enabled(gradients)


def _switch(name: str, module: Any, switch: str) -> _Setting:
    return _Setting(name, partial(getattr, module, switch), partial(setattr, module, switch))


ARITHMETIC = (
    _Setting("inference mode", torch.is_inference_mode_enabled, _set_inference),
    _Setting("autocast", _autocast, _set_autocast),
    *(_Setting(what, partial(_hooks, what), partial(_set_hooks, what)) for what in HOOKED),
    _Setting("gradients", torch.is_grad_enabled, torch.set_grad_enabled),
    _Setting("the default dtype", torch.get_default_dtype, torch.set_default_dtype),
    _Setting("the default device", torch.get_default_device, _set_device),
    _Setting(
        "deterministic algorithms",
        torch.get_deterministic_debug_mode,
        torch.set_deterministic_debug_mode,
    ),
    _Setting("the precision of matrix products", _products, _set_products),
    _Setting("denormal numbers", lambda: sys.float_info.min / 2 == 0, torch.set_flush_denormal),
    _switch("the use of oneDNN", torch.backends.mkldnn, "enabled"),
    _switch("the use of cuDNN", torch.backends.cudnn, "enabled"),
    _switch("cuDNN's choice by time", torch.backends.cudnn, "benchmark"),
    _switch("cuDNN's determinism", torch.backends.cudnn, "deterministic"),
    _Setting("NumPy's floating-point errors", np.geterr, _set_errors),
)
"""What changes the numbers of every network, and nobody but the harness may."""

PROCESS = (
    *ARITHMETIC,
    _Setting("the number of threads", torch.get_num_threads, torch.set_num_threads),
    _Setting("the current folder", os.getcwd, os.chdir),
)
"""What a package's network may not change for others."""

SETTINGS = (
    *PROCESS,
    _Setting("Python's random numbers", random.getstate, random.setstate),
    _Setting("NumPy's random numbers", _numpy_state, _set_numpy_state),
    _Setting("torch's random numbers", _torch_state, _set_torch_state),
    _Setting("random numbers of the cards", _card_states, _set_card_states),
)
"""The same, and what a training network may draw from."""


_threaded: list[str] = []
"""Listeners whose threads may draw random numbers while networks train, in this process."""


@contextmanager
def watching_threads(who: str) -> Iterator[None]:
    """Says once where `who` starts a thread in the block: what that draws, nothing sets back."""
    before = {*threading.enumerate()}
    try:
        yield
    finally:
        if {*threading.enumerate()} - before and who not in _threaded:
            _threaded.append(who)
            say_once(
                f"note: {who} runs a thread: what it draws from the global generators of torch, "
                "NumPy or Python changes what is trained meanwhile; give it generators of its own"
            )


def other_drawers() -> str:
    """For messages on random numbers: who else may have drawn them, empty where nobody."""
    return f" (or a thread of {', '.join(_threaded)} drew)" if _threaded else ""


@contextmanager
def undisturbed(who: str, settings: Sequence[_Setting] = SETTINGS) -> Iterator[None]:
    """Sets back what the block changed of the process, and says once what `who` changed."""
    before = [setting.read() for setting in settings]
    try:
        yield
    finally:
        _set_back(who, settings, before)


ALONE = RLock()
"""Held while a unit is done: what torch is set to is the process's."""


@dataclass(frozen=True)
class Performing:
    """Performs units as `perform` does, in whatever process, with arithmetic as it was before.

    who: an executor, which may have set it in the meantime. Can be pickled.
    """

    perform: Callable[..., object]
    who: str
    before: tuple[Any, ...]

    @classmethod
    def now(cls, perform: Callable[..., object], who: str) -> Performing:
        """As the arithmetic of this process is now."""
        return cls(perform, who, tuple(setting.read() for setting in ARITHMETIC))

    def __call__(self, *unit: Any, **named: Any) -> None:
        """Performs a unit, given with what it reports to; of several threads one at a time."""
        with ALONE:
            _set_back(self.who, ARITHMETIC, self.before)
            self.perform(*unit, **named)


def _set_back(who: str, settings: Sequence[_Setting], before: Sequence[Any]) -> None:
    for setting, value in zip(settings, before, strict=True):
        if setting.read() != value:
            setting.write(value)
            others = other_drawers() if "random" in setting.name else ""
            say_once(f"warning: {who} changed {setting.name} of the process: set back{others}")


def guard(module: nn.Module, who: str) -> None:
    """From now on each call of the module is as in `undisturbed`, but that it may draw numbers.

    TypeError where it is no module.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"expected a torch.nn.Module, got {type(module).__name__}")
    calls = _Calls(who)
    module.register_forward_pre_hook(calls.begin, prepend=True)
    module.register_forward_hook(calls.end, always_call=True)


class _Calls:
    """Hooks of a module, which can be copied and pickled with it."""

    def __init__(self, who: str) -> None:
        self.who = who
        self.before: list[list[Any]] = []

    def begin(self, *_: object) -> None:
        if not torch.compiler.is_compiling():  # a graph holds no settings
            self.before.append([setting.read() for setting in PROCESS])

    def end(self, *_: object) -> None:
        if not torch.compiler.is_compiling():
            _set_back(self.who, PROCESS, self.before.pop())
